"""Coordinates in which the posterior of the scales is nearly a standard normal one.

On the log scale it is not. Towards zero a scale that matters meets a wall, one that does not an exponential tail;
upwards the prior is a wall. NUTS then takes small steps lest it diverge, and crosses the tails slowly. So each log
scale is bent until its density, the others at their mode, is standard normal (by way of its distribution function),
and the whole is turned by the normal approximation that is left. Any smooth monotone map samples the same posterior;
this one takes some thousand evaluations to find, and NUTS needs half the steps, and next to no tuning.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tasks.sample.collapsed import CollapsedDensity

    Floats = NDArray[np.float64]

# Bent within this many sds of the middle, straight beyond.
_REACH = 6.0
_KNOTS = 49
_WIDTH = 2 * _REACH / (_KNOTS - 1)
# Log density below its top at which a slice ends: a normal one is 8 sds out there.
_DEPTH = 32.0
_POINTS = 201
_STEP = 1e-4
# No direction is taken for wider than this many sds: away from the mode the density closes in.
_WIDEST = 2.0


class Coordinates:
    """log scales = bent(mode + z @ factor.T), with z about N(0, I).

    Parameters
    ----------
    density : CollapsedDensity
        Of H free scales.
    """

    def __init__(self, density: CollapsedDensity) -> None:
        self._density = density
        start = density.scales.start()
        mode, curvature = _mode(density, start)
        widths = 1 / np.sqrt(np.maximum(np.diagonal(curvature), _WIDEST**-2))
        # Of a handful of numbers, Python's own arithmetic is faster than arrays'.
        self._pieces = [_bent(density, mode, k, widths[k]).tolist() for k in range(len(start))]
        self._mode, curvature = _mode(self._in_bent, np.zeros(len(start)))
        values, directions = np.linalg.eigh(curvature)
        self._factor = directions / np.sqrt(np.maximum(values, _WIDEST**-2))

    def unconstrained(self, z: Floats) -> Floats:
        """Return the log scales as the density takes them, shape (H,)."""
        return self._straightened(self._mode + self._factor @ z)[0]

    def __call__(self, z: Floats) -> tuple[float, Floats]:
        """Return the log density at z, shape (H,), up to a constant, and its gradient."""
        log_p, gradient = self._in_bent(self._mode + self._factor @ z)
        return log_p, gradient @ self._factor

    def _in_bent(self, bent: Floats) -> tuple[float, Floats]:
        straight, slope, along = self._straightened(bent)
        log_p, gradient = self._density(straight)
        return log_p + math.log(math.prod(slope)), gradient * slope + along

    def _straightened(self, bent: Floats) -> tuple[Floats, list[float], list[float]]:
        """Return the log scales, shape (H,), their derivatives, and the derivatives of the logs of those."""
        straight, slopes, along = np.empty(len(bent)), [], []
        for k, (value, pieces) in enumerate(zip(bent.tolist(), self._pieces, strict=True)):
            inside = min(max(value, -_REACH), _REACH)
            piece = min(int((inside + _REACH) / _WIDTH), _KNOTS - 2)
            t = inside - (piece * _WIDTH - _REACH)
            cubic, square, linear, constant = pieces[piece]
            slope = (3 * cubic * t + 2 * square) * t + linear
            straight[k] = ((cubic * t + square) * t + linear) * t + constant + slope * (value - inside)
            slopes.append(slope)
            along.append((6 * cubic * t + 2 * square) / slope)
        return straight, slopes, along


def _mode(density: Callable[[Floats], tuple[float, Floats]], start: Floats) -> tuple[Floats, Floats]:
    """Return where a log density is highest, shape (H,), and minus its Hessian there, shape (H, H).

    Whatever the optimiser reached serves: the coordinates are right anywhere, and good near the mode.
    """
    from scipy.optimize import minimize

    def negative(point: Floats) -> tuple[float, Floats]:
        log_p, gradient = density(point)
        # A line search cannot go on from infinity.
        return (-log_p, -gradient) if np.isfinite(log_p) else (1e300, -gradient)

    mode = np.asarray(minimize(negative, start, jac=True, method="BFGS").x, dtype=np.float64)
    nudges = _STEP * np.eye(len(mode))
    slopes = np.array([density(mode - nudge)[1] - density(mode + nudge)[1] for nudge in nudges]) / (2 * _STEP)
    return mode, (slopes + slopes.T) / 2


def _bent(density: CollapsedDensity, mode: Floats, column: int, width: float) -> Floats:
    """Return the cubic pieces, shape (pieces, 4), that take a standard normal number to one log scale."""
    from scipy.interpolate import CubicSpline
    from scipy.special import ndtri

    def slice_at(value: float) -> float:
        point = mode.copy()
        point[column] = value
        return density(point)[0]

    top = slice_at(mode[column])
    below, above = (_end(slice_at, mode[column], top, step) for step in (-width, width))
    # Closer together near the mode, where most of the density is.
    spread = np.linspace(-1, 1, _POINTS)
    spread = np.sign(spread) * np.abs(spread) ** 1.7
    grid = mode[column] + np.where(spread < 0, mode[column] - below, above - mode[column]) * spread
    with np.errstate(under="ignore"):
        height = np.exp(np.array([slice_at(value) for value in grid]) - top)
    mass = (height[1:] + height[:-1]) / 2 * np.diff(grid)
    # Each tail is added up from its own end, or its small numbers would be lost.
    lower = np.cumsum(mass)[:-1] / mass.sum()
    upper = np.cumsum(mass[::-1])[::-1][1:] / mass.sum()
    normal = np.where(lower < upper, ndtri(lower), -ndtri(upper))
    # So far out that the mass is too small for a number, several points have one score.
    told = np.isfinite(normal)
    normal, inside = normal[told], grid[1:-1][told]
    knots = np.linspace(-_REACH, _REACH, _KNOTS)
    rising = np.concatenate([[True], np.diff(normal) > 0])
    spline = CubicSpline(knots, np.interp(knots, normal[rising], inside[rising]), bc_type="natural")
    if spline(np.linspace(-_REACH, _REACH, 8 * _KNOTS), 1).min() > 0:
        return np.ascontiguousarray(spline.c.T)
    # A slice too rough to bend, if there should ever be one, is stretched alone.
    straight = np.zeros((_KNOTS - 1, 4))
    straight[:, 2], straight[:, 3] = width, mode[column] + width * knots[:-1]
    return straight


def _end(density: Callable[[float], float], value: float, top: float, step: float) -> float:
    """Return where a slice has fallen by `_DEPTH`, going outwards in ever longer steps."""
    while density(value) > top - _DEPTH:
        value += step
        step *= 1.15
    return value
