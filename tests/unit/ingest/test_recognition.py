"""Telling the layout from the columns."""

from __future__ import annotations

import pytest

from schemas.errors import CorpusRejected
from schemas.layouts import LAYOUTS, Layout
from tasks.ingest.recognition import recognise


@pytest.mark.parametrize("layout", [one for one in LAYOUTS if not one.without], ids=lambda layout: layout.name)
def test_every_layout_is_recognised_by_its_own_columns(layout: Layout) -> None:
    names = sorted({*layout.columns.values(), *layout.marks})
    recognised = recognise("x.csv", names)
    assert recognised.layout is layout
    assert {name: names[at] for name, at in recognised.positions.items()} == layout.columns


def test_case_spaces_and_further_columns_do_not_matter() -> None:
    recognised = recognise("x.csv", ["", "Track Genre", " POPULARITY ", "Artists", "other", "Track-ID"])
    assert recognised.layout.name == "114k"
    assert dict(recognised.positions) == {"track_id": 5, "artists": 3, "popularity": 2, "genres": 1}


def test_why_names_the_columns_that_tell() -> None:
    why = recognise("x.csv", ["artists", "popularity", "track_genre"]).why
    assert why == "it has the columns artists, popularity and track_genre, and 3 of the 20 columns of that layout"


def test_of_two_layouts_the_one_with_more_columns_wins() -> None:
    names = ["artist", "title", "popularity", "artists", "track_genre", "album_release_date", "genre", "subgenre"]
    assert recognise("x.csv", names).layout.name == "bayesrules"


def test_a_column_given_twice_is_refused() -> None:
    with pytest.raises(CorpusRejected, match=r"2 columns named popularity that differ \(columns 1 and 4\)"):
        recognise("x.csv", ["popularity", "artists", "track_genre", "popularity"])
    with pytest.raises(CorpusRejected, match="2 columns named Popularity"):
        recognise("x.csv", ["Popularity", "artists", "track_genre", "POPULARITY"])


def test_the_very_name_of_a_public_layout_goes_before_one_in_other_letters() -> None:
    assert recognise("x.csv", ["Popularity", "artists", "track_genre", "popularity"]).positions["popularity"] == 3


def test_a_public_layout_goes_before_synonyms() -> None:
    names = ["artists", "artist_name", "popularity", "track_popularity", "genre", "track_genre", "duration"]
    recognised = recognise("x.csv", names)
    assert recognised.layout.name == "114k"
    assert dict(recognised.positions) == {"artists": 0, "popularity": 2, "genres": 5, "duration_ms": 6}


def test_what_a_public_layout_lacks_is_found_by_synonyms() -> None:
    recognised = recognise("x.csv", ["artists", "popularity", "track_genre", "Album", "Year"])
    assert dict(recognised.positions) == {
        "artists": 0,
        "album_name": 3,
        "popularity": 1,
        "genres": 2,
        "release_date": 4,
    }
    assert recognised.why.endswith("; album_name is Album, release_date is Year")


def test_a_layout_without_popularity_says_what_it_has_instead() -> None:
    names = ["track_name", "artist(s)_name", "streams", "in_spotify_playlists", "bpm"]
    with pytest.raises(CorpusRejected) as caught:
        recognise("x.csv", names)
    assert str(caught.value) == (
        "x.csv has the layout most-streamed-2023, which has no popularity: it counts streams and playlists instead; "
        "join it in from elsewhere, or name the column to use with --column popularity=NAME"
    )
    assert recognise("x.csv", names, columns={"popularity": "bpm"}).positions["popularity"] == 4


def test_a_single_column_is_pointed_out() -> None:
    with pytest.raises(CorpusRejected, match="are its fields separated by something else"):
        recognise("x.csv", ["artists;popularity;track_genre"])


def test_what_was_decided_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "encore"):
        recognise("x.csv", ["artist", "song", "popularity"])
    (record,) = caplog.records
    assert record.getMessage() == (
        "ingest  x.csv has the layout other: it has no known layout, so its columns were told by their names; "
        "track_name is song, artists is artist"
    )


def test_strange_column_names_do_not_flood_the_message() -> None:
    with pytest.raises(CorpusRejected) as caught:
        recognise("x.csv", ["\x1b[31m" + "x" * 1000] * 1000)
    assert len(str(caught.value)) < 3000
    assert "\x1b" not in str(caught.value)
