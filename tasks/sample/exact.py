"""What follows exactly once the scales are drawn: coefficients, artist effects, and what they say of each artist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solve_triangular

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.statistics import Statistics
    from tasks.sample.collapsed import CollapsedDensity

    Floats = NDArray[np.float64]

# Draws whose D x D covariances are held at once: 64 MiB for D = 90.
_CHUNK = 1000


@dataclass(frozen=True)
class Coefficients:
    """theta over S draws of the scales: what it is given each, and one exact draw from that.

    Parameters
    ----------
    means : ndarray, shape (S, D)
    covariances : ndarray, shape (S, D, D)
    draws : ndarray, shape (S, D)
    """

    means: Floats
    covariances: Floats
    draws: Floats


def draw_coefficients(density: CollapsedDensity, values: Floats, generator: np.random.Generator) -> Coefficients:
    """Draw theta given each draw of the scales.

    Parameters
    ----------
    density : CollapsedDensity
    values : ndarray, shape (S, H)
        Draws of the scales, in points.
    generator : numpy.random.Generator

    Returns
    -------
    Coefficients
    """
    count, size = len(values), density.columns
    means, covariances, draws = np.empty((count, size)), np.empty((count, size, size)), np.empty((count, size))
    noise = generator.standard_normal((count, size))
    for position, scales in enumerate(values):
        given = density.conditional(scales)
        means[position] = given.mean
        covariances[position] = given.covariance
        # P = R'R with R upper triangular, so R^-1 noise has covariance P^-1.
        draws[position] = given.mean + solve_triangular(given.factor, noise[position], check_finite=False)
    return Coefficients(means, covariances, draws)


def weight(sigma: Floats, tau: Floats, counts: Floats) -> Floats:
    """Return w = tau^2 / (tau^2 + sigma^2 / n): how far an artist's own tracks are trusted.

    Parameters
    ----------
    sigma, tau : ndarray, shape (S,)
        In points.
    counts : ndarray, shape (U,)
        Track counts n.

    Returns
    -------
    ndarray, shape (S, U)
        0 is complete pooling, 1 none.
    """
    own: Floats = tau[:, None] ** 2
    share: Floats = own / (own + sigma[:, None] ** 2 / counts)
    return share


def draw_artist_effects(
    statistics: Statistics,
    chosen: NDArray[np.int64],
    scales: tuple[Floats, Floats],
    theta: Floats,
    generator: np.random.Generator,
) -> Floats:
    """Draw the effects of some artists: a_j | theta, h ~ N(w_j (ybar_j - zbar_j' theta), tau^2 (1 - w_j)).

    Parameters
    ----------
    statistics : Statistics
    chosen : ndarray of int, shape (C,)
        Positions of the artists.
    scales : tuple of ndarray
        sigma and tau, each of shape (S,).
    theta : ndarray, shape (S, D)
    generator : numpy.random.Generator

    Returns
    -------
    ndarray, shape (S, C)
    """
    sigma, tau = scales
    means = statistics.means[chosen]
    own = weight(sigma, tau, statistics.counts[chosen].astype(np.float64))
    surplus = means[:, -1] - theta @ means[:, :-1].T
    effects = own * surplus
    effects += np.sqrt(tau[:, None] ** 2 * (1 - own)) * generator.standard_normal(own.shape)
    return effects


@dataclass(frozen=True)
class Moments:
    """Posterior mean and sd, each of shape (J,)."""

    mean: Floats
    sd: Floats


def artist_moments(
    statistics: Statistics, scales: tuple[Floats, Floats], coefficients: Coefficients
) -> tuple[Moments, Moments]:
    """Return the posterior mean and sd of each artist's level and effect, from no stored draws.

    The level of artist j is zbar_j' theta + a_j: the expected popularity of a track like its own. Given the scales it
    is normal, with mean (1 - w_j) zbar_j' E theta + w_j ybar_j and variance (1 - w_j)^2 zbar_j' C zbar_j
    + tau^2 (1 - w_j). Over the scales, the laws of total expectation and variance apply. Both moments are quadratic
    in (zbar_j, ybar_j) with a matrix that depends on the artist's track count alone, so that the sum over S draws is
    done once for each distinct count. The effect is the same with -w_j in place of 1 - w_j.

    Parameters
    ----------
    statistics : Statistics
        J artists with U distinct track counts.
    scales : tuple of ndarray
        sigma and tau, each of shape (S,).
    coefficients : Coefficients
        Over the same S draws.

    Returns
    -------
    level, effect : Moments
        Relative to the corpus mean of popularity, in points.
    """
    sigma, tau = scales
    own = weight(sigma, tau, statistics.sizes)
    spare = (tau[:, None] ** 2 * (1 - own)).mean(axis=0)
    position = np.searchsorted(statistics.sizes, statistics.counts)
    results = []
    for factor in (1 - own, -own):
        spread = _mean_covariance(factor, coefficients.covariances)
        mean, variance = np.empty(len(statistics.counts)), np.empty(len(statistics.counts))
        for size in range(len(statistics.sizes)):
            members = np.flatnonzero(position == size)
            # The level is linear in (zbar_j, ybar_j); these are its S coefficient vectors.
            linear = np.column_stack([factor[:, [size]] * coefficients.means, own[:, size]])
            matrix = np.cov(linear, rowvar=False, ddof=0)
            matrix[:-1, :-1] += spread[size]
            rows = statistics.means[members]
            mean[members] = rows @ linear.mean(axis=0)
            variance[members] = np.einsum("jk,kl,jl->j", rows, matrix, rows, optimize=True) + spare[size]
        results.append(Moments(mean, np.sqrt(np.maximum(variance, 0))))
    return results[0], results[1]


def _mean_covariance(factor: Floats, covariances: Floats) -> Floats:
    """Return the mean over draws of factor^2 C, shape (U, D, D)."""
    count, size = covariances.shape[0], covariances.shape[1]
    total: Floats = np.zeros((factor.shape[1], size * size))
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        total += (factor[part] ** 2).T @ covariances[part].reshape(-1, size * size)
    mean: Floats = (total / count).reshape(-1, size, size)
    return mean
