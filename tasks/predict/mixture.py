"""Equal mixtures of normals, or of Student's t, one for each track that is predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri, stdtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_NEAR_ENOUGH = 1e-8  # points
_MOST_STEPS = 200


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
        z = (value - self.centre) / self.spread
        part: Floats = ndtr(z) if self.freedom is None else stdtr(self.freedom, z)
        return part.mean(axis=0)

    def moments(self) -> tuple[Floats, Floats]:
        """Return mean and sd, each of shape (C,).

        The sd of Student's t is NaN where a part has at most 2 degrees of freedom; the mean is that of the locations.
        """
        within = self.spread**2
        if self.freedom is not None:
            within = within * np.where(self.freedom > 2, self.freedom / np.maximum(self.freedom - 2, 1e-300), np.nan)  # noqa: PLR2004 - its variance
        return self.centre.mean(axis=0), np.sqrt(self.centre.var(axis=0) + within.mean(axis=0))

    def some(self, chosen: NDArray[np.bool_]) -> Mixture:
        """Return the mixtures that are chosen, a mask of shape (C,)."""
        return Mixture(self.centre[:, chosen], self.spread[:, chosen], self.freedom)

    def quantile(self, probability: float) -> Floats:
        """Return a quantile of each, shape (C,).

        The secant method on the distribution function, kept between what is known to be below and above. It starts from
        the normal with the same centre and spread, so that four or five evaluations do. (SciPy's `elementwise` would
        need twice as many, and as long as all else to import.)
        """
        z = float(ndtri(probability))
        spread = np.sqrt(self.centre.var(axis=0) + (self.spread**2).mean(axis=0))
        x = self.centre.mean(axis=0) + z * spread
        slope = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) / spread
        below, above = np.full_like(x, -np.inf), np.full_like(x, np.inf)
        excess = self.cdf(x) - probability
        for _ in range(_MOST_STEPS):
            below, above = np.where(excess <= 0, x, below), np.where(excess >= 0, x, above)
            step = excess / slope
            moving = np.abs(step) > _NEAR_ENOUGH
            if not moving.any():
                break
            following = np.where(moving, x - step, x)
            middle = (below + above) / 2
            astray = moving & np.isfinite(middle) & ((following <= below) | (following >= above))
            following = np.where(astray, middle, following)
            before, excess = excess, self.cdf(following) - probability
            rise = excess - before
            secant = np.divide(rise, following - x, out=np.zeros_like(x), where=following != x)
            slope = np.where(secant > 0, secant, slope)
            x = following
        return x
