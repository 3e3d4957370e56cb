"""Chains that are one, and chains that stand still: what R-hat and effective sample sizes cannot be trusted to show."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Draws of one chain that another has too, to the last bit: of continuous parameters there are none by chance.
_SHARE, _FEWEST = 0.01, 2
# Correlation of two chains where they fit best: of independent ones over ten draws, once in 10^13.
_CORRELATED, _OVERLAP = 0.999, 10
_MOST_SCALARS, _MOST_CORRELATED = 64, 8
_SHORTEST_STAY = 10
# Of artists there are many, and their draws follow from all others.
_LAST = "artist_effect["


def longest_stays(values: Floats) -> Floats:
    """Return the largest share of any chain that is one and the same draw over and over, shape (P,).

    Parameters
    ----------
    values : ndarray, shape (P, chains, draws)

    Returns
    -------
    ndarray, shape (P,)
        0 where no draw comes `_SHORTEST_STAY` times in a row.
    """
    draws = values.shape[2]
    place = np.arange(draws, dtype=np.int32)
    longest = np.zeros(len(values))
    for position, scalar in enumerate(values):
        repeats = scalar[:, 1:] == scalar[:, :-1]
        if not repeats.any():
            continue
        starts = np.concatenate([np.ones((len(scalar), 1), dtype=bool), ~repeats], axis=1)
        since = place - np.maximum.accumulate(np.where(starts, place, 0), axis=1) + 1
        longest[position] = since.max()
    return np.where(longest >= _SHORTEST_STAY, longest / max(draws, 1), 0.0)


def alike(names: Sequence[str], values: Floats, sampler: Mapping[str, Floats]) -> list[str]:
    """Find pairs of chains that are one: the same draws, in the same order or another, shifted in time or in value.

    Parameters
    ----------
    names : sequence of str, length P
    values : ndarray, shape (P, chains, draws)
        Of scalars that move.
    sampler : mapping of str to ndarray, shape (chains, draws)
        Its ``energy`` and ``lp``, where they are there, are held against each other as well.

    Returns
    -------
    list of str
        A sentence a pair.
    """
    order = sorted(range(len(names)), key=lambda position: names[position].startswith(_LAST))[:_MOST_SCALARS]
    series = [(names[position], values[position]) for position in order]
    series += [(name, sampler[name]) for name in ("energy", "lp") if name in sampler]
    found: dict[tuple[int, int], str] = {}
    for name, scalar in series:
        for pair, share in _same_draws(scalar).items():
            found.setdefault(pair, f"chains {pair[0] + 1} and {pair[1] + 1} share {share:.0%} of their draws of {name}")
    for name, scalar in series[:_MOST_CORRELATED]:
        for pair in combinations(range(len(scalar)), 2):
            if pair not in found and _is_shifted(scalar[pair[0]], scalar[pair[1]]):
                found[pair] = f"chains {pair[0] + 1} and {pair[1] + 1} are one, shifted, in {name}"
    return [found[pair] for pair in sorted(found)]


def _same_draws(scalar: Floats) -> dict[tuple[int, int], float]:
    """Return pairs of chains that have draws in common, with how large a share."""
    chains, draws = scalar.shape
    flat = scalar.reshape(-1)
    if chains < 2 or np.ptp(flat) == 0:  # noqa: PLR2004 - a pair
        return {}
    order = np.argsort(flat, kind="stable")
    same = flat[order[1:]] == flat[order[:-1]]
    chain = order // draws
    first, second = chain[:-1][same], chain[1:][same]
    counts = np.zeros((chains, chains), dtype=np.int64)
    np.add.at(counts, (first, second), 1)
    least = max(_FEWEST, _SHARE * draws)
    return {
        (one, other): min(float(counts[one, other]) / draws, 1.0)
        for one, other in combinations(range(chains), 2)
        if counts[one, other] >= least
    }


def _is_shifted(one: Floats, other: Floats) -> bool:
    """Say whether a chain is another one moved along in time, in value, or both."""
    from scipy.signal import correlate

    draws = len(one)
    least = max(_OVERLAP, draws // 2)
    if draws < least or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return False
    with np.errstate(all="ignore"):
        crossed = np.abs(correlate(one - one.mean(), other - other.mean(), mode="full", method="fft"))
        lags = np.arange(1 - draws, draws)
        lag = int(lags[np.argmax(np.where(np.abs(lags) <= draws - least, crossed, -1))])
        first, second = one[max(lag, 0) : draws + min(lag, 0)], other[max(-lag, 0) : draws - max(lag, 0)]
        together = abs(np.mean((first - first.mean()) * (second - second.mean())))
        return bool(together > _CORRELATED * first.std() * second.std() > 0)
