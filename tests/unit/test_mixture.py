"""Mixtures: their quantiles and moments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tasks.mixture import Mixture

PROBABILITIES = (1e-6, 0.001, 0.05, 0.5, 0.9, 0.975, 1 - 1e-6)


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_of_one_part_they_are_those_of_the_part(probability: float) -> None:
    centre, spread = np.array([[50.0, -3.0]]), np.array([[14.0, 0.01]])
    normal = Mixture(centre, spread).quantile(probability)
    np.testing.assert_allclose(normal, stats.norm.ppf(probability, centre[0], spread[0]), atol=2e-8)
    tails = Mixture(centre, spread, np.array([[2.5]])).quantile(probability)
    np.testing.assert_allclose(tails, stats.t.ppf(probability, 2.5, centre[0], spread[0]), rtol=1e-9, atol=2e-8)


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    apart=st.sampled_from([0.0, 1.0, 30.0, 1000.0]),
    widths=st.sampled_from([0.01, 0.3, 2.0]),
    probability=st.sampled_from(PROBABILITIES),
    freedom=st.sampled_from([None, 1.0, 4.0]),
)
def test_of_any_mixture_they_split_the_probability(
    seed: int, apart: float, widths: float, probability: float, freedom: float | None
) -> None:
    rng = np.random.default_rng(seed)
    centre = 50 + apart * rng.standard_normal((40, 5))
    spread = 10 * np.exp(widths * rng.standard_normal((40, 5)))
    mixture = Mixture(centre, spread, None if freedom is None else np.full((40, 1), freedom))
    found = mixture.quantile(probability)
    # The density bounds what an error of 1e-7 points can make of the probability.
    allowed = 1e-7 * (0.4 / spread).mean(axis=0) + 1e-12
    assert (np.abs(mixture.cdf(found) - probability) <= allowed).all()


def test_moments_are_those_of_draws() -> None:
    # A million draws: within five Monte Carlo standard errors, 6e-7 of a false alarm a number; the seed is fixed.
    rng = np.random.default_rng(1)
    centre = rng.normal(50, 9, (8, 1))
    for freedom, spread in ((None, rng.uniform(5, 20, (8, 1))), (np.full((8, 1), 9.0), np.full((8, 1), 12.0))):
        mean, sd = Mixture(centre, spread, freedom).moments()
        part = rng.integers(0, 8, 1_000_000)
        noise = rng.standard_normal(len(part)) if freedom is None else rng.standard_t(9.0, len(part))
        draws = centre[part, 0] + spread[part, 0] * noise
        assert mean[0] == pytest.approx(draws.mean(), abs=5 * sd[0] / 1e3)
        error = np.sqrt(np.var((draws - draws.mean()) ** 2) / len(draws)) / (2 * sd[0])
        assert sd[0] == pytest.approx(draws.std(), abs=5 * error)


def test_a_draw_of_next_to_no_variance_does_not_make_the_sd() -> None:
    # Of 1,000 draws one has 2.0000001 degrees of freedom, and a variance of 10 million spreads.
    freedom = np.full((1000, 1), 4.0)
    freedom[17] = 2 + 1e-7
    _, sd = Mixture(np.zeros((1000, 1)), np.ones((1000, 1)), freedom).moments()
    assert sd[0] == pytest.approx(2**0.5)


def test_tails_without_a_variance_have_no_sd() -> None:
    _, sd = Mixture(np.zeros((2, 1)), np.ones((2, 1)), np.array([[5.0], [1.9]])).moments()
    assert np.isnan(sd).all()
