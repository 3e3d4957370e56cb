"""Other coordinates of the same density."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import approx_fprime

from schemas.parameters import SampleParameters
from tasks.sample.collapsed import CollapsedDensity
from tasks.sample.laplace import whitened
from tasks.sample.scales import scales_for

if TYPE_CHECKING:
    from conftest import Rows


def test_the_density_is_the_same_and_nearly_a_standard_normal_ones_at_the_mode(rows: Rows) -> None:
    density = CollapsedDensity(rows.grouped.statistics, scales_for(rows.grouped.design, SampleParameters()))
    coordinates = whitened(density)
    generator = np.random.default_rng(1)
    for z in generator.normal(size=(5, len(density.scales.free))):
        log_p, gradient = coordinates(z)
        assert log_p == density(coordinates.unconstrained(z))[0]
        np.testing.assert_allclose(gradient, approx_fprime(z, lambda at: coordinates(at)[0], 1e-6), atol=2e-4)
    origin = np.zeros(len(density.scales.free))
    assert np.abs(coordinates(origin)[1]).max() < 1e-3
    step = 1e-3
    curvature = [
        (coordinates(-step * unit)[1] - coordinates(step * unit)[1]) / (2 * step) for unit in np.eye(len(origin))
    ]
    # No direction is narrower than a standard normal one, nor much wider.
    assert np.linalg.eigvalsh(curvature).max() < 1.01
    stacked = coordinates.unconstrained(generator.normal(size=(3, 2, len(origin))))
    assert stacked.shape == (3, 2, len(origin))
