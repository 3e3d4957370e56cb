"""What becomes of rows, as somebody who opens the result sees it."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import CorpusRejected
from schemas.expectations import MALFORMED, NOTED
from schemas.reports import IngestReport
from schemas.tracks import FEATURES, arrow_schema
from tasks.ingest import csv_reader, partitions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Ingest = Callable[..., Any]
    WriteCsv = Callable[..., Path]

ID = "0123456789abcdefghijAB"


def test_the_output_is_what_the_contract_says(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    done = ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", [{}] * 5), partition_rows=2)
    assert sorted(path.name for path in done.folder.iterdir()) == [
        "data_docs",
        "folded.json",
        "quarantine.parquet",
        "report.json",
        "tracks",
    ]
    parts = sorted((done.folder / "tracks").iterdir())
    assert [part.name for part in parts] == ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
    for part in parts:
        schema = pq.read_schema(part)
        assert schema.equals(arrow_schema())
        assert schema.field("tempo").metadata[b"unit"] == b"beats/min"
    assert IngestReport.model_validate_json((done.folder / "report.json").read_text()) == done.report


def test_the_process_is_left_as_it_was(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    before = sys.getswitchinterval(), pa.default_memory_pool().backend_name
    during: list[tuple[float, str]] = []

    def told(_done: int, _of: int | None) -> None:
        during.append((sys.getswitchinterval(), pa.default_memory_pool().backend_name))

    ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", [{}]), progress=told)
    assert during[0][0] < before[0]
    with pytest.raises(CorpusRejected):
        ingest(tmp_path / "bad", write_csv(tmp_path / "y.csv", [{"popularity": "x"}]))
    assert (sys.getswitchinterval(), pa.default_memory_pool().backend_name) == before


def test_a_row_is_read_into_canonical_columns(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    done = ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", [{"track_id": f"spotify:track:{ID}"}]))
    assert done.tracks.to_pylist() == [
        {
            "source": 0,
            "row": 1,
            "track_id": ID,
            "track_name": "Song",
            "artists": ["Ann", "Bob"],
            "album_name": "Album",
            "popularity": 50.0,
            "genres": ["pop"],
            "subgenres": None,
            "release_date": None,
            "explicit": False,
            "key": 5,
            "mode": 1,
            "time_signature": 4,
            "loudness": -5.5,
            "tempo": 120.5,
            "duration_ms": 200_000.0,
        }
        | dict.fromkeys(set(FEATURES) - {"loudness", "tempo", "duration_ms"}, 0.5)
    ]


def test_the_bytes_do_not_depend_on_the_pieces_in_which_a_source_is_read(
    tmp_path: Path, ingest: Ingest, write_csv: WriteCsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"popularity": str(row % 97), "tempo": str(60 + row / 8), "artists": f"A{row % 7};B{row}"} for row in range(900)
    ]
    rows[300] |= {"popularity": "101"}
    rows[501] |= {"danceability": "much", "track_name": "long " * 400}
    rows[650] |= {"key": "99"}
    path = write_csv(tmp_path / "x.csv", rows)
    with path.open("a", encoding="utf-8") as file:
        file.write("one,too,few\n")
    whole = ingest(tmp_path / "whole", path, partition_rows=250)
    monkeypatch.setattr(csv_reader, "_SMALL_BLOCK", 1500)
    for piece in (1, 13, 100):
        monkeypatch.setattr(partitions, "_PIECE_ROWS", piece)
        in_pieces = ingest(tmp_path / str(piece), path, partition_rows=250)
        names = {part.name: part.read_bytes() for part in (in_pieces.folder / "tracks").iterdir()}
        assert names == {part.name: part.read_bytes() for part in (whole.folder / "tracks").iterdir()}
        assert in_pieces.quarantine == whole.quarantine
        assert in_pieces.report == whole.report
    assert whole.report.rows.quarantined == 3
    assert len(list((whole.folder / "tracks").iterdir())) == 4


ROWS: list[tuple[dict[str, str], list[str]]] = [
    ({}, []),
    ({"popularity": "much"}, ["popularity: cannot read as a number"]),
    ({"popularity": ""}, ["popularity: missing"]),
    ({"popularity": "100.5"}, ["popularity: outside 0..100 points"]),
    ({"popularity": "-1"}, ["popularity: outside 0..100 points"]),
    ({"popularity": "0"}, []),
    ({"artists": "NA"}, ["artists: missing"]),
    ({"artists": " ; "}, ["artists: missing"]),
    ({"energy": "nan"}, ["energy: missing"]),
    ({"loudness": "-99"}, ["loudness: outside -70..10 dB"]),
    ({"duration_ms": "0"}, ["duration_ms: outside 1..36000000 ms"]),
    ({"key": "C##"}, ["key: cannot read as a whole number"]),
    ({"key": "C#", "mode": "Minor", "time_signature": "3/4"}, []),
    ({"key": "12"}, ["key: outside -1..11 pitch class"]),
    ({"key": "-1"}, []),
    ({"key": "", "time_signature": "NA"}, []),
    ({"explicit": "perhaps"}, ["explicit: cannot read as yes or no"]),
    ({"explicit": "", "album_name": "", "track_name": "NA", "track_genre": ""}, []),
    ({"track_id": "short"}, ["track_id: not of the form ^[0-9A-Za-z]{22}$"]),
    ({"track_id": ID + "\n"}, []),
    ({"track_id": ""}, []),
    (
        {"popularity": "", "tempo": "x", "key": "99"},
        ["popularity: missing", "key: outside -1..11 pitch class", "tempo: cannot read as a number"],
    ),
]


def test_a_bad_row_is_in_quarantine_with_all_its_reasons(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    done = ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", [cells for cells, _ in ROWS]), max_bad_share=1)
    found = {row["row"]: sorted(row["reasons"]) for row in done.quarantine}
    bad = {row: sorted(reasons) for row, (_, reasons) in enumerate(ROWS, 1) if set(reasons) - NOTED}
    assert found == bad
    assert len(bad) == 11
    assert done.tracks["row"].to_pylist() == [row for row in range(1, len(ROWS) + 1) if row not in bad]
    # The commonest come first.
    assert list(done.report.reasons.values()) == sorted(done.report.reasons.values(), reverse=True)
    assert done.report.reasons["popularity: missing"] == 2
    # What alone would have cost no row is beside the others in the file, and is no reason for the quarantine.
    assert done.quarantine[-1]["reasons"][-1] == "key: outside -1..11 pitch class"
    assert not set(done.report.reasons) & NOTED


def test_a_bad_value_of_a_descriptive_column_costs_the_value_and_not_the_row(
    tmp_path: Path, ingest: Ingest, write_csv: WriteCsv
) -> None:
    rows = [{"key": "12"}, {"key": "loud"}, {"key": "13", "explicit": "perhaps"}, {"mode": "7", "energy": "x"}, {}]
    done = ingest(
        tmp_path / "out", write_csv(tmp_path / "x.csv", rows), max_bad_share=1, partition_rows=2, min_tracks=0
    )
    assert [row["row"] for row in done.quarantine] == [4]
    assert done.tracks["row"].to_pylist() == [1, 2, 3, 5]
    assert done.tracks["key"].to_pylist() == [None, None, None, 5]
    assert done.tracks["explicit"].to_pylist() == [False, False, None, False]
    assert done.report.noted == {
        "key: outside -1..11 pitch class": 2,
        "explicit: cannot read as yes or no": 1,
        "key: cannot read as a whole number": 1,
    }
    assert done.report.warnings[-3:] == (
        "key: outside -1..11 pitch class, in 2 rows, which stay without it",
        "explicit: cannot read as yes or no, in 1 row, which stays without it",
        "key: cannot read as a whole number, in 1 row, which stays without it",
    )


def test_a_date_that_is_none_is_left_out(tmp_path: Path, ingest: Ingest) -> None:
    dates = ["1999", "1999-12", "1999-12-31", "31/12/1999", "Dec-99", None]
    table = pa.table(
        {"artist": ["A"] * 6, "title": ["T"] * 6, "popularity": [1] * 6, "album_release_date": pa.array(dates)}
    )
    pq.write_table(table, tmp_path / "x.parquet")
    done = ingest(tmp_path / "out", tmp_path / "x.parquet")
    assert done.tracks["release_date"].to_pylist() == [*dates[:3], "1999-12-31", None, None]
    assert done.report.noted == {"release_date: cannot read as a date": 1}
    assert done.report.rows.kept == 6


def test_the_quarantine_holds_the_row_as_it_came(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    path = write_csv(tmp_path / "x.csv", [{}, {"popularity": " Zoë, \n <b>", "energy": ""}, {}])
    with path.open("a", encoding="utf-8") as file:
        file.write('one,"two"\n')
    done = ingest(tmp_path / "out", path, max_bad_share=0.5)
    bad, malformed = done.quarantine
    assert (bad["source"], bad["row"]) == ("x.csv", 2)
    raw = json.loads(bad["raw"])
    assert (raw["popularity"], raw["energy"], raw["track_genre"]) == (" Zoë, \n <b>", "", "pop")
    assert malformed == {"source": "x.csv", "row": 4, "line": None, "reasons": [MALFORMED], "raw": 'one,"two"'}
    assert done.report.rows.quarantined == 2


def test_parquet_rows_go_to_quarantine_as_text(tmp_path: Path, ingest: Ingest) -> None:
    table = pa.table(
        {"artists": [["Ann"], ["Bob"]], "popularity": [5, 500], "track_genre": ["a", "b"], "odd": [{"x": 1}, None]}
    )
    pq.write_table(table, tmp_path / "x.parquet")
    done = ingest(tmp_path / "out", tmp_path / "x.parquet", max_bad_share=0.5)
    assert done.tracks["artists"].to_pylist() == [["Ann"]]
    assert json.loads(done.quarantine[0]["raw"]) == {
        "artists": "['Bob']",
        "popularity": "500",
        "track_genre": "b",
        "odd": None,
    }


def test_a_corpus_without_audio_features_is_fine_and_nothing_is_asked_of_them(
    tmp_path: Path, ingest: Ingest, write_csv: WriteCsv
) -> None:
    done = ingest(
        tmp_path / "out", write_csv(tmp_path / "x.csv", [{}] * 3, columns=["artists", "popularity", "track_genre"])
    )
    assert done.report.columns == ("artists", "popularity", "genres")
    assert done.report.rows.kept == 3
    assert done.tracks["energy"].null_count == 3


def test_columns_are_those_that_every_source_has(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    first = write_csv(tmp_path / "a.csv", [{}], columns=["artists", "popularity", "track_genre", "energy", "track_id"])
    second = write_csv(tmp_path / "b.csv", [{}], columns=["artists", "popularity", "track_genre", "tempo", "energy"])
    done = ingest(tmp_path / "out", first, second)
    assert done.report.columns == ("artists", "popularity", "genres", "energy")
    assert [(source.name, source.rows_in) for source in done.report.sources] == [("a.csv", 1), ("b.csv", 1)]
    assert done.tracks["source"].to_pylist() == [0, 1]
    assert done.tracks["tempo"].to_pylist() == [None, 120.5]


REPEATED = [
    {"track_id": ID, "popularity": "40", "track_genre": "rock"},
    {"track_id": ""},
    {"track_id": ID, "popularity": "60", "track_genre": "pop"},
    {"track_id": ID, "popularity": "60", "track_genre": "metal"},
    {"track_id": ""},
]


@pytest.mark.parametrize("partition_rows", [1, 2, 100])
def test_repeats_fold_into_the_first_most_popular_one(
    tmp_path: Path, ingest: Ingest, write_csv: WriteCsv, partition_rows: int
) -> None:
    first = write_csv(tmp_path / "a.csv", REPEATED)
    second = write_csv(tmp_path / "b.csv", [{"track_id": ID, "popularity": "59", "track_genre": "ska"}, {}])
    done = ingest(tmp_path / "out", first, second, partition_rows=partition_rows)
    kept = done.tracks.select(["source", "row", "popularity", "genres", "subgenres"]).to_pylist()
    assert [(row["source"], row["row"]) for row in kept] == [(0, 2), (0, 3), (0, 5), (1, 2)]
    assert kept[1]["popularity"] == 60
    assert kept[1]["genres"] == ["metal", "pop", "rock", "ska"]
    assert kept[1]["subgenres"] is None
    assert done.report.rows.model_dump() == {
        "rows_in": 7,
        "kept": 4,
        "repeats": 3,
        "quarantined": 0,
        "recordings": 0,
        "balanced": True,
    }
    assert done.report.conflicts == 1


def test_which_source_comes_first_does_not_matter(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    first = write_csv(tmp_path / "a.csv", [{"track_id": ID, "track_name": "A"}, {}])
    second = write_csv(tmp_path / "b.csv", [{"track_id": ID, "track_name": "B"}, {}, {}])
    one, other = ingest(tmp_path / "one", first, second), ingest(tmp_path / "other", second, first)
    tracks = [done.tracks.drop_columns(["source"]).sort_by("track_id").to_pylist() for done in (one, other)]
    assert tracks[0] == tracks[1]


def test_repeats_with_the_same_popularity_are_no_conflict(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    done = ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", [{"track_id": ID}] * 3))
    assert (done.report.rows.repeats, done.report.conflicts) == (2, 0)


def test_repeats_are_kept_on_request(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    done = ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", REPEATED), repeats="keep", partition_rows=2)
    assert done.tracks["row"].to_pylist() == [1, 2, 3, 4, 5]
    assert done.tracks["genres"].to_pylist()[0] == ["rock"]
    assert (done.report.rows.repeats, done.report.conflicts) == (0, 0)


def test_a_bad_row_is_no_repeat(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    rows = [{"track_id": ID, "popularity": "40"}, {"track_id": ID, "popularity": "101"}]
    done = ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", rows), max_bad_share=0.5)
    assert done.tracks["popularity"].to_pylist() == [40]
    assert (done.report.rows.repeats, done.report.rows.quarantined) == (0, 1)


def test_a_partition_of_bad_rows_leaves_no_part(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    rows = [{}, {"energy": "x"}, {"energy": "x"}, {}]
    for repeats in ("drop", "keep"):
        path = write_csv(tmp_path / f"{repeats}.csv", rows)
        done = ingest(tmp_path / repeats, path, partition_rows=1, max_bad_share=0.5, repeats=repeats)
        assert len(list((done.folder / "tracks").iterdir())) == 2
        assert done.tracks["row"].to_pylist() == [1, 4]


def test_too_many_bad_rows_reject_the_corpus_and_say_why(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    rows = [{}, {"tempo": "x"}, {"energy": "7"}, {"energy": "8"}, *[{}] * 6]
    with pytest.raises(CorpusRejected) as caught:
        ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", rows), max_bad_share=0.2)
    assert str(caught.value) == (
        "3 of 10 rows are bad, more than the allowed 20%; the commonest reason is `energy: outside 0..1 share`; "
        "the first is row 3 of x.csv; mend them or raise --max-bad-share"
    )


def test_just_as_many_bad_rows_as_allowed_are_fine(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    done = ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", [{"tempo": "x"}, *[{}] * 9]), max_bad_share=0.1)
    assert done.report.rows.quarantined == 1


def test_a_corpus_of_bad_rows_is_rejected_whatever_is_allowed(
    tmp_path: Path, ingest: Ingest, write_csv: WriteCsv
) -> None:
    with pytest.raises(CorpusRejected, match="2 of 2 rows are bad, so none is left"):
        ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", [{"tempo": "x"}] * 2), max_bad_share=1)


def test_a_corpus_without_rows_is_rejected(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    with pytest.raises(CorpusRejected, match=re.escape("there are no rows in x.csv")):
        ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", []))


def test_warnings_stop_nothing(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    rows = [{"popularity": "0"}] * 3 + [{"track_id": ""}, {"tempo": "x"}]
    done = ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", rows), max_bad_share=0.5)
    assert done.report.warnings == (
        "only 4 tracks were kept: expect wide intervals",
        "75% of the tracks have popularity 0, which are often re-releases whose plays count elsewhere",
        "20.0% of the rows are in quarantine: read the reasons there before trusting the rest",
        "25% of the tracks have no id, so that repeats among them go unseen",
    )
    assert done.report.share_of_zeros == 0.75
    assert done.report.mean_popularity == 12.5


def test_progress_counts_rows_up_to_the_total(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    said: list[tuple[int, int | None]] = []
    path = write_csv(tmp_path / "x.csv", [{}] * 5)
    ingest(tmp_path / "csv", path, partition_rows=2, progress=lambda *now: said.append(now))
    assert said == [(2, None), (4, None), (5, None)]
    said.clear()
    pq.write_table(
        pa.table({"artists": ["A"] * 3, "popularity": [1] * 3, "track_genre": ["g"] * 3}), tmp_path / "x.parquet"
    )
    ingest(tmp_path / "parquet", tmp_path / "x.parquet", partition_rows=2, progress=lambda *now: said.append(now))
    assert said == [(2, 3), (3, 3)]


def test_a_folder_with_brackets_in_its_path_is_just_a_folder(
    tmp_path: Path, ingest: Ingest, write_csv: WriteCsv
) -> None:
    (tmp_path / "a[1] 'b'").mkdir()
    done = ingest(tmp_path / "a[1] 'b'" / "out", write_csv(tmp_path / "x.csv", REPEATED))
    assert done.report.rows.repeats == 2
