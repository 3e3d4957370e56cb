"""What follows exactly once the scales are drawn: coefficients, artist effects, and what they say of each artist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solve_triangular

from tasks.sample.skeleton import Skeleton, skeleton_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.statistics import Statistics
    from tasks.sample.collapsed import CollapsedDensity

    Floats = NDArray[np.float64]

# Numbers held at once while the moments of artists are computed: 64 MiB.
_CELLS = 8_000_000


@dataclass(frozen=True)
class Moments:
    """Posterior mean and sd, each of shape (J,)."""

    mean: Floats
    sd: Floats


@dataclass(frozen=True)
class Exact:
    """What follows from S draws of the scales.

    Parameters
    ----------
    draws : ndarray, shape (S, D)
        One exact draw of theta given each.
    level, effect : Moments
        Of each artist's level and effect; the level relative to the corpus mean of popularity, in points.
    """

    draws: Floats
    level: Moments
    effect: Moments


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


def given_scales(
    density: CollapsedDensity,
    statistics: Statistics,
    values: Floats,
    tau: Floats,
    generator: np.random.Generator,
) -> Exact:
    """Draw theta given each draw of the scales, and sum up what the draws say of each artist.

    The level of artist j is zbar_j' theta + a_j: the expected popularity of a track like its own. Given the scales it
    is normal, with mean g_j zbar_j' E theta + (1 - g_j) ybar_j and variance g_j^2 zbar_j' C zbar_j + tau^2 g_j, where
    g_j = 1 - w_j; the effect is the same with g_j - 1 in the place of the g_j before zbar_j. Over the scales the laws
    of total expectation and variance apply. Both moments are quadratic in (zbar_j, ybar_j), with matrices that depend
    on the artist's track count alone. They are computed for the few counts of a skeleton, and follow for all others
    since g is linear in those.

    Parameters
    ----------
    density : CollapsedDensity
        With D columns.
    statistics : Statistics
        J artists with U distinct track counts.
    values : ndarray, shape (S, H)
        Draws of the scales, in points.
    tau : ndarray, shape (S,)
        In points, also where it is not among the scales.
    generator : numpy.random.Generator

    Returns
    -------
    Exact
    """
    count, size = len(values), density.columns
    sigma = values[:, 0]
    chosen, coefficients = _spanning(statistics.sizes, sigma, tau)
    # [1, g of the skeleton's counts], shape (S, K)
    basis = np.column_stack([np.ones(count), 1 - weight(sigma, tau, statistics.sizes[chosen])])
    means, draws = np.empty((count, size)), np.empty((count, size))
    noise = generator.standard_normal((count, size))
    pairs = basis.shape[1] ** 2
    spread = np.zeros((pairs, size * size))
    batch = max(_CELLS // (size * size), 1)
    for start in range(0, count, batch):
        part = slice(start, min(start + batch, count))
        covariances = np.empty((part.stop - start, size, size))
        for position in range(start, part.stop):
            given = density.conditional(values[position])
            means[position] = given.mean
            # P = L L', so that L'^-1 noise has covariance P^-1.
            step = solve_triangular(given.factor, noise[position], trans="T", lower=True, check_finite=False)
            draws[position] = given.mean + step
            covariances[position - start] = given.covariance()
        products = np.einsum("sk,sl->skl", basis[part], basis[part]).reshape(-1, pairs)
        spread += products.T @ covariances.reshape(-1, size * size)
    spread = spread.reshape(pairs, size, size) / count
    spread = np.triu(spread) + np.swapaxes(np.triu(spread, 1), 1, 2)
    # Of theta given the scales and 1, times each of the basis: their means and covariances over the scales.
    linear = np.einsum("sk,sd->skd", basis, np.column_stack([means, np.ones(count)])).reshape(count, -1)
    centre = linear.mean(axis=0).reshape(basis.shape[1], size + 1)
    linear -= linear.mean(axis=0)
    covariance = (linear.T @ linear / count).reshape(basis.shape[1], size + 1, basis.shape[1], size + 1)
    covariance = np.ascontiguousarray(covariance.transpose(0, 2, 1, 3)).reshape(pairs, size + 1, size + 1)
    covariance[:, :-1, :-1] += spread
    spare = coefficients @ (tau[:, None] ** 2 * basis[:, 1:]).mean(axis=0)
    # Rows of the coefficients of the basis, by distinct count: before zbar_j, and before ybar_j.
    own = np.column_stack([np.ones(len(coefficients)), -coefficients])
    level = np.column_stack([np.zeros(len(coefficients)), coefficients])
    return Exact(
        draws,
        _artists(statistics, (level, own), centre, covariance, spare),
        _artists(statistics, (-own, own), centre, covariance, spare),
    )


def _spanning(sizes: Floats, sigma: Floats, tau: Floats) -> Skeleton:
    if not tau.any():  # g is 1 whatever the count
        return Skeleton(np.zeros(1, dtype=np.int64), np.ones((len(sizes), 1)))
    ratios = (tau / sigma) ** 2
    return skeleton_of(sizes, (float(ratios.min()), float(ratios.max())))


def _artists(
    statistics: Statistics, combined: tuple[Floats, Floats], centre: Floats, covariance: Floats, spare: Floats
) -> Moments:
    """Return mean and sd of a linear function of (zbar_j, ybar_j) whose coefficients are random.

    Parameters
    ----------
    statistics : Statistics
    combined : tuple of ndarray, shape (U, K)
        The coefficients of zbar_j, and of ybar_j, in the basis.
    centre : ndarray, shape (K, D + 1)
        Mean of basis x (theta, 1).
    covariance : ndarray, shape (K * K, D + 1, D + 1)
        Covariance of basis x (theta, 1) with itself.
    spare : ndarray, shape (U,)
        Variance that each artist has besides.
    """
    width = centre.shape[1]
    mean, variance = np.empty(len(statistics.counts)), np.empty(len(statistics.counts))
    order = np.argsort(statistics.counts, kind="stable")
    ends = np.searchsorted(statistics.counts[order], statistics.sizes, side="right")
    for position, members in enumerate(np.split(order, ends[:-1])):
        z, y = combined[0][position], combined[1][position]
        first = z @ centre
        first[-1] = y @ centre[:, -1]
        second = np.tensordot(np.outer(z, z).reshape(-1), covariance, axes=1)
        second[:, -1] = np.outer(z, y).reshape(-1) @ covariance[:, :, -1]
        second[-1, :] = second[:, -1]
        second[-1, -1] = np.outer(y, y).reshape(-1) @ covariance[:, -1, -1]
        for start in range(0, len(members), max(_CELLS // width, 1)):
            chunk = members[start : start + max(_CELLS // width, 1)]
            rows = statistics.means[chunk]
            mean[chunk] = rows @ first
            variance[chunk] = np.einsum("jk,jk->j", rows @ second, rows) + spare[position]
    return Moments(mean, np.sqrt(np.maximum(variance, 0)))
