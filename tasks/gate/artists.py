"""Every artist's level and effect, with stored draws or without.

What is published of an artist are moments: the mean and sd of its level and of its effect. Given a draw of theta and of
the scales both are normal,

    level = zbar' theta + a,    a ~ N(w s, tau^2 g),    s = ybar - zbar' theta,    g = 1 - w,    w as in docs/model.md,

so that the mean is that of c = zbar' theta + w s (for the effect, of c = w s) over the draws, and the variance is the
mean of u = (c - its mean)^2 + tau^2 g. Both are series like any parameter, with all of the scales' autocorrelation,
and all that Monte Carlo error can come from. (Rao and Blackwell; what is published has theta integrated out too, so
that its error is smaller yet.) R-hat, effective sample size and Monte Carlo error of both are measured for each artist,
and the few hundred that come out worst are measured in full: rank-normalised, in the bulk and in the tails.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from tasks.convergence import FEWEST_DRAWS, convergence, ess_of, halved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Part = tuple[list[str], Floats, Floats]

KINDS = ("level", "effect")
COLUMNS = ("sd", "rhat", "ess_bulk", "ess_tail", "mcse_mean", "mcse_low", "mcse_high")
IN_FULL = 100  # of each kind, by each of two measures
# Numbers in one array of artists and draws: 1 MiB, which a processor's cache holds.
_CELLS = 1 << 18
# Of nearly independent draws the autocorrelation is over by then; of others it is looked for further on.
_LAGS = (8, 40)


@dataclass(frozen=True)
class Coefficients:
    """Draws that artists' moments follow from, chain by chain: S = chains x draws.

    Parameters
    ----------
    chains : int
    theta : ndarray, shape (S, D)
        The intercept relative to the corpus mean of popularity.
    sigma, tau : ndarray, shape (S,)
    """

    chains: int
    theta: Floats
    sigma: Floats
    tau: Floats


@dataclass(frozen=True)
class ArtistDiagnostics:
    """What was measured of J artists.

    Parameters
    ----------
    names : list of str, length J
    columns : dict of str to dict of str to ndarray, shape (J,)
        ``level`` and, where artists differ, ``effect``, to `COLUMNS`: the sd as it is published; the larger R-hat of c
        and u; the effective sample size of c and that of u; and the Monte Carlo errors of the mean and of the
        interval's ends in the artist's unit.
    means : dict of str to ndarray, shape (J,)
        Mean of c.
    in_full : dict of str to ndarray of int
        Positions of those measured in full.
    """

    names: list[str] = field(default_factory=list)
    columns: dict[str, dict[str, Floats]] = field(default_factory=dict)
    means: dict[str, Floats] = field(default_factory=dict)
    in_full: dict[str, NDArray[np.int64]] = field(default_factory=dict)


def measure_artists(coefficients: Coefficients, parts: Iterable[Part], z: float) -> ArtistDiagnostics:
    """Measure artists, some hundreds of them at a time.

    Parameters
    ----------
    coefficients : Coefficients
        Of S draws.
    parts : iterable of (names, counts, means)
        Some artists at a time: names, track counts of shape (n,), and means of [Z, y] of shape (n, D + 1).
    z : float
        How many sds from the mean the published ends are.

    Returns
    -------
    ArtistDiagnostics
    """
    kinds = KINDS if coefficients.tau.any() else KINDS[:1]
    names: list[str] = []
    found: dict[str, list[Floats]] = {kind: [] for kind in kinds}
    worst: dict[str, _Worst] = {kind: _Worst() for kind in kinds}
    with threadpool_limits(1):  # with more, BLAS adds in another order, and the same posterior gives other bits
        series = _Series.of(coefficients)
        for artists, counts, means in parts:
            size = max(_CELLS // max(len(coefficients.sigma), 1), 1)
            for start in range(0, len(artists), size):
                part = slice(start, start + size)
                for kind, told in series.moments(counts[part], means[part], z, kinds).items():
                    found[kind].append(told)
                    worst[kind].add(told, len(names) + start, counts[part], means[part])
            names += artists
        columns, averages, in_full = {}, {}, {}
        for kind in kinds:
            table = np.concatenate(found[kind], axis=1) if found[kind] else np.empty((len(COLUMNS) + 1, 0))
            averages[kind], columns[kind] = table[0], dict(zip(COLUMNS, table[1:], strict=True))
            in_full[kind] = worst[kind].positions
            _measure_in_full(coefficients, worst[kind], kind, columns[kind])
    return ArtistDiagnostics(names, columns, averages, in_full)


@dataclass(frozen=True)
class _Series:
    """Draws as halves of chains, in single precision and around their means; S' = halves x draws."""

    halves: int
    centre: Floats
    theta: Singles
    ratio: Singles
    variance: Singles

    @classmethod
    def of(cls, coefficients: Coefficients) -> _Series:
        """Cut chains in two."""
        chains = coefficients.chains
        draws = (coefficients.theta, coefficients.sigma, coefficients.tau)
        theta, sigma, tau = (halved(each, chains) for each in draws)
        centre = theta.mean(axis=0)
        with np.errstate(all="ignore"):
            return cls(
                2 * chains,
                centre,
                (theta - centre).astype(np.float32),
                (tau**2 / sigma**2).astype(np.float32),
                (tau**2).astype(np.float32),
            )

    def moments(self, counts: Floats, means: Floats, z: float, kinds: tuple[str, ...]) -> dict[str, Floats]:
        """Return the mean of c, and `COLUMNS`, of n artists, shape (8, n), by kind."""
        surplus = means[:, -1] - means[:, :-1] @ self.centre
        # zbar' theta less its mean, less the surplus; c = ybar + g q for the level, and g q - q for the effect.
        q = means[:, :-1].astype(np.float32) @ self.theta.T - surplus[:, None].astype(np.float32)
        with np.errstate(all="ignore"):
            g: Singles = np.reciprocal(1 + counts[:, None].astype(np.float32) * self.ratio)
            own, level = g * self.variance, g * q
        found = {"effect": self._told(level - q, own, z)} if "effect" in kinds else {}
        found["level"] = self._told(level, own, z)  # which works in the place of its first argument
        found["level"][0] += means[:, -1]
        return found

    def _told(self, c: Singles, own: Singles, z: float) -> Floats:
        shape = (len(c), self.halves, -1)
        with np.errstate(all="ignore"):
            middle = c.mean(axis=1, dtype=np.float64)
            c -= middle[:, None].astype(np.float32)
            of_mean = _errors(c.reshape(shape))
            u = np.square(c, out=c)
            u += own
            variance = u.mean(axis=1, dtype=np.float64)
            sd = np.sqrt(variance)
            u -= variance[:, None].astype(np.float32)
            of_variance = _errors(u.reshape(shape))
            end = of_mean[2] + z * of_variance[2] / (2 * sd)
            reduction = np.maximum(of_mean[0], of_variance[0])
        return np.stack([middle, sd, reduction, of_mean[1], of_variance[1], of_mean[2], end, end])


