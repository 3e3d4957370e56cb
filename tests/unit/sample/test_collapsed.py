"""The collapsed density is the row-by-row model with everything Gaussian integrated out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal

from schemas.parameters import SampleParameters
from schemas.priors import Priors
from tasks.sample.collapsed import CollapsedDensity
from tasks.sample.scales import log_density, scales_for

if TYPE_CHECKING:
    from small import Rows

    from tasks.sample.scales import Scales

Pooling = Literal["partial", "none", "complete"]
RELATIVE = Priors.model_validate(
    {"mu": "normal(40, 30)", "tau": "exponential(1) relative to sigma", "tau_block": "half_cauchy(1) relative to sigma"}
)


def density_of(rows: Rows, pooling: Pooling = "partial", priors: Priors | None = None) -> CollapsedDensity:
    parameters = SampleParameters(pooling=pooling, priors=priors or Priors())
    return CollapsedDensity(rows.grouped.statistics, scales_for(rows.grouped.design, parameters))


def brute_force(rows: Rows, scales: Scales, values: np.ndarray) -> float:
    """Return log p(y | h), constants and all, from the N x N covariance of the tracks."""
    tau = scales.fixed_tau if scales.fixed_tau is not None else values[1]
    prior_sd = np.array([scales.intercept.arguments[1] if g == 0 else values[g - 1] for g in scales.group])
    mean = rows.z[:, 0] * scales.intercept.arguments[0]
    same = rows.artist[:, None] == rows.artist[None, :]
    covariance = (rows.z * prior_sd**2) @ rows.z.T + tau**2 * same + values[0] ** 2 * np.eye(len(rows.y))
    return float(multivariate_normal(mean, covariance).logpdf(rows.y))


@pytest.mark.parametrize("pooling", ["partial", "complete"])
@pytest.mark.parametrize("priors", [Priors(), RELATIVE], ids=["auto", "relative"])
def test_it_is_the_marginal_likelihood_of_the_rows(rows: Rows, pooling: Pooling, priors: Priors) -> None:
    density = density_of(rows, pooling, priors)
    generator = np.random.default_rng(1)
    start = density.scales.start()
    points = [density.scales.natural(start + generator.normal(0, 0.7, len(start))) for _ in range(8)]
    ours = np.array([density.likelihood(values)[0] for values in points])
    theirs = np.array([brute_force(rows, density.scales, values) for values in points])
    np.testing.assert_allclose(ours - ours[0], theirs - theirs[0], atol=1e-7)
    assert np.ptp(theirs) > 1


@pytest.mark.parametrize("pooling", ["partial", "none", "complete"])
@pytest.mark.parametrize("priors", [Priors(), RELATIVE], ids=["auto", "relative"])
def test_the_gradient_is_that_of_the_density(rows: Rows, pooling: Pooling, priors: Priors) -> None:
    density = density_of(rows, pooling, priors)
    generator = np.random.default_rng(2)
    for _ in range(10):
        point = density.scales.start() + generator.normal(0, 0.7, len(density.scales.free))
        numeric = approx_fprime(point, lambda x: density(x)[0], 1e-6)
        np.testing.assert_allclose(density(point)[1], numeric, rtol=1e-4, atol=2e-4)


def test_the_gradient_is_that_of_automatic_differentiation(rows: Rows) -> None:
    import pytensor
    import pytensor.tensor as pt
    from pytensor.compile.mode import Mode
    from pytensor.tensor.linalg import inv, slogdet

    density = density_of(rows)
    statistics, scales = rows.grouped.statistics, density.scales
    size = density.columns
    values = pt.dvector("values")
    v = values[1] ** 2 + values[0] ** 2 / statistics.sizes
    pooled = statistics.within / values[0] ** 2 + (statistics.between / v[:, None, None]).sum(axis=0)
    prior_sd = pt.concatenate([[scales.intercept.arguments[1]], values])[scales.group]
    prior_mean = np.zeros(size)
    prior_mean[0] = scales.intercept.arguments[0]
    precision = pooled[:size, :size] + pt.diag(prior_sd**-2)
    b = pooled[:size, size] + prior_mean * prior_sd**-2
    degrees = statistics.observations - len(statistics.counts)
    log_p = (
        -degrees * pt.log(values[0])
        - 0.5 * (statistics.artists_of_size * pt.log(v)).sum()
        - 0.5 * pooled[size, size]
        - pt.log(prior_sd).sum()
        - 0.5 * (prior_mean**2 * prior_sd**-2).sum()
        - 0.5 * slogdet(precision)[1]
        + 0.5 * b @ inv(precision) @ b
    )
    graph = pytensor.function([values], [log_p, pt.grad(log_p, values)], mode=Mode(linker="py", optimizer=None))
    generator = np.random.default_rng(4)
    for _ in range(5):
        point = scales.natural(scales.start() + generator.normal(0, 0.7, len(scales.free)))
        ours, theirs = density.likelihood(point), graph(point)
        assert ours[0] == pytest.approx(float(theirs[0]), rel=1e-10)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    "prior",
    [
        "exponential(0.3)",
        "half_normal(4)",
        "half_cauchy(2)",
        "half_student_t(3, 2.5)",
        "gamma(2, 0.5)",
        "lognormal(1, 0.8)",
    ],
)
def test_priors_are_the_distributions_they_are_named_after(prior: str) -> None:
    from scipy import stats

    from schemas.priors import parse_prior

    parsed = parse_prior(prior)
    a = parsed.arguments
    theirs = {
        "exponential": lambda: stats.expon(scale=1 / a[0]),
        "half_normal": lambda: stats.halfnorm(scale=a[0]),
        "half_cauchy": lambda: stats.halfcauchy(scale=a[0]),
        "half_student_t": lambda: stats.t(a[0], scale=a[1]),
        "gamma": lambda: stats.gamma(a[0], scale=1 / a[1]),
        "lognormal": lambda: stats.lognorm(a[1], scale=np.exp(a[0])),
    }[parsed.family]()
    values = np.array([0.01, 0.5, 1.0, 3.0, 20.0])
    ours = np.array([log_density(parsed, value)[0] for value in values])
    np.testing.assert_allclose(ours - ours[0], theirs.logpdf(values) - theirs.logpdf(values[0]), atol=1e-9)
    for value in values:
        step = 1e-6
        slope = (log_density(parsed, value * np.exp(step))[0] - log_density(parsed, value * np.exp(-step))[0]) / (
            2 * step
        )
        assert log_density(parsed, value)[1] == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_scales_far_from_any_data_are_impossible_not_an_error(rows: Rows) -> None:
    density = density_of(rows)
    for extreme in (-800.0, 800.0):
        log_p, gradient = density(np.full(len(density.scales.free), extreme))
        assert log_p == -np.inf
        assert np.isfinite(gradient).all()


def test_coefficients_given_the_scales_are_those_of_generalised_least_squares(rows: Rows) -> None:
    density = density_of(rows)
    values = density.scales.natural(density.scales.start())
    given = density.conditional(values)
    same = rows.artist[:, None] == rows.artist[None, :]
    inverse = np.linalg.inv(values[1] ** 2 * same + values[0] ** 2 * np.eye(len(rows.y)))
    shrinkage = np.array(
        [density.scales.intercept.arguments[1] if g == 0 else values[g - 1] for g in density.scales.group]
    )
    precision = rows.z.T @ inverse @ rows.z + np.diag(shrinkage**-2.0)
    np.testing.assert_allclose(np.triu(given.covariance()), np.triu(np.linalg.inv(precision)), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(
        given.mean, np.linalg.solve(precision, rows.z.T @ inverse @ rows.y), rtol=1e-7, atol=1e-9
    )
