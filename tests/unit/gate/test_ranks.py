"""Rank plots: the band holds what it says, and a chain that differs leaves it."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.gate.ranks import even_band, unevenness


@pytest.mark.parametrize(("chains", "draws"), [(4, 20), (4, 1000), (2, 200)])
def test_chains_that_agree_stay_in_the_band_as_often_as_it_says(chains: int, draws: int) -> None:
    # 400 plots at 95 %: the share has a standard error of 0.011, and that of the band's own 400 another; 4.5 of both.
    # Of few draws the numbers below are whole, and the band holds a little more or less.
    generator = np.random.default_rng(7)
    band = even_band(chains, draws)
    inside = np.mean([(np.abs(unevenness(generator.normal(size=(chains, draws)))) <= band).all() for _ in range(400)])
    assert inside == pytest.approx(0.95, abs=0.07)


def test_a_chain_elsewhere_leaves_the_band() -> None:
    draws = np.random.default_rng(3).normal(size=(4, 500))
    draws[2] += 0.5
    lines = unevenness(draws)
    assert (np.abs(lines[2]) > even_band(4, 500)).any()
    assert lines[2].min() < -0.1  # too few of its draws rank low


def test_shares_are_of_ranks_among_all() -> None:
    lines = unevenness(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert lines[0, 48] == pytest.approx(1 - 0.5)  # all of its draws are in the lower half
    assert lines[1, 48] == pytest.approx(0 - 0.5)
