"""Coordinates in which the posterior of the scales is nearly a standard normal one.

NUTS takes fewer and longer steps where no direction is narrower than another, and has little left to learn while it
tunes. The normal approximation at the mode gives such coordinates for the price of about a hundred evaluations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.sample.collapsed import CollapsedDensity

    Floats = NDArray[np.float64]

_STEP = 1e-4
# No direction is taken for wider than this many sds on the log scale: far from the mode priors close in.
_WIDEST = 2.0


class Whitened(NamedTuple):
    """unconstrained = mode + z @ factor.T, with z about N(0, I).

    Parameters
    ----------
    density : CollapsedDensity
    mode : ndarray, shape (H,)
    factor : ndarray, shape (H, H)
    """

    density: CollapsedDensity
    mode: Floats
    factor: Floats

    def unconstrained(self, z: Floats) -> Floats:
        """Return the scales as the density takes them, shape (..., H)."""
        moved: Floats = self.mode + z @ self.factor.T
        return moved

    def __call__(self, z: Floats) -> tuple[float, Floats]:
        """Return the log density at z up to a constant, and its gradient."""
        log_p, gradient = self.density(self.mode + self.factor @ z)
        return log_p, gradient @ self.factor


def whitened(density: CollapsedDensity) -> Whitened:
    """Find the mode, and the curvature there.

    Parameters
    ----------
    density : CollapsedDensity
        Of H free scales.

    Returns
    -------
    Whitened
        Whatever the optimiser reached serves: the coordinates are right anywhere, and good near the mode.
    """
    from scipy.optimize import minimize

    def negative(point: Floats) -> tuple[float, Floats]:
        log_p, gradient = density(point)
        # A line search cannot go on from infinity.
        return (-log_p, -gradient) if np.isfinite(log_p) else (1e300, -gradient)

    mode = np.asarray(minimize(negative, density.scales.start(), jac=True, method="BFGS").x, dtype=np.float64)
    nudges = _STEP * np.eye(len(mode))
    slopes = np.array([density(mode - nudge)[1] - density(mode + nudge)[1] for nudge in nudges]) / (2 * _STEP)
    curvature, directions = np.linalg.eigh((slopes + slopes.T) / 2)
    return Whitened(density, mode, directions / np.sqrt(np.maximum(curvature, _WIDEST**-2)))
