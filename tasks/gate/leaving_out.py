"""Exact leave-one-out of artists' means, from the sums.

Given the scales, artist j's mean is normal around zbar_j' theta with variance v_j = tau^2 + sigma^2 / n_j,
and independent of how its tracks differ among each other (docs/model.md). So, with theta integrated out, one mean given
all else is normal too (Sundararajan and Keerthi 2001, Neural Computation 13(5), equations 10 to 12):

    h_j = zbar_j' P^-1 zbar_j / v_j,    mean_j = ybar_j - r_j / (1 - h_j),    variance_j = v_j / (1 - h_j),

with r_j = ybar_j - zbar_j' E, and P and E as in docs/model.md. What is left are the scales: their posterior without the
mean is theirs with it, weighted by 1 / p(ybar_j | all else, scales) (Gelfand, Dey and Chang 1992, Bayesian Statistics
4), and how far such weights can be trusted is Pareto's k of their tail (Vehtari, Simpson, Gelman, Yao and Gabry 2024,
Pareto smoothed importance sampling, JMLR 25).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from schemas.priors import parse_prior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.gate.corpus import Corpus

    Floats = NDArray[np.float64]

_DRAWS, _ARTISTS, _INFLUENTIAL = 500, 1000, 30
_FEWEST_WEIGHTS = 40


class LeftOut(NamedTuple):
    """What was found of m artists.

    Parameters
    ----------
    artists : ndarray of int, shape (m,)
        Their positions.
    place : ndarray, shape (m,)
        Predictive probability of a lower mean than the artist's own, given all others.
    largest_k : float
        Largest Pareto k of those whose weights are the most uneven.
    draws : int
        How many draws were weighted.
    """

    artists: NDArray[np.int64]
    place: Floats
    largest_k: float
    draws: int


def leave_out_artists(corpus: Corpus) -> LeftOut | None:
    """Predict the means of some artists from all else.

    Parameters
    ----------
    corpus : Corpus
        With normal errors.

    Returns
    -------
    LeftOut or None
        Of at most 1,000 artists, evenly spread over the track counts. None where the priors cannot be read.
    """
    from scipy.special import logsumexp, ndtr

    statistics = corpus.statistics
    precisions = _precisions(corpus)
    if precisions is None:
        return None
    by_count = np.argsort(statistics.counts, kind="stable")
    spread = np.unique(np.linspace(0, len(by_count) - 1, min(_ARTISTS, len(by_count))).astype(np.int64))
    artists = by_count[spread]
    means, sds = _left_out(corpus, corpus.some(_DRAWS), precisions, artists)
    standard = (statistics.means[artists, -1] - means) / sds
    log_weights = 0.5 * standard**2 + np.log(sds)
    log_weights -= logsumexp(log_weights, axis=0)
    place = (np.exp(log_weights) * ndtr(standard)).sum(axis=0)
    uneven = np.argsort(-log_weights.std(axis=0), kind="stable")[:_INFLUENTIAL]
    return LeftOut(artists, place, _largest_k(log_weights[:, uneven]), len(means))


def _largest_k(log_weights: Floats) -> float:
    from arviz_stats.base import array_stats

    if len(log_weights) < _FEWEST_WEIGHTS:  # no tail to fit
        return float("inf")
    if np.ptp(log_weights, axis=0).max() < 1e-12:  # noqa: PLR2004 - rounding: all draws count alike
        return 0.0
    # Its argument is what log weights are the negative of.
    smoothed: Any = array_stats.psislw  # untyped
    _, k = smoothed(-log_weights.T, r_eff=1.0, axis=-1)
    return float(np.max(k))


def _precisions(corpus: Corpus) -> tuple[Floats, float] | None:
    """Return the prior precision of each coefficient, shape (S, D), and the prior mean of the intercept."""
    try:
        prior = parse_prior(corpus.report.priors["mu"])
    except (KeyError, ValueError):
        return None
    design, scales = corpus.design, corpus.scales
    blocks = {block: place for place, block in enumerate(design.blocks())}
    count = len(corpus.coefficients.sigma)
    columns = [np.full(count, prior.arguments[1])]
    for column in design.columns[1:]:
        name = {"genre": "tau_genre", "feature": "tau_block", "slope": "tau_slope"}[column.kind]
        if name not in scales:
            return None
        columns.append(scales[name] if column.kind == "genre" else scales[name][:, blocks[column.block]])
    return np.column_stack(columns) ** -2, prior.arguments[0] - design.popularity_mean


def _left_out(
    corpus: Corpus, chosen: NDArray[np.int64], precisions: tuple[Floats, float], artists: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    from scipy.linalg import cho_solve, cholesky, solve_triangular

    statistics, draws = corpus.statistics, corpus.coefficients
    counts, rows = statistics.counts[artists], statistics.means[artists]
    z, y = rows[:, :-1], rows[:, -1]
    means, sds = np.empty((2, len(chosen), len(artists)))
    for place, draw in enumerate(chosen):
        noise, own = draws.sigma[draw] ** 2, draws.tau[draw] ** 2
        pooled = statistics.within / noise
        pooled += np.tensordot(1 / (own + noise / statistics.sizes), statistics.between, axes=1)
        b = pooled[:-1, -1].copy()
        b[0] += precisions[0][draw, 0] * precisions[1]
        factor = cholesky(pooled[:-1, :-1] + np.diag(precisions[0][draw]), lower=True, check_finite=False)
        expected = cho_solve((factor, True), b, check_finite=False)
        v = own + noise / counts
        whitened = solve_triangular(factor, z.T, lower=True, check_finite=False)
        kept = np.maximum(1 - np.einsum("da,da->a", whitened, whitened) / v, 1e-9)
        means[place], sds[place] = y - (y - z @ expected) / kept, np.sqrt(v / kept)
    return means, sds
