"""The figure is drawn whatever the corpus: many artists or one, all alike or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.judge.figure import Seen, draw_shrinkage

if TYPE_CHECKING:
    from pathlib import Path


def seen(count: int) -> Seen:
    generator = np.random.default_rng(count)
    raw = generator.uniform(0, 100, count)
    return Seen(raw, generator.integers(1, 20, count).astype(float), raw + generator.normal(0, 10, count))


@pytest.mark.parametrize("count", [1, 5, 40, 1000])
def test_any_number_of_tracks_is_drawn(tmp_path: Path, count: int) -> None:
    tracks = seen(count)
    predicted = dict.fromkeys(("partial", "none", "complete"), tracks.raw_mean * 0.5 + 20)
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    for path in paths:
        draw_shrinkage(tracks, predicted, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes().startswith(b"\x89PNG\r\n")


def test_artists_that_are_all_alike_are_one_dot(tmp_path: Path) -> None:
    count = 100
    flat = Seen(np.zeros(count), np.ones(count), np.zeros(count))
    draw_shrinkage(flat, {"partial": np.zeros(count)}, tmp_path / "flat.png")
    assert (tmp_path / "flat.png").stat().st_size > 1000
