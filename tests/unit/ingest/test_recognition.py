"""Telling the layout from the columns."""

from __future__ import annotations

import pytest

from schemas.errors import CorpusRejected
from schemas.layouts import LAYOUTS, Layout
from tasks.ingest.recognition import recognise


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_every_layout_is_recognised_by_its_own_columns(layout: Layout) -> None:
    names = sorted(layout.columns.values())
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


def test_a_column_given_twice_is_read_where_it_comes_first() -> None:
    names = ["popularity", "artists", "track_genre", "Popularity"]
    assert recognise("x.csv", names).positions["popularity"] == 0


def test_an_unknown_layout_names_what_the_nearest_lacks_and_what_there_is() -> None:
    with pytest.raises(CorpusRejected) as caught:
        recognise("x.csv", ["track_id", "artists", "track_genre", "streams"])
    assert "the nearest is 114k" in str(caught.value)
    assert "no column for popularity" in str(caught.value)
    assert "track_id, artists, track_genre, streams" in str(caught.value)


def test_a_layout_whose_column_has_another_name_says_which() -> None:
    with pytest.raises(CorpusRejected, match=r"no column for popularity \(there: track_popularity\)"):
        recognise("x.csv", ["track_id", "track_artist", "track_name", "playlist_genre"])


def test_semicolons_instead_of_commas_are_pointed_out() -> None:
    with pytest.raises(CorpusRejected, match="must be separated by commas"):
        recognise("x.csv", ["artists;popularity;track_genre"])


def test_strange_column_names_do_not_flood_the_message() -> None:
    with pytest.raises(CorpusRejected) as caught:
        recognise("x.csv", ["\x1b[31m" + "x" * 1000] * 1000)
    assert len(str(caught.value)) < 3000
    assert "\x1b" not in str(caught.value)
