"""The predictive distribution of tracks that no fit saw, held against what they turned out to be.

A fit's predictive distribution of a track is an equal mixture of normals, one for each draw; the artist's effect and
the residual are integrated out in each (`tasks.predictive.conditional`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.predictive import Known, conditional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from schemas.statistics import Statistics
    from tasks.judge.reading import Posterior, Rows

    Floats = NDArray[np.float64]

# More of them moved no total by a tenth of its standard error.
DRAWS = 1000
# Numbers in one array of draws and tracks: 16 MiB.
_CELLS = 2_000_000


@dataclass(frozen=True)
class Judged:
    """What a model said of n tracks.

    Parameters
    ----------
    log_density : ndarray, shape (n,)
        Log of the predictive density at the track's popularity, in nats. Popularity is whole, so this is also, all but
        exactly, the log of the probability of that popularity.
    mean : ndarray, shape (n,)
        Predictive mean, relative to the mean of popularity in training, in points.
    place : ndarray, shape (n,)
        Predictive probability of less popularity than the track has (its probability integral transform).
    effective : ndarray, shape (n,), optional
        Effective number of draws, 1 / sum of squared weights, where draws are weighted.
    """

    log_density: Floats
    mean: Floats
    place: Floats
    effective: Floats | None = None


def judge_rows(posterior: Posterior, statistics: Statistics, rows: Rows) -> Judged:
    """Judge predictions of tracks that are not in training.

    Parameters
    ----------
    posterior : Posterior
        At most `DRAWS` of its draws are used.
    statistics : Statistics
        Of training.
    rows : Rows
        n tracks.

    Returns
    -------
    Judged
    """
    known, draws = known_of(statistics, rows.artist), posterior.thinned(DRAWS).draws
    size = max(_CELLS // len(draws.sigma), 1)
    parts = []
    for start in range(0, len(rows.y), size):
        here = slice(start, start + size)
        part = Known(known.counts[here], known.means[here])
        mean, sd = conditional(draws, part, rows.z[here])
        weights = np.full(mean.shape, -np.log(len(mean)))
        parts.append(held_against(rows.y[here], mean, sd, weights))
    return joined(parts)


def joined(parts: Sequence[tuple[Floats, ...]]) -> Judged:
    """Put together what was said of some tracks at a time, column by column."""
    if not parts:
        return Judged(np.empty(0), np.empty(0), np.empty(0))
    return Judged(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def held_against(y: Floats, mean: Floats, sd: Floats, log_weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return log density, mean and place of n tracks under mixtures of S normals.

    Parameters
    ----------
    y : ndarray, shape (n,)
    mean, sd, log_weights : ndarray, shape (S, n)
        The weights of a track add up to 1.

    Returns
    -------
    log_density, mean, place : ndarray, shape (n,)
    """
    from scipy.special import logsumexp, ndtr

    standard = (y - mean) / sd
    log_density = logsumexp(log_normal(standard, sd) + log_weights, axis=0)
    weights = np.exp(log_weights)
    return log_density, (weights * mean).sum(axis=0), (weights * ndtr(standard)).sum(axis=0)


def log_normal(standard: Floats, sd: Floats) -> Floats:
    """Return the log density of a normal with sd `sd`, `standard` sds from its mean."""
    log_density: Floats = -0.5 * standard**2 - np.log(sd) - 0.5 * np.log(2 * np.pi)
    return log_density


def known_of(statistics: Statistics, artist: NDArray[np.int64]) -> Known:
    """Return what training says of the artists of n tracks: nothing of those it has not seen."""
    seen = artist < len(statistics.counts)
    at = np.where(seen, artist, 0)
    return Known(np.where(seen, statistics.counts[at], 0).astype(np.float64), statistics.means[at])
