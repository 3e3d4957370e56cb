"""Chains that are one are found, whatever they were shifted by; independent ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.gate.alike import alike, longest_stays

CHAINS, DRAWS = 4, 200


def scalars(seed: int = 1, draws: int = DRAWS) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, CHAINS, draws))


def copied(how: str) -> np.ndarray:
    values = scalars()
    one = values[:, 1]
    values[:, 3] = {
        "the same": one,
        "later": np.roll(one, 7, axis=1),
        "in another order": one[:, ::-1],
        "shifted": one + 2.5,
        "shifted and later": np.concatenate([one[:, 30:], values[:, 3, :30]], axis=1) * 1.0 + 1.0,
        "stretched": 2 * one,
        "upside down": -one,
        "for a tenth of the time": np.concatenate([values[:, 3, :180], one[:, 40:60]], axis=1),
    }[how]
    return values


@pytest.mark.parametrize(
    "how",
    [
        "the same",
        "later",
        "in another order",
        "shifted",
        "shifted and later",
        "stretched",
        "upside down",
        "for a tenth of the time",
    ],
)
def test_two_chains_that_are_one_are_named(how: str) -> None:
    found = alike(["mu", "sigma", "tau"], copied(how), {})
    assert len(found) == 1
    assert found[0].startswith("chains 2 and 4 ")


def test_one_scalar_is_enough() -> None:
    # The scales of two chains are one, and coefficients were drawn anew for each: as with one stream for two chains.
    values = scalars()
    values[1, 2] = values[1, 0]
    assert alike(["mu", "sigma", "tau"], values, {}) == ["chains 1 and 3 share 100% of their draws of sigma"]


def test_the_sampler_gives_it_away() -> None:
    energy = scalars()[0]
    energy[3] = energy[2]
    assert len(alike(["mu", "sigma", "tau"], scalars(2), {"energy": energy})) == 1


@pytest.mark.parametrize("draws", [4, 12, 20, 1000])
def test_independent_chains_are_not_taken_for_one(draws: int) -> None:
    # Among 40 posteriors, correlated within chains or not, rounded to single precision, or not moving at times.
    for seed in range(10):
        values = scalars(seed, draws)
        assert alike(["a", "b", "c"], values, {}) == []
        assert alike(["a", "b", "c"], np.cumsum(values, axis=2), {}) == []
        assert alike(["a", "b", "c"], values.astype(np.float32).astype(np.float64), {}) == []
        values[:, :, 1] = values[:, :, 0]
        assert alike(["a", "b", "c"], values, {}) == []


def test_a_chain_that_stands_still_is_measured() -> None:
    values = scalars()
    values[0, 2, 50:90] = 7.0
    values[1, 1, 10:15] = 7.0
    assert longest_stays(values).tolist() == pytest.approx([40 / DRAWS, 0, 0])
