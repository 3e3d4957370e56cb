"""Whether ranks are uniform, and whether intervals hold what they say: exact bands, p-values, and clusters.

The band is the simultaneous one of Säilynoja, Bürkner and Vehtari (2022), Graphical test for discrete uniformity and
its applications in goodness-of-fit evaluation and multiple sample comparison, Statistics and Computing 32: at each
point the number of ranks below is binomial, and all points together stay inside with the stated probability. That
probability is computed exactly, from left to right: given how many lie below one point, how many lie between it and
the next is binomial again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

PLACES = 200
# Where the counts are looked at: shares of the places.
POINTS = np.arange(1, 100) / 100
_TIE = 1 + 1e-9


class Band(NamedTuple):
    """The fewest and the most of N ranks that may lie below each of `POINTS`."""

    low: Integers
    high: Integers


def below(ranks: Sequence[int] | Integers) -> Integers:
    """Return how many ranks, of 0 to ``PLACES - 1``, lie below each of `POINTS`."""
    edges = np.rint(POINTS * PLACES)
    counts: Integers = np.searchsorted(np.sort(np.asarray(ranks)), edges, side="left")
    return counts


def _surprise(count: int) -> Floats:
    """Return the two-sided p-value of each number of ranks below each point, shape (points, N + 1)."""
    numbers = np.arange(count + 1)[None]
    share = POINTS[:, None]
    at_most, at_least = stats.binom.cdf(numbers, count, share), stats.binom.sf(numbers - 1, count, share)
    surprise: Floats = 2 * np.minimum(at_most, at_least)
    return surprise


def _stays_inside(count: int, inside: NDArray[np.bool_]) -> float:
    """Return the probability that the number of uniform ranks below each point is one of those inside."""
    numbers, weight, reached = np.zeros(1, dtype=np.int64), np.ones(1), 0.0
    for point, allowed in zip(POINTS, inside, strict=True):
        following = np.flatnonzero(allowed)
        step = (point - reached) / (1 - reached)
        more = following[None] - numbers[:, None]
        weight = weight @ stats.binom.pmf(more, count - numbers[:, None], step)
        numbers, reached = following, point
    return float(weight.sum())


def p_value(ranks: Sequence[int] | Integers) -> float:
    """Return the probability that uniform ranks are as far from even at their most surprising point.

    Parameters
    ----------
    ranks : sequence of int, length N
        Each from 0 to ``PLACES - 1``, independent of each other.

    Returns
    -------
    float
    """
    count = len(ranks)
    surprise = _surprise(count)
    least = surprise[np.arange(len(POINTS)), below(ranks)].min()
    return float(np.clip(1 - _stays_inside(count, surprise > least * _TIE), 0, 1))


def band(count: int, alarm: float) -> Band:
    """Return the band that N uniform ranks leave, anywhere, with probability `alarm` at most.

    Parameters
    ----------
    count : int
        N.
    alarm : float

    Returns
    -------
    Band
    """
    surprise = _surprise(count)
    low, high = 0.0, alarm  # of the surprise at one point; at `alarm`, more points than one would do
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - _stays_inside(count, surprise > middle) <= alarm else (low, middle)
    inside = surprise > low
    return Band(inside.argmax(axis=1), count - inside[:, ::-1].argmax(axis=1))


def adjusted(p_values: Sequence[float] | Floats) -> Floats:
    """Return p-values of a family after Holm: the chance of any false alarm is at most the level they are held to."""
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values)
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    found = np.empty(len(values))
    found[order] = np.minimum(stepped, 1)
    return found


class Coverage(NamedTuple):
    """The share inside, its standard error, and how surprising that is if the interval holds what it says."""

    share: float
    error: float
    p_value: float


def coverage(shares: Sequence[float] | Floats, level: float) -> Coverage:
    """Hold shares inside intervals against their probability.

    Artists of one corpus share its parameters, so they are no independent trials: corpora are. The test is Student's on
    the shares of the corpora.

    Parameters
    ----------
    shares : sequence of float, length N
        Of each corpus.
    level : float

    Returns
    -------
    Coverage
    """
    values = np.asarray(shares, dtype=np.float64)
    error = float(values.std(ddof=1) / len(values) ** 0.5)
    if not error:
        return Coverage(float(values.mean()), 0.0, 0.0)
    score = (values.mean() - level) / error
    return Coverage(float(values.mean()), error, float(2 * stats.t.sf(abs(score), len(values) - 1)))
