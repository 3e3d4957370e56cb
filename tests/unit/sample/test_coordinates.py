"""Other coordinates of the same density, in which it is nearly a standard normal one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from schemas.parameters import SampleParameters
from schemas.priors import Priors
from tasks.sample.collapsed import CollapsedDensity
from tasks.sample.coordinates import Coordinates
from tasks.sample.scales import scales_for

if TYPE_CHECKING:
    from small import Rows

HEAVY = Priors(tau="half_cauchy(3)", tau_block="half_cauchy(0.1) relative to sigma", sigma="half_student_t(3, 4)")


def coordinates_of(rows: Rows, priors: Priors) -> tuple[CollapsedDensity, Coordinates]:
    scales = scales_for(rows.grouped.design, SampleParameters(priors=priors))
    density = CollapsedDensity(rows.grouped.statistics, scales)
    return density, Coordinates(density)


@pytest.mark.parametrize("priors", [Priors(), HEAVY], ids=["auto", "heavy tails"])
def test_the_density_is_the_same_with_its_jacobian_and_gradient(rows: Rows, priors: Priors) -> None:
    density, coordinates = coordinates_of(rows, priors)
    size = len(density.scales.free)
    generator = np.random.default_rng(1)
    # Within the bent part and beyond it.
    points = [*generator.normal(0, 2, size=(2, size)), np.full(size, -6.5)]
    constants = []
    for z in points:
        log_p, gradient = coordinates(z)
        jacobian = np.array(
            [approx_fprime(z, lambda at, k=k: coordinates.unconstrained(at)[k], 1e-6) for k in range(size)]
        )
        constants.append(log_p - density(coordinates.unconstrained(z))[0] - np.linalg.slogdet(jacobian)[1])
        numeric = approx_fprime(z, lambda at: coordinates(at)[0], 1e-6)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-3, atol=2e-3)
    # What differs is the determinant of the turn, the same everywhere.
    np.testing.assert_allclose(constants, constants[0], atol=1e-4)


@pytest.mark.parametrize("priors", [Priors(), HEAVY], ids=["auto", "heavy tails"])
def test_it_is_nearly_a_standard_normal_one(rows: Rows, priors: Priors) -> None:
    density, coordinates = coordinates_of(rows, priors)
    middle, size = coordinates(np.zeros(len(density.scales.free)))[0], len(density.scales.free)
    for axis in np.eye(size):
        for distance in (-2.0, 2.0):
            fall = middle - coordinates(distance * axis)[0]
            assert fall == pytest.approx(2, abs=1.2)  # the log scales themselves: from 0.6 to beyond 20
