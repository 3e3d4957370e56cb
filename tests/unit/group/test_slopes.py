"""Rows and sums with slopes by genre, from tracks on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import CorpusRejected, InvalidParameter
from schemas.parameters import GroupParameters
from schemas.reports import IngestReport, RowCounts
from schemas.statistics import Statistics
from schemas.tracks import arrow_schema
from tasks.group.grouping import group_tracks
from tasks.group.sums import statistics_of, sums_of

if TYPE_CHECKING:
    from pathlib import Path


def ingested(folder: Path, genres: list[list[str]] | None = None, tracks: int = 80, partitions: int = 3) -> Path:
    """Write random tracks as ingest would, in several partitions."""
    generator = np.random.default_rng(8)
    known = {
        "artists": [[f"artist {number}"] for number in generator.integers(0, 9, tracks)],
        "popularity": generator.uniform(0, 100, tracks),
        "energy": generator.uniform(0, 1, tracks),
        "loudness": generator.uniform(-30, 0, tracks),
        "valence": np.full(tracks, 0.5),
    }
    if genres is not None:
        known["genres"] = [genres[number % len(genres)] for number in range(tracks)]
    columns = [
        pa.array(known[field.name], field.type)
        if field.name in known
        else (pa.nulls(tracks, field.type) if field.nullable else pa.array(range(tracks), field.type))
        for field in arrow_schema()
    ]
    table = pa.table(columns, schema=arrow_schema())
    (folder / "tracks").mkdir(parents=True)
    step = -(-tracks // partitions)
    for part in range(partitions):
        pq.write_table(table.slice(part * step, step), folder / "tracks" / f"part-{part:05d}.parquet")
    report = IngestReport(
        sources=(),
        rows=RowCounts(rows_in=tracks, kept=tracks, repeats=0, quarantined=0),
        reasons={},
        columns=tuple(known),
        conflicts=0,
        mean_popularity=50,
        share_of_zeros=0,
    )
    (folder / "report.json").write_text(report.model_dump_json(), encoding="utf-8")
    return folder


SLOPES = GroupParameters(slopes="genre")
GENRES = [["pop"], ["rock"], ["pop", "rock"], ["jazz"]]


def test_slopes_are_shares_times_standardised_features_in_rows_and_sums(tmp_path: Path) -> None:
    source = ingested(tmp_path / "in", GENRES)
    (tmp_path / "out").mkdir()
    design = group_tracks(source, SLOPES, tmp_path / "out", keep_rows=True)
    assert design.names("feature") == ("energy", "loudness")  # valence does not vary
    assert design.dropped[0] == "valence"
    slopes = [column for column in design.columns if column.kind == "slope"]
    assert [(column.genre, column.feature) for column in slopes] == [
        (genre, feature) for genre in ("jazz", "pop", "rock") for feature in ("energy", "loudness")
    ]
    assert {column.block for column in slopes} == {"energy"}
    z, y, artist = (np.load(tmp_path / "out" / "rows" / f"{name}.npy") for name in ("z", "y", "artist"))
    np.testing.assert_allclose(z[:, 1:3].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(z[:, 1:3].std(axis=0), 1)
    expected = (z[:, 3:6, None] * z[:, None, 1:3]).reshape(len(z), -1)
    np.testing.assert_allclose(z[:, 6:], expected, atol=1e-12)
    statistics = Statistics.load(tmp_path / "out" / "statistics")
    names = np.array([f"{number}" for number in artist], dtype=object)
    from_rows = statistics_of(sums_of(names, np.column_stack([z, y])))
    np.testing.assert_allclose(statistics.within, from_rows.within, atol=1e-8)
    np.testing.assert_allclose(np.asarray(design.correlation), np.corrcoef(z[:, 1:3], rowvar=False), atol=1e-12)


def test_partitions_and_their_order_do_not_matter(tmp_path: Path) -> None:
    found = []
    for partitions in (1, 7):
        source = ingested(tmp_path / f"in{partitions}", GENRES, partitions=partitions)
        (tmp_path / f"out{partitions}").mkdir()
        design = group_tracks(source, SLOPES, tmp_path / f"out{partitions}")
        found.append((design, Statistics.load(tmp_path / f"out{partitions}" / "statistics")))
    (one, first), (other, second) = found
    assert one.names("slope") == other.names("slope")
    for name in ("within", "between", "means", "counts"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), atol=1e-9)


@pytest.mark.parametrize(("genres", "features"), [(None, "all"), ([["pop"]], "all"), (GENRES, "none")])
def test_slopes_need_genres_and_features(genres: list[list[str]] | None, features: str, tmp_path: Path) -> None:
    source = ingested(tmp_path / "in", genres)
    with pytest.raises(CorpusRejected, match=r"--slopes genre needs .* leave it out"):
        group_tracks(source, GroupParameters(slopes="genre", features=features), tmp_path)


def test_a_regression_of_too_many_columns_is_refused_with_a_way_out(tmp_path: Path) -> None:
    source = ingested(tmp_path / "in", [[f"genre {number}"] for number in range(250)], tracks=250)
    with pytest.raises(InvalidParameter, match=r"250 genres and 3 features make 1,004 .* --slopes none"):
        group_tracks(source, SLOPES, tmp_path)
