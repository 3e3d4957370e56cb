"""Convergence of many scalars at once: R-hat, effective sample sizes, Monte Carlo errors.

The rank-normalised split R-hat, the effective sample sizes of bulk and tail and the Monte Carlo error of a quantile are
those of Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), Rank-normalization, folding, and localization: an
improved R-hat, Bayesian Analysis 16(2); an effective sample size is cut off after Geyer's initial monotone sequence
(Geyer 1992, Practical Markov chain Monte Carlo, Statistical Science 7(4)). ArviZ computes the same scalar by scalar;
here a whole array goes through at once, which takes a tenth of the time, so that every artist can be measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TAILS = (0.05, 0.95)
# Of half a chain: with fewer, autocorrelations cannot be told.
FEWEST_DRAWS = 8
COLUMNS = ("mean", "sd", "rhat", "ess_bulk", "ess_tail", "mcse_mean", "mcse_low", "mcse_high")
# Numbers in one array of scalars and draws: 8 MiB, and some ten of them at a time.
_CELLS = 1 << 20
# Half of a normal's central 68 %: what one sd is on either side.
_ONE_SD = (0.1586553, 0.8413447)


def convergence(values: Floats, interval: float) -> dict[str, Floats]:
    """Measure scalars, some thousands of numbers at a time.

    Parameters
    ----------
    values : ndarray, shape (P, chains, draws)
    interval : float
        Probability inside the published intervals, whose ends' Monte Carlo error is asked for.

    Returns
    -------
    dict of str to ndarray, shape (P,)
        `COLUMNS`: mean, sd, R-hat, effective sample sizes of bulk and tail, and the Monte Carlo standard errors of the
        mean and of the interval's ends in the units of the scalar. NaN where a scalar has a draw that is not finite,
        never moves, or has too few draws or chains to be measured.
    """
    count, chains, draws = values.shape
    columns = {name: np.full(count, np.nan) for name in COLUMNS}
    size = max(_CELLS // max(chains * draws, 1), 1)
    for start in range(0, count, size):
        part = slice(start, start + size)
        for name, column in _convergence(values[part], interval).items():
            columns[name][part] = column
    return columns


def _convergence(values: Floats, interval: float) -> dict[str, Floats]:
    count, chains, draws = values.shape
    columns = {name: np.full(count, np.nan) for name in COLUMNS}
    flat = values.reshape(count, -1)
    with np.errstate(all="ignore"):  # what is not finite stays so, and is no pass
        columns["mean"], columns["sd"] = flat.mean(axis=1), flat.std(axis=1, ddof=1)
        usable = np.isfinite(flat).all(axis=1) & (np.ptp(flat, axis=1) > 0)
    if draws < FEWEST_DRAWS or not usable.any():
        return columns
    found, values = np.flatnonzero(usable), values[usable]
    ordered = np.sort(values.reshape(len(found), -1), axis=1)
    halves = split(values)
    normal = normal_scores(halves)
    tails = [_ess_below(values, quantile(ordered, tail)) for tail in TAILS]
    ends = _rounded(((1 - interval) / 2, (1 + interval) / 2))
    of_ends = tails if ends == TAILS else [_ess_below(values, quantile(ordered, end)) for end in ends]
    measured = {
        "ess_bulk": ess(normal),
        "ess_tail": np.minimum(*tails),
        "mcse_mean": columns["sd"][found] / np.sqrt(ess(halves)),
        "mcse_low": _mcse_quantile(ordered, ends[0], of_ends[0]),
        "mcse_high": _mcse_quantile(ordered, ends[1], of_ends[1]),
    }
    if chains > 1:
        measured["rhat"] = np.maximum(rhat(normal), rhat(normal_scores(_folded(halves))))
    for name, column in measured.items():
        columns[name][found] = column
    return columns


def _rounded(ends: tuple[float, float]) -> tuple[float, float]:
    """Return probabilities without what 1 - 0.9 leaves in the sixteenth digit."""
    return round(ends[0], 12), round(ends[1], 12)


def split(values: Floats) -> Floats:
    """Return each chain as two: shape (P, chains, draws) to (P, 2 chains, draws / 2), less a middle draw."""
    half = values.shape[2] // 2
    return np.concatenate([values[:, :, :half], values[:, :, -half:]], axis=1)


def halved(draws: Floats, chains: int) -> Floats:
    """Return draws, chain by chain, without the middle one of each chain where their number is odd; shape (S, ...)."""
    by_chain = draws.reshape(chains, -1, *draws.shape[1:])
    half = by_chain.shape[1] // 2
    both = np.concatenate([by_chain[:, :half], by_chain[:, by_chain.shape[1] - half :]], axis=1)
    return both.reshape(-1, *draws.shape[1:])


def _folded(values: Floats) -> Floats:
    """Return the distance from the median over all draws."""
    folded: Floats = np.abs(values - np.median(values, axis=(1, 2), keepdims=True))
    return folded


def normal_scores(values: Floats) -> Floats:
    """Return the normal scores of ranks over all draws, ties sharing theirs; shape (P, chains, draws)."""
    from scipy.special import ndtri

    flat = values.reshape(len(values), -1)
    size = flat.shape[1]
    order = np.argsort(flat, axis=1)
    # Blom's fractional ranks, as in the paper.
    table = ndtri((np.arange(1, size + 1) - 0.375) / (size + 0.25))
    scores = np.empty_like(flat)
    np.put_along_axis(scores, order, np.broadcast_to(table, flat.shape), axis=1)
    ordered = np.take_along_axis(flat, order, axis=1)
    fresh = ordered[:, 1:] != ordered[:, :-1]
    tied = np.flatnonzero(~fresh.all(axis=1))
    if len(tied):
        place = np.arange(size)
        first = np.column_stack([np.ones(len(tied), dtype=bool), fresh[tied]])
        last = np.column_stack([fresh[tied], np.ones(len(tied), dtype=bool)])
        least = np.maximum.accumulate(np.where(first, place, 0), axis=1)
        most = np.minimum.accumulate(np.where(last, place, size)[:, ::-1], axis=1)[:, ::-1]
        shared = ndtri(((least + most) / 2 + 0.625) / (size + 0.25))
        own = scores[tied]
        np.put_along_axis(own, order[tied], shared, axis=1)
        scores[tied] = own
    return scores.reshape(values.shape)


def rhat(values: Floats) -> Floats:
    """Return the potential scale reduction of chains as they are given, shape (P,)."""
    draws = values.shape[2]
    with np.errstate(all="ignore"):
        between = values.mean(axis=2).var(axis=1, ddof=1)
        within = values.var(axis=2, ddof=1).mean(axis=1)
        reduction: Floats = np.sqrt(between / within + (draws - 1) / draws)
    # All chains stand still, each in a place of its own: as bad as it gets, and no number.
    return reduction


def ess(values: Floats) -> Floats:
    """Return the effective sample size of the mean of chains as they are given, shape (P,)."""
    from scipy.fft import irfft, next_fast_len, rfft

    _, chains, draws = values.shape
    means = values.mean(axis=2, keepdims=True)
    size = next_fast_len(2 * draws, real=True)
    spectrum = rfft(values - means, size, axis=2)
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=1)
    covariance = irfft(power, size, axis=1)[:, :draws] / draws
    between = means[:, :, 0].var(axis=1, ddof=1) if chains > 1 else np.zeros(len(values))
    return ess_of(covariance, between, chains, draws)[0]


def ess_of(covariance: Floats, between: Floats, chains: int, draws: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the effective sample size of means from autocovariances.

    Parameters
    ----------
    covariance : ndarray, shape (P, lags)
        Mean of the chains' own, with divisor `draws`; from lag 0 on, at least 2 of them.
    between : ndarray, shape (P,)
        Variance of the chains' means.
    chains, draws : int

    Returns
    -------
    effective : ndarray, shape (P,)
    over : ndarray of bool, shape (P,)
        Whether the autocorrelation is over within these lags. Where it is not and there are more, more are needed.
    """
    count, lags = covariance.shape
    with np.errstate(all="ignore"):
        within = covariance[:, :1] * (draws / (draws - 1))
        total = covariance[:, 0] + between
        correlation = 1 - (within - covariance) / total[:, None]
    correlation[:, 0] = 1
    most = (min(lags, draws - 1) - 2) // 2  # the last pair of lags that is looked at
    pairs = correlation[:, 0 : 2 * most + 1 : 2] + correlation[:, 1 : 2 * most + 2 : 2]
    positive = pairs > 0
    end = np.where(positive.all(axis=1), most, np.argmin(positive, axis=1))
    before = np.arange(most + 1) < end[:, None]
    monotone = np.where(before, np.minimum.accumulate(pairs, axis=1), 0).sum(axis=1)
    last = np.maximum(correlation[np.arange(count), 2 * end], 0)
    time = np.maximum(2 * monotone - 1 + last, 1 / np.log10(chains * draws))
    effective: Floats = chains * draws / time
    effective[~np.isfinite(correlation).all(axis=1)] = np.nan
    return effective, ~positive.all(axis=1) | (lags >= draws)


