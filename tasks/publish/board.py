"""The leaderboard of the report: which artists the page holds, in columns that a browser reads at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.publish.text import LONGEST_NAME
from tasks.publish.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

# Beyond so many artists the page holds a choice of them; `artists.parquet` always has all.
MOST_ROWS = 60_000
_TOP, _BOTTOM = 0.4, 0.2  # of the choice; the rest are those with most tracks
# Names are cut to the first of these at which all of them together are no longer than the next line says.
_LENGTHS = (LONGEST_NAME, 120, 60, 30)
_MOST_LETTERS = 3_000_000
# What is written in tenths of a point: short, and as exact as anything that is shown.
_TENTHS = {"w": "raw_mean", "m": "mean", "l": "low", "h": "high", "nl": "next_low", "nh": "next_high"}


@dataclass(frozen=True)
class Choice:
    """The artists that the page holds.

    Parameters
    ----------
    places : ndarray of int, shape (n,)
        Where they stand among all, ascending: place + 1 is the rank.
    top, bottom, busiest : int
        How many were chosen for the highest and the lowest posterior mean, and for their number of tracks; 0 where the
        page holds all.
    fewest : int
        Every artist with more tracks than this is among them.
    """

    places: NDArray[np.int64]
    top: int = 0
    bottom: int = 0
    busiest: int = 0
    fewest: int = 0


def choose(tracks: NDArray[np.int64], most: int | None = None) -> Choice:
    """Choose at most `most` artists: the first, the last, and of the others those with most tracks.

    Parameters
    ----------
    tracks : ndarray of int, shape (artists,)
        By rank.
    most : int, optional
        `MOST_ROWS` if not given.
    """
    most = MOST_ROWS if most is None else most
    count = len(tracks)
    if count <= most:
        return Choice(np.arange(count))
    top, bottom = int(most * _TOP), int(most * _BOTTOM)
    between = np.arange(top, count - bottom)
    # Stable, so that of artists with as many tracks those with the higher mean come first.
    order = between[np.argsort(-tracks[between], kind="stable")]
    busiest = order[: most - top - bottom]
    places = np.concatenate([np.arange(top), np.sort(busiest), np.arange(count - bottom, count)])
    return Choice(places, top, bottom, len(busiest), int(tracks[order[len(busiest)]]))


def columns(artists: pa.Table, choice: Choice, genres: Sequence[list[int]]) -> dict[str, Any]:
    """Return the chosen artists as columns of plain numbers and text.

    Parameters
    ----------
    artists : pyarrow.Table
        The chosen rows of ``artists.parquet``, by rank.
    choice : Choice
    genres : sequence of list of int
        Of each, places in the list of genres.

    Returns
    -------
    dict
        ``a`` names, ``r`` ranks, ``t`` tracks; in tenths of a point ``w`` raw mean, ``m`` mean, ``l`` and ``h`` its
        interval, ``nl`` and ``nh`` that of the next track, ``c`` change or null; ``g`` genres, one as a number.
    """
    names = artists["artist"].to_pylist()
    found: dict[str, Any] = {
        "a": _names(names),
        "r": (choice.places + 1).tolist(),
        "t": artists["tracks"].to_pylist(),
    }
    for short, name in _TENTHS.items():
        found[short] = _tenths(artists[name].to_numpy())
    found["c"] = _tenths(artists["change"].to_numpy())
    found["g"] = [each[0] if len(each) == 1 else each for each in genres]
    return found


def _names(names: Sequence[str]) -> list[str]:
    for longest in _LENGTHS[:-1]:
        if sum(min(len(name), longest) for name in names) <= _MOST_LETTERS:
            return [visible(name, longest) for name in names]
    return [visible(name, _LENGTHS[-1]) for name in names]


def _tenths(values: NDArray[np.float64]) -> list[int | None]:
    rounded = np.round(values * 10)
    return [int(value) if there else None for value, there in zip(rounded, np.isfinite(rounded), strict=True)]
