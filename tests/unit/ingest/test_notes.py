"""What folding asks of few rows of a partition: it is found where it lies, and is what the partition says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.tracks import arrow_schema
from tasks.changes import UNIONS
from tasks.ingest.groups import marks_of, words_of
from tasks.ingest.notes import Notes, marks_in, notes_of
from tasks.ingest.plain_ids import ROWS_A_PAGE, ids_at
from tasks.ingest.writing import write_tracks

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 2 * ROWS_A_PAGE + 17
SOME = np.array([0, 1, 40, ROWS_A_PAGE - 1, ROWS_A_PAGE, 2 * ROWS_A_PAGE, ROWS - 1])


def tracks(rows: int, **columns: Any) -> pa.Table:
    """Return canonical tracks."""
    there = {
        "source": [1] * rows,
        "row": list(range(rows)),
        "track_id": [f"{number:022}" for number in range(rows)],
        "artists": [["A"]] * rows,
        "popularity": [float(number % 101) for number in range(rows)],
        **columns,
    }
    fields = arrow_schema()
    return pa.table(
        {field.name: pa.array(there.get(field.name, [None] * rows), field.type) for field in fields}, fields
    )


@pytest.mark.parametrize("chunk", [ROWS, 997])
def test_ids_are_read_from_where_they_lie(tmp_path: Path, chunk: int) -> None:
    table = tracks(ROWS)
    write_tracks(pa.concat_tables(table.slice(start, chunk) for start in range(0, ROWS, chunk)), tmp_path / "x.parquet")
    ids = table["track_id"].combine_chunks().take(pa.array(SOME))
    found = ids_at(tmp_path / "x.parquet", pq.read_metadata(tmp_path / "x.parquet"), SOME, marks_of(ids))
    assert found is not None
    assert found.tolist() == words_of(ids)[0].tolist()


def test_what_does_not_lie_as_expected_is_left_to_a_reader_of_parquet(tmp_path: Path) -> None:
    table, place = tracks(100), tmp_path / "x.parquet"
    rows, marks = np.array([3, 50]), marks_of(pa.array([f"{number:022}" for number in (3, 50)]))
    for options in (
        {"compression": "snappy"},
        {"row_group_size": 60},
        {"use_dictionary": True},
        {"data_page_size": 64},
    ):
        pq.write_table(
            table, place, **{"compression": "none", "use_dictionary": False, "write_batch_size": 4, **options}
        )
        assert ids_at(place, pq.read_metadata(place), rows, marks) is None, options
    write_tracks(tracks(100, track_id=[None, *table["track_id"].to_pylist()[1:]]), place)
    assert ids_at(place, pq.read_metadata(place), rows, marks) is None, "a row has no id"
    write_tracks(table, place)
    assert ids_at(place, pq.read_metadata(place), rows, marks) is not None
    assert ids_at(place, pq.read_metadata(place), rows, marks + np.uint64(1)) is None, "these are other ids"


@pytest.mark.parametrize(
    ("genres", "noted"),
    [
        ([None, None, None, None], True),
        ([["ska"], ["dub"], ["ska"], ["été"]], True),
        ([["ska", "dub"], None, ["ska"], []], True),
        ([[f"{number}" for number in range(256)], ["ska"], None, None], False),
    ],
)
@pytest.mark.parametrize(("popularity", "whole"), [([0.0, 1.0, 100.0, 7.0], True), ([0.0, 0.5, 100.0, 7.0], False)])
def test_what_is_noted_is_what_there_is(
    tmp_path: Path, genres: list[list[str] | None], popularity: list[float], *, noted: bool, whole: bool
) -> None:
    table = tracks(4, genres=genres, popularity=popularity, track_id=[None, *(f"{number:022}" for number in range(3))])
    file = tmp_path / "x.arrow"
    file.write_bytes(notes_of(table))
    assert marks_in(file).tolist() == marks_of(table["track_id"].combine_chunks()).tolist()
    notes, rows = Notes.read(file), np.array([3, 0, 2])
    found = notes.popularity(rows)
    assert (found is not None) == whole
    assert found is None or found.tolist() == [popularity[row] for row in rows]
    for name, expected in zip(UNIONS, (genres, [None] * 4), strict=True):
        texts = notes.texts(name, rows)
        assert (texts is not None) == (noted or name != "genres")
        assert texts is None or texts.plain().to_pylist() == [expected[row] or None for row in rows]


def test_very_many_genres_are_not_noted(tmp_path: Path) -> None:
    file = tmp_path / "x.arrow"
    file.write_bytes(notes_of(tracks(10_001, genres=[[f"{number}"] for number in range(10_001)])))
    assert Notes.read(file).texts("genres", np.array([5])) is None
