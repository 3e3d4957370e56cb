"""The scales h that NUTS explores: sigma, tau, tau_block, tau_genre, tau_slope, on the log scale, with their priors.

Densities leave out their normalising constants, which do not depend on the parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from schemas.priors import AUTO, Prior, Priors, parse_prior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.parameters import SampleParameters
    from schemas.reports import Design

    Floats = NDArray[np.float64]

# `pooling="none"` fixes tau at this many sds of popularity: so wide that no artist is pulled noticeably
# (an artist with one track keeps 99.99 % of its own mean), yet well inside what floating point can tell apart.
NO_POOLING_WIDTH = 100.0


def log_density(prior: Prior, value: float) -> tuple[float, float]:
    """Return log p(value) up to a constant, and value * d log p / d value.

    Parameters
    ----------
    prior : Prior
        On positive numbers.
    value : float
        Positive.

    Returns
    -------
    log_p, slope : float
        The slope is with respect to log(value), without the Jacobian of that change.
    """
    first, *rest = prior.arguments
    match prior.family:
        case "exponential":
            return -first * value, -first * value
        case "half_normal":
            square = (value / first) ** 2
            return -square / 2, -square
        case "half_cauchy":
            square = (value / first) ** 2
            return -math.log1p(square), -2 * square / (1 + square)
        case "half_student_t":
            square = (value / rest[0]) ** 2 / first
            return -(first + 1) / 2 * math.log1p(square), -(first + 1) * square / (1 + square)
        case "gamma":
            return (first - 1) * math.log(value) - rest[0] * value, (first - 1) - rest[0] * value
        case "lognormal":
            z = (math.log(value) - first) / rest[0]
            return -math.log(value) - z * z / 2, -1 - z / rest[0]
    message = f"{prior} is not a prior of a scale"
    raise ValueError(message)


def resolved(priors: Priors, design: Design) -> dict[str, Prior]:
    """Replace ``auto`` by defaults scaled to the data.

    Parameters
    ----------
    priors : Priors
    design : Design
        Its mean and sd of popularity, in points, set the scale.

    Returns
    -------
    dict
        By parameter, each with numbers.
    """
    sd, mean = design.popularity_sd, design.popularity_mean
    features = max(len(design.names("feature")), 1)
    defaults = {
        # As rstanarm scales its defaults: an intercept within 2.5 sd, standard deviations with the data's sd as mean.
        "mu": Prior("normal", (mean, 2.5 * sd)),
        "sigma": Prior("exponential", (1 / sd,)),
        "tau": Prior("exponential", (1 / sd,)),
        # A handful of genres or features says little about their own spread: a lighter tail keeps it sensible.
        "tau_genre": Prior("half_normal", (sd / 2,)),
        # All F features together are expected to move popularity about as much as genres do, however many there are.
        "tau_block": Prior("half_normal", (sd / 2 / features**0.5,)),
        # What genres differ by in a slope is expected to be less than the slope.
        "tau_slope": Prior("half_normal", (sd / 4 / features**0.5,)),
        # Juarez and Steel (2010), Journal of Business & Economic Statistics 28(1).
        "nu": Prior("gamma", (2.0, 0.1)),
    }
    given = priors.model_dump()
    return {name: default if given[name] == AUTO else parse_prior(given[name]) for name, default in defaults.items()}


@dataclass(frozen=True)
class Scale:
    """One free scale.

    Parameters
    ----------
    name : str
        ``sigma``, ``tau``, ``tau_block``, ``tau_genre`` or ``tau_slope``.
    label : str
        The block, for ``tau_block`` and ``tau_slope``.
    prior : Prior
    start : float
        Around where chains begin, in points.
    """

    name: str
    label: str
    prior: Prior
    start: float


@dataclass(frozen=True)
class Scales:
    """The free scales of a model and how the coefficients hang on them.

    Parameters
    ----------
    free : tuple of Scale
        sigma first, then tau if it is learned, then tau_block by block, then tau_genre, then tau_slope by block.
    fixed_tau : float or None
        tau in points where it is not learned: 0 for complete pooling, wide for none.
    intercept : Prior
        ``normal(mean, sd)``, the mean relative to the mean popularity.
    group : ndarray of int, shape (D,)
        The prior of each column of Z: 0 is the intercept's; k + 1 the scale ``free[k]``.
    """

    free: tuple[Scale, ...]
    fixed_tau: float | None
    intercept: Prior
    group: NDArray[np.int64]

    @cached_property
    def relative(self) -> Floats:
        """1 for the scales that are multiples of sigma, 0 for the others, shape (H,)."""
        return np.array([float(scale.prior.relative) for scale in self.free])

    def position(self, name: str, label: str = "") -> int:
        """Return where a scale stands in `free`."""
        return [(scale.name, scale.label) for scale in self.free].index((name, label))

    def natural(self, unconstrained: Floats) -> Floats:
        """Return the scales in points.

        Parameters
        ----------
        unconstrained : ndarray, shape (..., H)
            Their logs; of those relative to sigma, the logs of the multiples.

        Returns
        -------
        ndarray, shape (..., H)
        """
        values = np.exp(unconstrained)
        return values * values[..., :1] ** self.relative

    def log_prior(self, unconstrained: Floats) -> tuple[float, Floats]:
        """Return the log prior density of the unconstrained scales, and its gradient.

        Parameters
        ----------
        unconstrained : ndarray, shape (H,)

        Returns
        -------
        log_p : float
            With the Jacobian of the exponential.
        gradient : ndarray, shape (H,)
        """
        total, gradient = 0.0, np.empty(len(self.free))
        for position, scale in enumerate(self.free):
            point = float(unconstrained[position])
            log_p, slope = log_density(scale.prior, math.exp(point))
            total += log_p + point
            gradient[position] = slope + 1
        return total, gradient

    def start(self) -> Floats:
        """Return where chains start from, unconstrained, shape (H,)."""
        sigma = self.free[0].start
        return np.log([scale.start / (sigma if scale.prior.relative else 1) for scale in self.free])


def scales_for(design: Design, parameters: SampleParameters) -> Scales:
    """Set up the scales of a model.

    Parameters
    ----------
    design : Design
    parameters : SampleParameters
        Its pooling and priors.

    Returns
    -------
    Scales
    """
    priors = resolved(parameters.priors, design)
    sd = design.popularity_sd
    free = [Scale("sigma", "", priors["sigma"], 0.7 * sd)]
    if parameters.pooling == "partial":
        free.append(Scale("tau", "", priors["tau"], 0.5 * sd))
    blocks = design.blocks()
    free += [Scale("tau_block", block, priors["tau_block"], 0.1 * sd) for block in blocks]
    if design.names("genre"):
        free.append(Scale("tau_genre", "", priors["tau_genre"], 0.2 * sd))
    if design.names("slope"):
        free += [Scale("tau_slope", block, priors["tau_slope"], 0.05 * sd) for block in blocks]
    where = {(scale.name, scale.label): position + 1 for position, scale in enumerate(free)}
    group = [
        {
            "intercept": 0,
            "feature": where.get(("tau_block", column.block), 0),
            "genre": where.get(("tau_genre", ""), 0),
            "slope": where.get(("tau_slope", column.block), 0),
        }[column.kind]
        for column in design.columns
    ]
    mean, width = priors["mu"].arguments
    return Scales(
        free=tuple(free),
        fixed_tau={"partial": None, "none": NO_POOLING_WIDTH * sd, "complete": 0.0}[parameters.pooling],
        intercept=Prior("normal", (mean - design.popularity_mean, width)),
        group=np.array(group, dtype=np.int64),
    )
