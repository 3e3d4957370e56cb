"""A corpus that is too large to be sampled track by track."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from simulated import draw_tracks, write_ingested

from schemas.errors import InvalidParameter
from schemas.parameters import GroupParameters
from tasks.group import grouping
from tasks.group.grouping import group_tracks

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_refused_with_a_way_out_that_both_likelihoods_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "MOST_CELLS", 100)
    source = write_ingested(tmp_path / "in", draw_tracks(1))
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidParameter, match=r"too large .* --likelihood normal with --engine collapsed"):
        group_tracks(source, GroupParameters(), tmp_path / "out", keep_rows=True)
    group_tracks(source, GroupParameters(), tmp_path / "out")
