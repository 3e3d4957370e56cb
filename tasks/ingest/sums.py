"""What partitions are like, in sums that are added up over them, and taken off again for rows that are folded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow.compute as pc

from tasks.changes import UNIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

SUMMED = ("track_id", "popularity", *UNIONS)
MOST_GENRES = 10_000  # more are no genres, and would swell every manifest

# Every double is a whole number of the smallest one; so are sums of them, which are exact then in any order.
_SMALLEST = 1074
_BITS = 53
_LOW = 27
_MOST_WHOLE = 2**31


@dataclass(frozen=True)
class Sums:
    """What is added up of some tracks.

    Parameters
    ----------
    rows, zeros, without_genre, without_id : int
        How many there are, how many have popularity 0, no genre at any level, and no id.
    popularity : int
        Its sum, exactly, as a multiple of the smallest double, 2 to the power of -1074.
    genres : frozenset of str, optional
        At any level; None where there are very many.
    """

    rows: int = 0
    zeros: int = 0
    without_genre: int = 0
    without_id: int = 0
    popularity: int = 0
    genres: frozenset[str] | None = frozenset()

    @classmethod
    def of(cls, tracks: pa.Table) -> Self:
        """Return those of canonical tracks, of which the columns `SUMMED` are looked at."""
        values = tracks["popularity"].to_numpy()
        having = np.zeros(len(values), dtype=bool)
        genres: set[str] = set()
        for level in UNIONS:
            lists = tracks[level]
            having |= has_some(lists)
            if lists.null_count < len(lists) and len(genres) <= MOST_GENRES:
                genres.update(pc.unique(pc.list_flatten(lists)).to_pylist())
        return cls(
            len(values),
            int((values == 0).sum()),
            int((~having).sum()),
            tracks["track_id"].null_count,
            exact_sum(values),
            frozenset(genres) if len(genres) <= MOST_GENRES else None,
        )

    def __add__(self, other: Sums) -> Sums:
        genres = None if self.genres is None or other.genres is None else self.genres | other.genres
        return self._with(other, 1, genres if genres is None or len(genres) <= MOST_GENRES else None)

    def __sub__(self, other: Sums) -> Sums:
        """Take rows off that are folded into others: those have their genres now."""
        return self._with(other, -1, self.genres)

    def _with(self, other: Sums, sign: int, genres: frozenset[str] | None) -> Sums:
        return Sums(
            self.rows + sign * other.rows,
            self.zeros + sign * other.zeros,
            self.without_genre + sign * other.without_genre,
            self.without_id + sign * other.without_id,
            self.popularity + sign * other.popularity,
            genres,
        )

    @property
    def mean_popularity(self) -> float:
        """Of all rows, in points, correctly rounded."""
        return self.popularity / (self.rows << _SMALLEST)

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain values, for JSON."""
        return {
            **asdict(self),
            "popularity": hex(self.popularity),
            "genres": None if self.genres is None else sorted(self.genres),
        }

    @classmethod
    def from_plain(cls, found: Mapping[str, Any]) -> Self:
        """Return what `plain` was made from."""
        genres = None if found["genres"] is None else frozenset(found["genres"])
        return cls(**{**found, "popularity": int(found["popularity"], 16), "genres": genres})


def has_some(lists: pa.ChunkedArray | pa.Array) -> NDArray[np.bool_]:
    """Say which lists are there and not empty."""
    if lists.null_count == len(lists):
        return np.zeros(len(lists), dtype=bool)
    lengths: NDArray[np.int64] = pc.list_value_length(lists).fill_null(0).to_numpy()
    return lengths > 0


def exact_sum(values: NDArray[np.float64]) -> int:
    """Return the sum of finite doubles, exactly, as a multiple of the smallest double.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Fewer than 2 to the power of 36.
    """
    if np.abs(values).max(initial=0) < _MOST_WHOLE and np.array_equal(whole := values.astype(np.int32), values):
        return int(whole.sum(dtype=np.int64)) << _SMALLEST  # as popularity is, nearly always
    total = 0
    fraction, exponent = np.frexp(values)
    scaled = np.ldexp(fraction, _BITS).astype(np.int64)
    for power in np.unique(exponent).tolist():
        here = scaled[exponent == power]
        # In two halves, whose sums have room in 64 bits.
        high = here >> _LOW
        summed = (int(high.sum()) << _LOW) + int((here - (high << _LOW)).sum())
        shift = power - _BITS + _SMALLEST
        total += summed << shift if shift >= 0 else summed >> -shift  # what is shifted out is zeros
    return total