def quantile(ordered: Floats, probability: float) -> Floats:
    """Return a quantile of sorted draws, by linear interpolation, shape (P,)."""
    place = probability * (ordered.shape[1] - 1)
    below = int(np.floor(place))
    above = min(below + 1, ordered.shape[1] - 1)
    found: Floats = ordered[:, below] + (place - below) * (ordered[:, above] - ordered[:, below])
    return found


def _ess_below(values: Floats, threshold: Floats) -> Floats:
    """Return the effective sample size of the share of draws at most as large as a threshold, shape (P,)."""
    below = (values <= threshold[:, None, None]).astype(np.float64)
    found = ess(split(below))
    still = np.ptp(below, axis=(1, 2)) == 0
    found[still] = np.nan
    return found


def _mcse_quantile(ordered: Floats, probability: float, effective: Floats) -> Floats:
    """Return the Monte Carlo standard error of a quantile, shape (P,).

    Half the distance between two quantiles: those at the ends of a central 68 % interval of the probability itself.
    """
    from scipy.special import betaincinv

    size = ordered.shape[1]
    error = np.full(len(ordered), np.nan)
    found = np.flatnonzero(np.isfinite(effective))
    some = effective[found]
    low, high = (betaincinv(some * probability + 1, some * (1 - probability) + 1, one) for one in _ONE_SD)
    below = np.floor(np.maximum(low * size - 1, 0)).astype(np.int64)
    above = np.ceil(np.minimum(high * size - 1, size - 1)).astype(np.int64)
    error[found] = (ordered[found, above] - ordered[found, below]) / 2
    return error
