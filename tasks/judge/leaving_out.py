"""Exact leave-one-out, from the sums.

Given the scales h, y is normal with mean Z m0 and covariance Sigma = V + Z Lambda^-1 Z', where V has sigma^2 on its
diagonal and tau^2 between all tracks of an artist. Of a normal vector, one element given all others is normal too
(Sundararajan and Keerthi 2001, Neural Computation 13(5), equations 10 to 12):

    variance_i = 1 / c_i,    mean_i = y_i - g_i / c_i,    c_i = [Sigma^-1]_ii,    g_i = [Sigma^-1 (y - Z m0)]_i

Sigma^-1 = V^-1 - V^-1 Z P^-1 Z' V^-1 (Woodbury), with P and theta's mean E given the scales as in docs/model.md, and
row i of V^-1 X is (x_i - w_j xbar_j) / sigma^2, with w_j = tau^2 / (tau^2 + sigma^2 / n_j). So with
q_i = (z_i - w_j zbar_j) / sigma^2,

    c_i = (1 - w_j / n_j) / sigma^2 - q_i' P^-1 q_i,    g_i = (y_i - w_j ybar_j) / sigma^2 - q_i' E

No fit is repeated, and all coefficients and effects are integrated out. What is left are the scales: their posterior
without track i is theirs with it, weighted by 1 / p(y_i | y_-i, h) (Gelfand, Dey and Chang 1992, Bayesian Statistics
4). A handful of scales hardly depends on one track, so the weights are even; their effective number is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.judge.predicting import Judged, held_against, joined, known_of, log_normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.statistics import Statistics
    from tasks.judge.reading import Posterior, Rows

    Floats = NDArray[np.float64]

# Draws of the scales: as many as make so many predictions, but no fewer than 200. Of thousands of tracks none says much
# about the scales, and two halves of 200 draws differ in the total by half a nat; of a few hundred some do.
_PREDICTIONS, _FEWEST = 4_000_000, 200
# Numbers in one array of draws and tracks: 16 MiB.
_CELLS = 2_000_000


def leave_one_out(posterior: Posterior, statistics: Statistics, rows: Rows) -> Judged:
    """Predict each of n tracks in training from all others there.

    Parameters
    ----------
    posterior : Posterior
        Of all of training; `draws_for` of its draws are used.
    statistics : Statistics
        Of training.
    rows : Rows
        n of its tracks.

    Returns
    -------
    Judged
        With ``effective``.
    """
    from scipy.special import logsumexp

    if not len(rows.y):
        return joined([])
    mean, sd = left_out(posterior.thinned(draws_for(len(rows.y))), statistics, rows)
    size = max(_CELLS // len(mean), 1)
    parts = []
    for start in range(0, len(rows.y), size):
        here = slice(start, start + size)
        log_weights = -log_normal((rows.y[here] - mean[:, here]) / sd[:, here], sd[:, here])
        log_weights -= logsumexp(log_weights, axis=0)
        told = held_against(rows.y[here], mean[:, here], sd[:, here], log_weights)
        parts.append((*told, np.exp(-logsumexp(2 * log_weights, axis=0))))
    return joined(parts)


def draws_for(tracks: int) -> int:
    """Return how many draws of the scales are wanted to leave out each of so many tracks."""
    return max(_PREDICTIONS // tracks, _FEWEST)


def left_out(posterior: Posterior, statistics: Statistics, rows: Rows) -> tuple[Floats, Floats]:
    """Return mean and sd of each of n tracks given all others, and given each of S draws of the scales.

    Parameters
    ----------
    posterior : Posterior
    statistics : Statistics
    rows : Rows

    Returns
    -------
    mean, sd : ndarray, shape (S, n)
        The mean relative to the mean of popularity in training, in points.
    """
    from scipy.linalg import cho_solve, cholesky, solve_triangular

    known = known_of(statistics, rows.artist)
    draws = posterior.draws
    means, sds = np.empty((2, len(draws.sigma), len(rows.y)))
    for draw, (sigma, tau, prior) in enumerate(zip(draws.sigma, draws.tau, posterior.precisions, strict=True)):
        noise, own = sigma**2, tau**2
        pooled = statistics.within / noise
        pooled += np.tensordot(1 / (own + noise / statistics.sizes), statistics.between, axes=1)
        precision, b = pooled[:-1, :-1] + np.diag(prior), pooled[:-1, -1].copy()
        b[0] += prior[0] * posterior.intercept
        factor = cholesky(precision, lower=True, check_finite=False)
        expected = cho_solve((factor, True), b, check_finite=False)
        total = known.counts * own + noise
        weight = known.counts * own / total
        q = (rows.z - weight[:, None] * known.means[:, :-1]) / noise
        whitened = solve_triangular(factor, q.T, lower=True, check_finite=False)
        # (1 - w / n), without the difference of two numbers near 1 that a single track and a wide tau would make it.
        c = (known.counts - 1 + noise / total) / known.counts / noise - np.einsum("dn,dn->n", whitened, whitened)
        g = (rows.y - weight * known.means[:, -1]) / noise - q @ expected
        means[draw], sds[draw] = rows.y - g / c, c**-0.5
    return means, sds
