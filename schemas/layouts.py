"""Public layouts of Spotify tracks, one declaration each.

A layout is found by its column names. To add one, add a `Layout` to `LAYOUTS`: which of its columns is which
canonical one, how it joins several credited artists, and the factor from its units to ours. What is written in one
sense only, such as the key ``C#`` or the mode ``Major``, is read in every layout and declared in none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARES = (
    "danceability",
    "energy",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
)
_AS_THEY_ARE = (*SHARES, "key", "loudness", "mode", "tempo", "duration_ms")

LISTS = "[]"
# The layout of a corpus that has none of those below, made up from its column names.
OTHER = "other"

# Names that have a comma themselves, for the corpora that join credits with one.
COMMA_NAMES = (
    "Black Country, New Road",
    "Blood, Sweat & Tears",
    "Crosby, Stills & Nash",
    "Crosby, Stills, Nash & Young",
    "Earth, Wind & Fire",
    "Emerson, Lake & Palmer",
    "Peter, Paul and Mary",
    "Phillips, Craig & Dean",
    "Slaughter Beach, Dog",
    "Tyler, The Creator",
)
COMMA_ENDINGS = ("Jr.", "Sr.", "Jr", "Sr", "II", "III", "Inc.", "Esq.")

Decimal = Literal[".", ","]
DateOrder = Literal["year_first", "day_first", "month_first"]


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


@dataclass(frozen=True)
class Layout:
    """How one public corpus writes a track.

    Parameters
    ----------
    name : str
        Short name, as the ingest report gives it.
    columns : mapping of str to str
        Canonical name to the corpus's own column name.
    marks : frozenset of str
        Column names that tell this layout from the others: all must be there.
    credits : str, optional
        What stands between several credited artists; `LISTS` where cells are lists such as ``['A', 'B']``. None
        where a cell is one artist, commas and all: ``Tyler, The Creator`` is one person.
    factors : mapping of str to float
        What to multiply a column by to arrive at the canonical unit.
    genres : str, optional
        What stands between several genres; None where a cell is one genre.
    dates : {"year_first", "day_first", "month_first"}
        Which part of a date comes first where the year does not: ``01-06-1922``.
    decimal : {".", ","}
        What stands before the fraction of a number.
    without : str
        Of a layout that lacks a required column: what it has instead.
    """

    name: str
    columns: Mapping[str, str]
    marks: frozenset[str]
    credits: str | None = None
    factors: dict[str, float] = field(default_factory=dict)
    genres: str | None = None
    dates: DateOrder = "year_first"
    decimal: Decimal = "."
    without: str = ""


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        name="114k",
        columns={
            **_same("track_id", "artists", "album_name", "track_name", "popularity", "explicit", "time_signature"),
            **_same(*_AS_THEY_ARE),
            "genres": "track_genre",
        },
        marks=frozenset({"artists", "track_genre", "popularity"}),
        credits=";",
    ),
    Layout(
        name="tidytuesday",
        columns={
            **_same("track_id", "track_name"),
            **_same(*_AS_THEY_ARE),
            "artists": "track_artist",
            "popularity": "track_popularity",
            "album_name": "track_album_name",
            "release_date": "track_album_release_date",
            "genres": "playlist_genre",
            "subgenres": "playlist_subgenre",
        },
        marks=frozenset({"track_artist", "track_popularity"}),
    ),
    Layout(
        name="bayesrules",
        columns={
            **_same("track_id", "popularity", "album_name"),
            **_same(*_AS_THEY_ARE),
            "artists": "artist",
            "track_name": "title",
            "release_date": "album_release_date",
            "genres": "genre",
            "subgenres": "subgenre",
        },
        # Many corpora have an artist, a title and a popularity; few of them are in percent.
        marks=frozenset({"artist", "title", "popularity", "album_release_date", "subgenre"}),
        factors=dict.fromkeys(SHARES, 0.01),
    ),
    Layout(
        name="600k",
        columns={
            **_same("artists", "popularity", "explicit", "release_date", "time_signature"),
            **_same(*_AS_THEY_ARE),
            "track_id": "id",
            "track_name": "name",
        },
        marks=frozenset({"id", "name", "artists", "id_artists", "popularity"}),
        credits=LISTS,
        dates="day_first",  # in the copy that a spreadsheet has been through; in the original the year comes first
    ),
    Layout(
        name="232k",
        columns={
            **_same("track_id", "track_name", "popularity", "time_signature"),
            **_same(*_AS_THEY_ARE),
            "artists": "artist_name",
            "genres": "genre",
        },
        marks=frozenset({"genre", "artist_name", "track_name", "track_id", "popularity", "time_signature"}),
    ),
    Layout(
        name="most-streamed-2023",
        columns={
            **_same("track_name", "key", "mode"),
            **{name: f"{name}_%" for name in SHARES},
            "artists": "artist(s)_name",
            "release_date": "released_year",
            "tempo": "bpm",
        },
        marks=frozenset({"artist(s)_name", "streams", "in_spotify_playlists"}),
        credits=",",
        factors=dict.fromkeys(SHARES, 0.01),
        without="it counts streams and playlists instead",
    ),
)
