"""The collapsed hierarchical model: the density of the scales, with coefficients and artist effects integrated out.

With A = [Z, y], W its cross products within artists, B_u those of the means of the artists with u tracks, and
v_u = tau^2 + sigma^2 / u:

    P = W_zz / sigma^2 + sum_u B_zz,u / v_u + Lambda,    b = W_zy / sigma^2 + sum_u B_zy,u / v_u + Lambda m0
    log p(y | h) = -(N - J) log sigma - 1/2 sum_u m_u log v_u - 1/2 (W_yy / sigma^2 + sum_u B_yy,u / v_u)
                   + 1/2 log|Lambda| - 1/2 m0' Lambda m0 - 1/2 log|P| + 1/2 b' P^-1 b + constant
    theta | h    ~ N(P^-1 b, P^-1)

Lindley and Smith (1972), Bayes estimates for the linear model, J. R. Stat. Soc. B 34, give theta | h; the sums over
distinct track counts follow since artists with the same count share v_u. The cost of a call depends on the number of
distinct track counts and on D, not on tracks or artists.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import lapack

from tasks.sample.skeleton import skeleton_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.statistics import Statistics
    from tasks.sample.scales import Scales

    Floats = NDArray[np.float64]


class Conditional(NamedTuple):
    """theta given the scales: its mean (D,) and the lower Cholesky factor L of its precision P = L L', (D, D).

    What is above the diagonal of ``factor`` means nothing.
    """

    mean: Floats
    factor: Floats
    log_p: float
    weights: Floats
    shrinkage: Floats

    def covariance(self) -> Floats:
        """Return P^-1, shape (D, D), right on and above its diagonal alone."""
        inverse, _ = lapack.dpotri(self.factor, lower=1)
        transposed: Floats = inverse.T
        return transposed


class CollapsedDensity:
    """log p(h | y) up to a constant, and its gradient, for unconstrained scales h.

    Parameters
    ----------
    statistics : Statistics
        Of N tracks, J artists, U distinct track counts, D columns of Z.
    scales : Scales
        H free scales.
    """

    def __init__(self, statistics: Statistics, scales: Scales) -> None:
        self.scales = scales
        self.columns = statistics.within.shape[0] - 1
        sizes, artists, between = _condensed(statistics, scales)
        self._per_size = 1 / sizes
        self._artists = artists
        self._degrees = statistics.observations - float(statistics.artists_of_size.sum())
        # W and the B_u as rows of one matrix of upper triangles: a weighted sum of them is then one product. For the
        # gradient, which pairs them with a symmetric matrix, what is off the diagonal counts twice.
        upper = np.triu_indices(self.columns + 1)
        stacked = np.concatenate([statistics.within[None], between])
        self._packed = np.ascontiguousarray(stacked[:, upper[0], upper[1]])
        self._twice = np.where(upper[0] == upper[1], 1.0, 2.0)
        self._upper = np.ravel_multi_index(upper, (self.columns + 1, self.columns + 1))
        self._diagonal = slice(None, None, self.columns + 1)
        self._prior_mean = float(scales.intercept.arguments[0])
        self._intercept_precision = scales.intercept.arguments[1] ** -2
        self._group = scales.group
        self._members = np.zeros((len(scales.free), self.columns))
        for column, group in enumerate(scales.group):
            if group:
                self._members[group - 1, column] = 1.0
        self._learned_tau = scales.fixed_tau is None

    def _tau(self, values: Floats) -> float:
        fixed = self.scales.fixed_tau
        return float(values[1]) if fixed is None else fixed

    def conditional(self, values: Floats) -> Conditional:
        """Return theta's distribution given the scales.

        Parameters
        ----------
        values : ndarray, shape (H,)
            The scales, in points.

        Returns
        -------
        Conditional
            ``log_p`` is log p(y | h) up to a constant; ``weights`` are [1/sigma^2, 1/v_u...], shape (1 + K,), of the K
            counts that are summed over; ``shrinkage`` is the diagonal of Lambda, shape (D,).

        Raises
        ------
        FloatingPointError
            If P is not positive definite to working precision, which only scales far from any data make.
        """
        size = self.columns
        sigma, tau = float(values[0]), self._tau(values)
        weights = np.empty(1 + len(self._per_size))
        weights[0] = sigma**-2
        np.divide(1.0, tau * tau + sigma * sigma * self._per_size, out=weights[1:])
        pooled = np.zeros((size + 1, size + 1))
        pooled.reshape(-1)[self._upper] = weights @ self._packed
        # By group of columns; the intercept's is the first.
        shrinkage = np.concatenate([[self._intercept_precision], values**-2])[self._group]
        b = pooled[:size, size].copy()
        b[0] += self._intercept_precision * self._prior_mean
        precision = pooled[:size, :size].copy()
        precision.reshape(-1)[self._diagonal] += shrinkage
        # Of P's upper triangle, seen from Fortran as the lower one of its transpose; no copy is made that way.
        factor, failed = lapack.dpotrf(precision.T, lower=1, clean=0, overwrite_a=1)
        if failed:
            message = "the precision of the coefficients is not positive definite"
            raise FloatingPointError(message)
        mean, _ = lapack.dpotrs(factor, b, lower=1)
        log_p = (
            0.5 * self._degrees * math.log(weights[0])
            + 0.5 * float(self._artists @ np.log(weights[1:]))
            - 0.5 * float(pooled[size, size])
            + 0.5 * float(np.log(shrinkage).sum())
            - 0.5 * self._intercept_precision * self._prior_mean**2
            - float(np.log(factor.diagonal()).sum())
            + 0.5 * float(b @ mean)
        )
        return Conditional(mean, factor, log_p, weights, shrinkage)

    def likelihood(self, values: Floats) -> tuple[float, Floats]:
        """Return log p(y | h) up to a constant, and its gradient with respect to the scales.

        The derivative with respect to a weight w of a cross product M is -1/2 <M, Q> plus the term of its log, where
        Q is the posterior mean of (-theta, 1)(-theta, 1)': theta is at its maximum, so that only the weights move.

        Parameters
        ----------
        values : ndarray, shape (H,)
            The scales, in points.

        Returns
        -------
        log_p : float
        gradient : ndarray, shape (H,)
        """
        given = self.conditional(values)
        size = self.columns
        residual = np.empty(size + 1)
        np.negative(given.mean, out=residual[:size])
        residual[size] = 1.0
        second_moment = np.multiply.outer(residual, residual)
        covariance = given.covariance()
        second_moment[:size, :size] += covariance
        by_weight = self._packed @ (second_moment.reshape(-1)[self._upper] * self._twice)
        by_weight *= -0.5
        by_weight[0] += 0.5 * self._degrees / given.weights[0]
        by_weight[1:] += 0.5 * self._artists / given.weights[1:]
        by_variance = -(given.weights**2) * by_weight
        gradient = np.zeros(len(values))
        gradient[0] = 2 * values[0] * (by_variance[0] + by_variance[1:] @ self._per_size)
        if self._learned_tau:
            gradient[1] = 2 * values[1] * by_variance[1:].sum()
        deviation = given.mean
        deviation[0] -= self._prior_mean
        by_shrinkage = 1 / given.shrinkage - deviation**2 - covariance.diagonal()
        gradient -= (self._members @ by_shrinkage) * values**-3
        return given.log_p, gradient

    def __call__(self, unconstrained: Floats) -> tuple[float, Floats]:
        """Return the log posterior density of the unconstrained scales up to a constant, and its gradient.

        Parameters
        ----------
        unconstrained : ndarray, shape (H,)

        Returns
        -------
        log_p : float
            Minus infinity where the scales are too extreme to compute with; NUTS counts that as a divergence.
        gradient : ndarray, shape (H,)
        """
        with np.errstate(all="ignore"):
            try:
                values = self.scales.natural(unconstrained)
                log_p, by_value = self.likelihood(values)
                log_prior, gradient = self.scales.log_prior(unconstrained)
            except (ArithmeticError, ValueError):  # ValueError is what math.log says of zero
                return -np.inf, np.zeros_like(unconstrained)
            by_log = by_value * values
            gradient += by_log
            gradient[0] += by_log @ self.scales.relative  # a scale relative to sigma moves with it
        total = log_p + log_prior
        if not (np.isfinite(total) and np.isfinite(gradient).all()):
            return -np.inf, np.zeros_like(unconstrained)
        return total, gradient


def _condensed(statistics: Statistics, scales: Scales) -> tuple[Floats, Floats, Floats]:
    """Return u, m_u and B_u of as few counts as the likelihood can be computed from."""
    sizes, artists, between = statistics.sizes, statistics.artists_of_size, statistics.between
    if scales.fixed_tau == 0:
        # 1 / v_u is u / sigma^2: all is one sum, as of artists with a single track.
        return np.ones(1), artists.sum(keepdims=True), np.einsum("u,ukl->kl", sizes, between)[None]
    chosen, coefficients = skeleton_of(sizes)
    if len(chosen) == len(sizes):
        return sizes, artists, between
    return sizes[chosen], coefficients.T @ artists, np.tensordot(coefficients, between, axes=(0, 0))