def _errors(values: Singles) -> tuple[Floats, Floats, Floats]:
    """Return R-hat, effective sample size and Monte Carlo error of the mean of series around 0, each of shape (n,)."""
    _, halves, draws = values.shape
    means = values.mean(axis=2)
    around = values - means[:, :, None]
    between = means.var(axis=1, ddof=1, dtype=np.float64)
    covariance = _autocovariance(around, _LAGS[0])
    variance = covariance[:, 0]
    reduction = np.sqrt(between / (variance * draws / (draws - 1)) + (draws - 1) / draws)
    effective, over = ess_of(covariance, between, halves, draws)
    for lags in (*_LAGS[1:], draws):
        left = np.flatnonzero(~over)
        if len(left):
            covariance = _autocovariance(around[left], lags)
            effective[left], over[left] = ess_of(covariance, between[left], halves, draws)
    return reduction, effective, np.sqrt((variance + between) / effective)


def _autocovariance(around: Singles, lags: int) -> Floats:
    """Return the mean autocovariance of chains around their means, shape (n, lags)."""
    count, halves, draws = around.shape
    if lags >= draws:
        from scipy.fft import irfft, next_fast_len, rfft

        size = next_fast_len(2 * draws, real=True)
        spectrum = rfft(around, size, axis=2)
        power = (spectrum.real**2 + spectrum.imag**2).sum(axis=1)
        found: Floats = irfft(power, size, axis=1)[:, :draws].astype(np.float64)
    else:
        found = np.empty((count, lags))
        for lag in range(lags):
            found[:, lag] = np.einsum("nhs,nhs->n", around[:, :, lag:], around[:, :, : draws - lag])
    found /= halves * draws
    return found


class _Worst:
    """The artists that come out worst so far, with what they are measured by."""

    def __init__(self) -> None:
        self.positions: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.counts: Floats = np.empty(0)
        self.means: Floats | None = None
        self._badness: Floats = np.empty((2, 0))

    def add(self, told: Floats, start: int, counts: Floats, means: Floats) -> None:
        """Look at some more, and keep the worst by R-hat and the worst by effective sample size."""
        fresh = np.stack([told[2], -np.minimum(told[3], told[4])])
        badness = np.concatenate([self._badness, np.where(np.isfinite(fresh), fresh, np.inf)], axis=1)
        positions = np.concatenate([self.positions, start + np.arange(len(counts))])
        every = (
            (counts, means)
            if self.means is None
            else (
                np.concatenate([self.counts, counts]),
                np.concatenate([self.means, means]),
            )
        )
        chosen = np.unique(np.argsort(-badness, axis=1, kind="stable")[:, :IN_FULL])
        self._badness, self.positions = badness[:, chosen], positions[chosen]
        self.counts, self.means = every[0][chosen], every[1][chosen]


def _measure_in_full(coefficients: Coefficients, worst: _Worst, kind: str, columns: dict[str, Floats]) -> None:
    """Replace R-hat and effective sample sizes of some artists by the worse of those and the rank-normalised ones."""
    if worst.means is None or len(coefficients.sigma) // coefficients.chains < FEWEST_DRAWS:
        return
    surplus = worst.means[:, -1:] - worst.means[:, :-1] @ coefficients.theta.T
    with np.errstate(all="ignore"):
        g = 1 / (1 + worst.counts[:, None] * (coefficients.tau / coefficients.sigma) ** 2)
        c = (1 - g) * surplus if kind == "effect" else -g * surplus
    full = convergence(c.reshape(len(c), coefficients.chains, -1), 0.9)
    for name, worse in (("rhat", np.maximum), ("ess_bulk", np.minimum), ("ess_tail", np.minimum)):
        columns[name][worst.positions] = worse(columns[name][worst.positions], full[name])
