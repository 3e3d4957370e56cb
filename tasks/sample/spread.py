"""How the columns of A = [Z, y] spread over tracks, artists and genres, from the sums alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.statistics import Statistics

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """Sums over N tracks of J artists, and what follows from them; K = D + 1 columns of A, the first of them ones.

    Parameters
    ----------
    cross : ndarray, shape (K, K)
        A' A over tracks: W + sum_u u B_u.
    by_artist : ndarray, shape (K, K)
        The same over artists' means: sum_u B_u.
    by_squared_count : ndarray, shape (K, K)
        sum_j n_j^2 Abar_j Abar_j' = sum_u u^2 B_u.
    """

    cross: Floats
    by_artist: Floats
    by_squared_count: Floats

    @classmethod
    def of(cls, statistics: Statistics) -> Self:
        """Add the sums up."""
        sizes = statistics.sizes
        weights = np.stack([sizes, np.ones_like(sizes), sizes**2])
        tracks, artists, squares = np.tensordot(weights, statistics.between, axes=1)
        return cls(statistics.within + tracks, artists, squares)

    @property
    def tracks(self) -> float:
        """N."""
        return float(self.cross[0, 0])

    @property
    def artists(self) -> float:
        """J."""
        return float(self.by_artist[0, 0])

    def mean(self) -> Floats:
        """Return the mean of each column over tracks, shape (K,)."""
        centre: Floats = self.cross[0] / self.tracks
        return centre

    def over_tracks(self) -> Floats:
        """Return the covariance of the columns over tracks, shape (K, K), with divisor N."""
        return _covariance(self.cross)

    def over_artists(self) -> Floats:
        """Return the covariance of the columns' means over artists, shape (K, K), with divisor J."""
        return _covariance(self.by_artist)


def variance_of(theta: Floats, covariance: Floats) -> Floats:
    """Return theta' C theta of each draw.

    Parameters
    ----------
    theta : ndarray, shape (S, D)
    covariance : ndarray, shape (D, D)

    Returns
    -------
    ndarray, shape (S,)
    """
    variance: Floats = np.maximum(((theta @ covariance) * theta).sum(axis=1), 0)
    return variance


def _covariance(sums: Floats) -> Floats:
    count = sums[0, 0]
    centre = sums[0] / count
    covariance: Floats = sums / count - np.outer(centre, centre)
    return covariance
