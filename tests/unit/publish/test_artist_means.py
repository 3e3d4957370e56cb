"""What was seen of each artist, as predictions and readers find it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from schemas.publication import AVERAGE
from schemas.reports import Design, DesignColumn
from tasks.publish import means
from tasks.publish.means import write_means

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.publish.publisher import Inputs


@pytest.fixture
def design(inputs: Inputs) -> Design:
    return Design.model_validate_json((inputs.group / "design.json").read_text(encoding="utf-8"))


def test_it_is_published_with_the_design(release: Callable[..., Any], root: Path, inputs: Inputs) -> None:
    release()
    folder = root / "weekly" / "current"
    assert (folder / "design.json").read_bytes() == (inputs.group / "design.json").read_bytes()
    seen = pq.read_table(folder / "artist_means.parquet")
    ranked = pq.read_table(folder / "artists.parquet").sort_by("artist")
    for name in ("artist", "tracks"):
        assert seen[name].to_pylist() == ranked[name].to_pylist()
    np.testing.assert_allclose(seen["raw_mean"], ranked["raw_mean"], atol=1e-8)


def test_features_are_in_their_own_units_and_genres_are_shares(inputs: Inputs, design: Design, tmp_path: Path) -> None:
    write_means(inputs.group, design, tmp_path / "means.parquet")
    table = pq.read_table(tmp_path / "means.parquet")
    z = np.load(inputs.group / "statistics" / "means.npy")
    assert table.column_names[3:] == [
        *("danceability", "energy", "loudness", "valence"),
        *("genre[rock]", "genre[<b>pop</b>]", "genre[classical]"),
    ]
    np.testing.assert_allclose(table["energy"], 0.5 + 0.17 * z[:, 2], atol=1e-12)
    np.testing.assert_array_equal(table["genre[rock]"], z[:, 5])
    tracks = np.asarray(table["tracks"])
    for name in table.column_names[3:]:
        average = np.average(np.asarray(table[name]), weights=tracks)
        assert float(table.schema.field(name).metadata[AVERAGE]) == pytest.approx(average, abs=1e-12)
        assert table.schema.field(name).metadata[b"description"]


def test_a_genre_cannot_take_the_name_of_anything_else(inputs: Inputs, design: Design, tmp_path: Path) -> None:
    taken = ("energy", "tracks", "energy][loudness")
    columns = [column for column in design.columns if column.kind != "genre"]
    columns += [DesignColumn(name=name, kind="genre") for name in taken]
    write_means(inputs.group, design.model_copy(update={"columns": tuple(columns)}), tmp_path / "means.parquet")
    names = pq.read_schema(tmp_path / "means.parquet").names
    assert len(names) == len(set(names)) == 10
    assert names[-3:] == ["genre[energy]", "genre[tracks]", "genre[energy][loudness]"]


def test_a_few_rows_at_a_time_give_the_same_table(
    inputs: Inputs, design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_means(inputs.group, design, tmp_path / "whole.parquet")
    monkeypatch.setattr(means, "_CELLS", 63)
    write_means(inputs.group, design, tmp_path / "parts.parquet")
    whole, parts = (pq.ParquetFile(tmp_path / f"{name}.parquet") for name in ("whole", "parts"))
    assert (whole.num_row_groups, parts.num_row_groups) == (1, 5)
    assert parts.read().equals(whole.read())
    for name in whole.schema_arrow.names[3:]:
        one, other = (float(file.schema_arrow.field(name).metadata[AVERAGE]) for file in (whole, parts))
        assert one == pytest.approx(other, abs=1e-13)
