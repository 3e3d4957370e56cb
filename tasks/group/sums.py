"""The sums that the likelihood needs, partition by partition.

The normal hierarchical model sees its tracks only through the number of tracks of each artist, the artist's sums of
A = [Z, y], and the cross products of A over all tracks (docs/model.md gives the derivation). All three are sums over
tracks, so partitions can be read in any order, anywhere, and merged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.statistics import Statistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Sums:
    """Mergeable sums over a set of observations, for J artists and K = D + 1 columns.

    Parameters
    ----------
    names : ndarray of str, shape (J,)
        Artists, each once, in any order.
    counts : ndarray of int, shape (J,)
        Observations of each artist.
    totals : ndarray, shape (J, K)
        Each artist's sum of the rows of A.
    cross : ndarray, shape (K, K)
        A' A over all observations.
    """

    names: NDArray[np.object_]
    counts: Integers
    totals: Floats
    cross: Floats

    @property
    def observations(self) -> int:
        """The number of rows that went in."""
        return int(self.counts.sum())


def sums_of(names: NDArray[np.object_], rows: Floats) -> Sums:
    """Sum one partition.

    Parameters
    ----------
    names : ndarray of str, shape (n,)
        The artist of each observation.
    rows : ndarray, shape (n, K)
        A. Its first column is the intercept; the others should be near zero on average, lest the difference of two
        large sums lose digits.

    Returns
    -------
    Sums
    """
    import pandas as pd

    codes, artists = pd.factorize(names)
    totals = _add_by(codes, rows, len(artists))
    counts = np.bincount(codes, minlength=len(artists)).astype(np.int64)
    return Sums(np.asarray(artists, dtype=object), counts, totals, rows.T @ rows)


class Running:
    """Sums that grow as partitions are added, in place: no partition costs more than what is in it.

    Parameters
    ----------
    columns : int
        K.
    """

    def __init__(self, columns: int) -> None:
        self._positions: dict[str, int] = {}
        self._counts = np.zeros(1024, dtype=np.int64)
        self._totals = np.zeros((1024, columns))
        self._cross = np.zeros((columns, columns))

    def add(self, part: Sums) -> None:
        """Add the sums of other observations."""
        positions = self._positions
        at = np.fromiter((positions.setdefault(name, len(positions)) for name in part.names), np.int64, len(part.names))
        if len(positions) > len(self._counts):
            room = max(2 * len(self._counts), len(positions))
            self._counts = np.concatenate([self._counts, np.zeros(room - len(self._counts), dtype=np.int64)])
            self._totals = np.concatenate([self._totals, np.zeros((room - len(self._totals), self._totals.shape[1]))])
        self._counts[at] += part.counts
        self._totals[at] += part.totals
        self._cross += part.cross

    def sums(self) -> Sums:
        """Return what has been added so far."""
        count = len(self._positions)
        names = np.fromiter(self._positions, dtype=object, count=count)
        return Sums(names, self._counts[:count], self._totals[:count], self._cross)


def merge(*parts: Sums) -> Sums:
    """Return the sums over several sets of observations."""
    running = Running(parts[0].totals.shape[1])
    for part in parts:
        running.add(part)
    return running.sums()


def _add_by(codes: Integers, rows: Floats, size: int) -> Floats:
    from scipy import sparse

    indicator = sparse.csr_array((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(size, len(codes)))
    return np.asarray(indicator @ rows)


def changed(sums: Sums, change: Floats) -> Sums:
    """Return the sums of A @ change, without reading the observations again.

    Parameters
    ----------
    sums : Sums
    change : ndarray, shape (K, L)

    Returns
    -------
    Sums
    """
    return Sums(sums.names, sums.counts, sums.totals @ change, change.T @ sums.cross @ change)


def statistics_of(sums: Sums) -> Statistics:
    """Turn sums into sufficient statistics.

    Parameters
    ----------
    sums : Sums

    Returns
    -------
    Statistics
        With the artists in the order of ``sums.names``.
    """
    means = sums.totals / sums.counts[:, None]
    # Both terms are sums of squares around nearly the same centre: y and the features were centred before summing.
    within = sums.cross - sums.totals.T @ means
    sizes, position = np.unique(sums.counts, return_inverse=True)
    order = np.argsort(position, kind="stable")
    edges = np.searchsorted(position[order], np.arange(len(sizes) + 1))
    between = np.stack([means[chosen].T @ means[chosen] for chosen in np.split(order, edges[1:-1])])
    return Statistics(
        within=(within + within.T) / 2,
        sizes=sizes.astype(np.float64),
        artists_of_size=np.bincount(position).astype(np.float64),
        between=between,
        counts=sums.counts,
        means=means,
    )
