"""Equal mixtures of normals, or of Student's t, one for each track that is predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_NEAR_ENOUGH = 1e-8  # points
_SECANTS, _BISECTIONS = 20, 80
_LEAST, _LEAST_FROM_ONE = 1e-300, 1e-16  # where scores are finite


@dataclass(frozen=True)
class Mixture:
    """C mixtures of S parts of equal weight.

    Parameters
    ----------
    centre, spread : ndarray, shape (S, C)
        Of each part, in points: mean and sd of a normal, location and scale of Student's t.
    freedom : ndarray, shape (S, 1), optional
        Degrees of freedom of each part; None where parts are normal.
    """

    centre: Floats
    spread: Floats
    freedom: Floats | None = None

    def cdf(self, value: Floats | float) -> Floats:
        """Return the probability of at most `value`, which is a number or an array of shape (C,); shape (C,)."""
        whole: Floats = self.parts_cdf(value).mean(axis=0)
        return whole

    def parts_cdf(self, value: Floats | float) -> Floats:
        """Return the same of each part, shape (S, C)."""
        z = (value - self.centre) / self.spread
        part: Floats = ndtr(z) if self.freedom is None else stdtr(self.freedom, z)
        return part

    def moments(self) -> tuple[Floats, Floats]:
        """Return mean and sd, each of shape (C,).

        Parts of Student's t have variances without a mean where degrees of freedom come near to 2: a few draws would
        make the sd what they like. The sd is then that of the locations and of the median part together; it is NaN
        where a part has at most 2 degrees of freedom. The mean is that of the locations.
        """
        if self.freedom is None:
            within = (self.spread**2).mean(axis=0)
        else:
            excess = np.where(self.freedom > 2, self.freedom - 2, np.nan)  # noqa: PLR2004 - there is no variance below
            within = np.median(self.spread**2 * self.freedom / excess, axis=0)
        return self.centre.mean(axis=0), np.sqrt(self.centre.var(axis=0) + within)

    def some(self, chosen: NDArray[np.bool_]) -> Mixture:
        """Return the mixtures that are chosen, a mask of shape (C,)."""
        return Mixture(self.centre[:, chosen], self.spread[:, chosen], self.freedom)

    def quantile(self, probability: float) -> Floats:
        """Return a quantile of each, shape (C,).

        The quantile of a mixture lies between those of its parts. In there the secant method finds where
        ndtri(cdf(x)) is ndtri(probability): of a mixture of nearly the same normals that is nearly a straight line, so
        that three or four evaluations do. What it has not found by then is found by bisection. (SciPy's `elementwise`
        would need twice as many, and as long as all else to import.)
        """
        z = float(ndtri(probability))
        parts = self.centre + self.spread * (z if self.freedom is None else stdtrit(self.freedom, probability))
        below, above = parts.min(axis=0), parts.max(axis=0)
        spread = np.sqrt(self.centre.var(axis=0) + (self.spread**2).mean(axis=0))
        x = np.clip(self.centre.mean(axis=0) + z * spread, below, above)
        slope = 1 / spread
        excess = self._normal_score(x) - z
        for number in range(_SECANTS + _BISECTIONS):
            below, above = np.where(excess <= 0, x, below), np.where(excess >= 0, x, above)
            following = x - excess / slope
            moving = (np.abs(following - x) > _NEAR_ENOUGH) & (above - below > _NEAR_ENOUGH)
            if not moving.any():
                break
            astray = (following <= below) | (following >= above) | (number >= _SECANTS)
            following = np.where(moving, np.where(astray, (below + above) / 2, following), x)
            before, excess = excess, self._normal_score(following) - z
            secant = np.divide(excess - before, following - x, out=np.zeros_like(x), where=following != x)
            slope = np.where(secant > 0, secant, slope)
            x = following
        return x

    def _normal_score(self, value: Floats) -> Floats:
        score: Floats = ndtri(np.clip(self.cdf(value), _LEAST, 1 - _LEAST_FROM_ONE))
        return score
