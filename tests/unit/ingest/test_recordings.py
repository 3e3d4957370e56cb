"""Re-releases of one recording: which titles agree, and which tracks fold, whatever their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from schemas.tracks import arrow_schema
from tasks.ingest.recordings import WITHIN_MS, fold_recordings, normalised_titles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Ingest = Callable[..., Any]
    WriteCsv = Callable[..., Path]


def normalised(title: str) -> str:
    [found] = normalised_titles(pa.array([title])).to_pylist()
    return str(found)


@pytest.mark.parametrize(
    "title",
    [
        "Help!",
        "HELP!",
        "Ｈｅｌｐ！",  # noqa: RUF001 - what NFKC is for
        " Help!  ",
        "Help! - Remastered",
        "Help! - Remastered 2009",
        "Help! - 2009 Remaster",
        "Help! - 2009 Digital Remaster",
        "Help! (2009 - Remaster)",
        "Help! [Remastered Version]",
        "Help! - Remastered 2009 (Deluxe Edition)",
        "Help! – Single Version",  # noqa: RUF001 - a dash as it is found
        "Help! - Single Version; 2007 Remaster",
        "Help! - 40th Anniversary Version / 2010 Remastered",
        "Help! (Super Deluxe)",
        "Help! - Bonus Track",
        "Help! - Original Album Version",
    ],
)
def test_a_remark_on_the_edition_makes_no_other_recording(title: str) -> None:
    assert normalised(title) == "help!"


@pytest.mark.parametrize(
    "title",
    [
        "Help! (Live)",
        "Help! - Live / Remastered",
        "Help! - Acoustic",
        "Help! - Remix",
        "Help! - 2011 Mix",
        "Help! - Mono / 2009 Remaster",
        "Help! - Radio Edit",
        "Help! (feat. Ann)",
        "Help! - Acoustic Version",
        "Help! - Demo",
        "Help! Deluxe",
        "Help! 2009",
    ],
)
def test_any_other_remark_does(title: str) -> None:
    assert normalised(title) != "help!"


def test_what_is_nothing_but_a_remark_is_a_title() -> None:
    assert normalised("(Deluxe Edition)") == "(deluxe edition)"
    assert normalised("Remastered") == "remastered"
    assert normalised("1999 - Remaster") == "1999"


def test_letters_fold_in_every_script() -> None:
    assert normalised("STRASSE") == normalised("Straße")
    assert normalised("ΟΔΟΣ") == normalised("οδος")
    assert normalised("Don’t") == normalised("Don't")  # noqa: RUF001 - an apostrophe as it is found
    assert normalised_titles(pa.array([None], pa.string())).to_pylist() == [None]


RELEASES = [
    {"track_name": "Song", "popularity": "40", "duration_ms": "200000", "track_genre": "pop"},
    {"track_name": "Song - Remastered 2011", "popularity": "0", "duration_ms": "201900", "track_genre": "rock"},
    {"track_name": "Song", "popularity": "0", "duration_ms": "203000", "track_genre": "ska"},
    {"track_name": "Song (Live)", "popularity": "0", "duration_ms": "200000"},
    {"track_name": "Song", "popularity": "0", "duration_ms": "200000", "artists": "Bob;Ann"},
    {"track_name": "song", "popularity": "0", "duration_ms": "198000", "artists": "Ann", "track_genre": ""},
    {"track_name": "", "popularity": "0", "duration_ms": "200000"},
]


@pytest.mark.parametrize("partition_rows", [1, 3, 100])
def test_the_most_popular_release_stays_with_all_genres(
    tmp_path: Path, ingest: Ingest, write_csv: WriteCsv, partition_rows: int
) -> None:
    corpus = write_csv(tmp_path / "x.csv", RELEASES)
    done = ingest(tmp_path / "out", corpus, repeats="recording", partition_rows=partition_rows, min_tracks=0)
    assert done.tracks["row"].to_pylist() == [1, 3, 4, 5, 7]
    assert done.tracks["genres"].to_pylist()[0] == ["pop", "rock"]
    rows = done.report.rows
    assert (rows.rows_in, rows.kept, rows.repeats, rows.recordings) == (7, 5, 2, 2)
    assert rows.balanced
    assert any("20% of the tracks have no title or no length" in warning for warning in done.report.warnings)


def test_repeated_ids_fold_first_and_are_counted_apart(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    same = "0" * 22
    rows = [{"track_id": same, "popularity": "5"}, {"track_id": same, "popularity": "9"}, {"popularity": "1"}]
    done = ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", rows), repeats="recording", min_tracks=0)
    assert done.tracks["popularity"].to_pylist() == [9.0]
    assert (done.report.rows.repeats, done.report.rows.recordings, done.report.conflicts) == (2, 1, 1)


TRACK = st.fixed_dictionaries(
    {
        "artist": st.sampled_from(["Ann", "Ann", "Bob"]),
        "title": st.sampled_from(["Song", "SONG - Remaster", "Song (Live)", None]),
        "popularity": st.integers(0, 3),
        "duration": st.one_of(st.none(), st.integers(0, 16).map(lambda half: 200_000 + 500 * half)),
        "genres": st.lists(st.sampled_from("abcd"), unique=True, max_size=2),
    }
)


def plainly_folded(tracks: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the ids that stay with their genres, by the definition read word for word."""
    stays = {}
    left = sorted(tracks, key=lambda one: (-one["popularity"], one["duration"] or 0, one["id"]))
    while left:
        best, *rest = left
        key = (best["artist"], normalised(best["title"])) if best["title"] and best["duration"] is not None else None
        folded = [
            one
            for one in rest
            if key
            and one["title"]
            and one["duration"] is not None
            and (one["artist"], normalised(one["title"])) == key
            and abs(one["duration"] - best["duration"]) <= WITHIN_MS
        ]
        stays[best["id"]] = set().union(best["genres"], *(one["genres"] for one in folded))
        left = [one for one in rest if one not in folded]
    return stays


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), tracks=st.lists(TRACK, min_size=1, max_size=14), size=st.integers(1, 6))
def test_tracks_fold_as_defined_whatever_their_order_and_parts(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, tracks: list[dict[str, Any]], size: int
) -> None:
    named = [{**track, "id": f"{number:022}"} for number, track in enumerate(tracks)]
    folder = tmp_path_factory.mktemp("fold")
    parts = []
    ordered = data.draw(st.permutations(named))
    for start in range(0, len(ordered), size):
        here = ordered[start : start + size]
        columns = {
            "source": [0] * len(here),
            "row": range(start + 1, start + 1 + len(here)),
            "track_id": [one["id"] for one in here],
            "track_name": [one["title"] for one in here],
            "artists": [[one["artist"], "Zoe"] for one in here],
            "popularity": [float(one["popularity"]) for one in here],
            "duration_ms": [one["duration"] for one in here],
            "genres": [one["genres"] or None for one in here],
        }
        schema = arrow_schema()
        arrays = [
            pa.array(list(columns.get(field.name, [None] * len(here))), field.type)  # absent columns are null
            for field in schema
        ]
        parts.append(folder / f"{start}.parquet")
        pq.write_table(pa.table(arrays, schema=schema), parts[-1])
    written: list[pa.Table] = []
    folded = fold_recordings(parts, folder, written.append)
    stays = pa.concat_tables(written)
    found = dict(
        zip(stays["track_id"].to_pylist(), (set(one or ()) for one in stays["genres"].to_pylist()), strict=True)
    )
    assert found == plainly_folded(named)
    assert folded == len(named) - len(found)
    assert stays["row"].to_pylist() == sorted(stays["row"].to_pylist())
