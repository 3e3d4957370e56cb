"""Posterior predictive checks: corpora like this one, as the model would make them, beside this one.

Gelman, Meng and Stern (1996), Posterior predictive assessment of model fitness via realized discrepancies, Statistica
Sinica 6. Tracks are not simulated one by one: means, variances and shares of tracks follow from the sums. For the
highest and the lowest artist, artists are drawn anew, of the population that the model takes them from (a mixed
replication, which the artists' own tracks do not pull towards themselves: Marshall and Spiegelhalter 2007, Bayesian
Analysis 2(2)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, stdtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.gate.corpus import Corpus

    Floats = NDArray[np.float64]

REPLICATES = 200
_FEWEST = 50
# Numbers drawn in all, and at a time.
_DRAWN, _CELLS = 20_000_000, 1 << 19
_SEED = 20261126
LOWEST, HIGHEST = 0.0, 100.0
_HALF = 0.5  # popularity is whole: what rounds to 0 is 0


@dataclass(frozen=True)
class Replicated:
    """R replicates of each quantity, and the quantity in the corpus; None where it is not known there."""

    replicates: Floats
    observed: float | None


def replicated(corpus: Corpus) -> dict[str, Replicated]:
    """Replicate the corpus.

    Parameters
    ----------
    corpus : Corpus

    Returns
    -------
    dict of str to Replicated
        ``mean`` and ``sd`` of tracks, in points; ``zeros``, the share of tracks with popularity 0, and ``outside``, the
        share of tracks below 0 or above 100 (nothing that is outside gets as far as this); ``highest`` and ``lowest``,
        means of artists, in points. With errors that are not normal, only the shares; without pooling, not the last.
    """
    statistics = corpus.statistics
    artists = len(statistics.counts)
    chosen = corpus.some(max(_FEWEST, min(REPLICATES, _DRAWN // max(artists, 1))))
    draws = corpus.coefficients
    theta, sigma, tau = draws.theta[chosen], draws.sigma[chosen], draws.tau[chosen]
    generator = np.random.default_rng([_SEED, len(chosen)])
    spread = corpus.spread_within(theta)
    tracks, inside = statistics.observations, max(statistics.observations - artists, 1)
    freedom = corpus.scales["nu"][chosen] if not corpus.normal and "nu" in corpus.scales else None
    sums = np.zeros((6, len(chosen)))
    highest, lowest = np.full(len(chosen), -np.inf), np.full(len(chosen), np.inf)
    size = max(_CELLS // len(chosen), 1)
    popularity = corpus.design.popularity_mean
    for start in range(0, artists, size):
        part = slice(start, start + size)
        counts, means = statistics.counts[part].astype(np.float64), statistics.means[part]
        expected = means[:, :-1] @ theta.T
        shrunk = 1 / (1 + counts[:, None] * (tau / sigma) ** 2)
        level = expected + (1 - shrunk) * (means[:, -1:] - expected)
        noise = sigma / np.sqrt(counts)[:, None]
        shape = expected.shape
        own = level + tau * np.sqrt(shrunk) * generator.standard_normal(shape)
        mean = own + noise * generator.standard_normal(shape)
        sums[0] += counts @ mean
        sums[1] += counts @ mean**2
        below, zero, above = _shares(own + popularity, sigma, spread / inside, freedom)
        sums[2] += counts @ zero
        sums[3] += counts @ (below + above)
        if corpus.report.pooling != "none":
            anew = expected + np.hypot(tau, noise) * generator.standard_normal(shape) + popularity
            highest = np.maximum(highest, np.clip(anew, LOWEST, HIGHEST).max(axis=0))
            lowest = np.minimum(lowest, np.clip(anew, LOWEST, HIGHEST).min(axis=0))
    found = {
        "zeros": Replicated(_counted(sums[2] / tracks, tracks, generator), corpus.design.share_of_zeros),
        "outside": Replicated(sums[3] / tracks, None),
    }
    if not corpus.normal:
        return found
    # Within artists: features and genres, errors, and both times each other.
    squares = spread + sigma**2 * generator.chisquare(inside, len(chosen)) * (tracks > artists)
    squares += 2 * sigma * np.sqrt(spread) * generator.standard_normal(len(chosen))
    centre = sums[0] / tracks
    variance = (sums[1] + np.maximum(squares, 0)) / tracks - centre**2
    found["mean"] = Replicated(centre + popularity, popularity)
    if corpus.report.pooling != "none":
        # An artist who stands alone is as far off as their tracks' errors put them, and a replicate errs once more.
        found["sd"] = Replicated(np.sqrt(variance), _sd_of_tracks(corpus))
        # Taking the corpus mean and adding it again leaves 1e-14 where 0 should be.
        raw = np.round(statistics.means[:, -1] + popularity, 9)
        found["highest"] = Replicated(highest, float(raw.max()))
        found["lowest"] = Replicated(lowest, float(raw.min()))
    return found


def _sd_of_tracks(corpus: Corpus) -> float:
    statistics = corpus.statistics
    counts, means = statistics.counts, statistics.means[:, -1]
    squares = float(statistics.within[-1, -1]) + float(counts @ means**2)
    return float(np.sqrt(squares / statistics.observations - (counts @ means / statistics.observations) ** 2))


def _shares(level: Floats, sigma: Floats, spread: Floats, freedom: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Return the shares of an artist's tracks below 0, of those that are 0 or round to it, and of those above 100.

    Tracks of one artist differ by their features as well; that is taken for normal.
    """
    if freedom is None:
        sd = np.sqrt(sigma**2 + spread)
        return ndtr((LOWEST - level) / sd), ndtr((LOWEST + _HALF - level) / sd), ndtr((level - HIGHEST) / sd)
    return (
        stdtr(freedom, (LOWEST - level) / sigma),
        stdtr(freedom, (LOWEST + _HALF - level) / sigma),
        stdtr(freedom, (level - HIGHEST) / sigma),
    )


def _counted(share: Floats, tracks: int, generator: np.random.Generator) -> Floats:
    """Add what counting so many tracks adds."""
    noisy: Floats = generator.binomial(tracks, np.clip(share, 0, 1)) / tracks
    return noisy
