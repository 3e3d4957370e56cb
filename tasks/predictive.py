"""The predictive distribution of a track, given draws of the scales and of the coefficients.

Shared by those that judge predictions and those that make them; plain arrays, no files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_FEWEST_ARTISTS = 2


@dataclass(frozen=True)
class Draws:
    """S draws from the posterior.

    Parameters
    ----------
    theta : ndarray, shape (S, D)
        Coefficients of Z; the intercept relative to the corpus mean of popularity.
    sigma, tau : ndarray, shape (S,)
        In points; tau is 0 with complete pooling.
    """

    theta: Floats
    sigma: Floats
    tau: Floats


@dataclass(frozen=True)
class Known:
    """What was seen of C artists.

    Parameters
    ----------
    counts : ndarray, shape (C,)
        Tracks n; 0 for an artist nobody has seen, whose means are then ignored.
    means : ndarray, shape (C, D + 1)
        Means of A = [Z, y] over their tracks.
    """

    counts: Floats
    means: Floats


def conditional(draws: Draws, known: Known, z: Floats) -> tuple[Floats, Floats]:
    """Return mean and sd of one track of each artist, given each draw.

    a_j | theta, h is N(w (ybar - zbar' theta), tau^2 (1 - w)) with w = tau^2 / (tau^2 + sigma^2 / n), so that a track
    with row z is N(z' theta + w (ybar - zbar' theta), sigma^2 + tau^2 (1 - w)).

    Parameters
    ----------
    draws : Draws
    known : Known
    z : ndarray, shape (C, D)
        The row of each track.

    Returns
    -------
    mean : ndarray, shape (S, C)
        Relative to the corpus mean of popularity, in points.
    sd : ndarray, shape (S, C)
        In points.
    """
    counts = known.counts[None, :]
    own, noise = draws.tau[:, None] ** 2, draws.sigma[:, None] ** 2
    total = counts * own + noise
    weight = counts * own / total
    surplus = known.means[:, -1] - draws.theta @ known.means[:, :-1].T
    mean = draws.theta @ z.T + weight * surplus
    return mean, np.sqrt(noise + own * noise / total)


def standard_error(values: Floats, artist: NDArray[np.int64]) -> float | None:
    """Return the standard error of a sum over tracks of which those of one artist are not independent.

    Around the mean over tracks, deviations are added up by artist. Where each artist has a single track, it is
    sqrt(n) times their standard deviation (the estimator of Vehtari, Gelman and Gabry 2017, Statistics and Computing
    27, section 5.1); else it is that of Liang and Zeger (1986), Biometrika 73(1), for clusters.

    Parameters
    ----------
    values : ndarray, shape (n,)
    artist : ndarray of int, shape (n,)

    Returns
    -------
    float or None
        None with a single artist.
    """
    _, position = np.unique(artist, return_inverse=True)
    count = int(position.max()) + 1 if len(position) else 0
    if count < _FEWEST_ARTISTS:
        return None
    totals = np.bincount(position, weights=values - values.mean())
    return math.sqrt(count / (count - 1) * float(totals @ totals))
