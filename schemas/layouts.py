"""Public layouts of Spotify tracks, one declaration each.

A layout is found by its column names. To add one, add a `Layout` to `LAYOUTS`: which of its columns is which
canonical one, how it joins several credited artists, and the factor from its units to ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHARES = (
    "danceability",
    "energy",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
)
_AS_THEY_ARE = (*_SHARES, "key", "loudness", "mode", "tempo", "duration_ms")


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
        What stands between several credited artists. None where a cell is one artist, commas and all:
        ``Tyler, The Creator`` is one person.
    factors : mapping of str to float
        What to multiply a column by to arrive at the canonical unit.
    """

    name: str
    columns: Mapping[str, str]
    marks: frozenset[str]
    credits: str | None = None
    factors: Mapping[str, float] = field(default_factory=dict)


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
        marks=frozenset({"artist", "title", "popularity"}),
        factors=dict.fromkeys(_SHARES, 0.01),
    ),
)
