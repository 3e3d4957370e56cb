"""Folding by itself: in passes, and with ids that only look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.tracks import arrow_schema
from tasks.ingest import candidates, groups, repeats
from tasks.ingest.notes import notes_of
from tasks.ingest.repeats import Fold, Noted, fold
from tasks.ingest.sums import Sums
from tasks.tracks import TRACKS, partitions_of, read_tracks

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 400


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Return partitions of two sources in which most ids come several times, and some rows have none."""
    generator = np.random.default_rng(1)
    (tmp_path / TRACKS).mkdir()
    for number in range(4):
        ids = [f"{one:022}" if one else None for one in generator.integers(0, 300, ROWS)]
        table = pa.table(
            {
                "source": pa.array([number // 2] * ROWS),
                "row": pa.array(np.arange(ROWS) + ROWS * (number % 2)),
                "track_id": ids,
                "artists": [["A"]] * ROWS,
                "popularity": generator.integers(0, 4, ROWS).astype(float),
                "genres": [["ska", "dub"][one : one + 1] or None for one in generator.integers(0, 3, ROWS)],
            }
        )
        for field in arrow_schema():
            if field.name not in table.column_names:
                table = table.append_column(field, pa.nulls(ROWS, field.type))
        table = table.select(arrow_schema().names).cast(arrow_schema())
        pq.write_table(table, tmp_path / TRACKS / f"part-{number:05}.parquet")
    return partitions_of(tmp_path)


def plainly(parts: list[Path]) -> tuple[dict[str | None, tuple[float, int, int, tuple[str, ...]]], Fold]:
    """Return what stays of each id, folded row by row."""
    best: dict[str | None, tuple[float, int, int]] = {}
    genres: dict[str | None, set[str]] = {}
    popularity: dict[str | None, set[float]] = {}
    rows = [row for part in parts for row in pq.read_table(part).to_pylist() if row["track_id"]]
    for row in rows:
        one = row["track_id"]
        best[one] = min(best.get(one, (1.0, 0, 0)), (-row["popularity"], row["source"], row["row"]))
        genres.setdefault(one, set()).update(row["genres"] or ())
        popularity.setdefault(one, set()).add(row["popularity"])
    stays = {one: (-minus, source, row, tuple(sorted(genres[one]))) for one, (minus, source, row) in best.items()}
    gone = Sums(
        rows=len(rows) - len(best),
        zeros=sum(row["popularity"] == 0 for row in rows) - sum(one[0] == 0 for one in stays.values()),
        without_genre=sum(not row["genres"] for row in rows) - sum(not one[3] for one in stays.values()),
        popularity=int(sum(row["popularity"] for row in rows) - sum(one[0] for one in stays.values())) << 1074,
    )
    return stays, Fold(gone.rows, sum(len(values) > 1 for values in popularity.values()), gone)


def what_stays(parts: list[Path]) -> dict[str | None, tuple[float, int, int, tuple[str, ...]]]:
    rows = [row for part in parts for row in read_tracks(part, arrow_schema().names).to_pylist() if row["track_id"]]
    found = {
        row["track_id"]: (row["popularity"], row["source"], row["row"], tuple(row["genres"] or ())) for row in rows
    }
    assert len(found) == len(rows)
    return found


def noted(parts: list[Path]) -> dict[Path, Noted]:
    """Return what a writer notes of partitions beside them."""
    found = {}
    for number, part in enumerate(parts):
        notes = part.with_suffix(".arrow")
        notes.write_bytes(notes_of(pq.read_table(part)))
        found[part] = Noted((number // 2, number), ROWS, notes)
    return found


@pytest.mark.parametrize("with_notes", [False, True])
@pytest.mark.parametrize("rows_a_pass", [100, 700, 10_000])
def test_passes_find_the_same(parts: list[Path], rows_a_pass: int, *, with_notes: bool) -> None:
    expected, counts = plainly(parts)
    assert fold(parts, rows_a_pass=rows_a_pass, noted=noted(parts) if with_notes else None) == counts
    assert what_stays(parts) == expected
    without = [row for part in parts for row in pq.read_table(part).to_pylist() if row["track_id"] is None]
    kept = [row for part in parts for row in read_tracks(part, arrow_schema().names).to_pylist()]
    assert sum(row["track_id"] is None for row in kept) == len(without) > 0


@pytest.mark.parametrize("with_notes", [False, True])
@pytest.mark.parametrize(("rows_a_pass", "few"), [(10_000, 10_000), (150, 10_000), (700, 0)])
def test_one_part_after_the_other_finds_the_same(
    parts: list[Path], monkeypatch: pytest.MonkeyPatch, rows_a_pass: int, few: int, *, with_notes: bool
) -> None:
    monkeypatch.setattr(repeats, "_FEW_ROWS", few)
    expected, counts = plainly(parts)
    of_them = noted(parts) if with_notes else None
    found = [fold([part], parts[:number], rows_a_pass, of_them) for number, part in enumerate(parts)]
    assert sum(found, Fold()) == counts
    assert what_stays(parts) == expected


@pytest.mark.parametrize("shift", [0, 61])
def test_ids_that_are_mixed_alike_are_told_apart(
    parts: list[Path], monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    expected, counts = plainly(parts)
    real = groups.marks_of

    def badly_mixed(ids: pa.Array) -> np.ndarray:
        marks = real(ids)
        return np.where(marks > 0, (marks % np.uint64(7) + np.uint64(1)) << np.uint64(shift), 0)

    monkeypatch.setattr(candidates, "marks_of", badly_mixed)
    assert fold(parts) == counts
    assert what_stays(parts) == expected
