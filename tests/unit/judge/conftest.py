"""A small problem that can be solved by brute force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.group.sums import statistics_of, sums_of
from tasks.judge.reading import Posterior, Rows
from tasks.predictive import Draws

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.statistics import Statistics


@dataclass(frozen=True)
class Problem:
    """Tracks in training, and draws of the scales that need not have anything to do with them.

    Parameters
    ----------
    rows : Rows
        All N of training.
    statistics : Statistics
    posterior : Posterior
        S draws.
    """

    rows: Rows
    statistics: Statistics
    posterior: Posterior


def make_problem(seed: int, tau: float | None = None, draws: int = 5) -> Problem:
    """Make 6 artists with 1 to 5 tracks each, four columns, and some draws; `tau` is drawn unless it is given."""
    generator = np.random.default_rng(seed)
    artist = np.repeat(np.arange(6), [1, 2, 5, 1, 3, 2])
    z = np.column_stack([np.ones(len(artist)), generator.normal(size=(len(artist), 3))])
    y = z @ [1.0, 4, -3, 0] + generator.normal(0, 8, 6)[artist] + generator.normal(0, 10, len(artist))
    names = np.array([f"{number}" for number in artist], dtype=object)
    taus = generator.uniform(3, 15, draws) if tau is None else np.full(draws, tau)
    posterior = Posterior(
        Draws(generator.normal(0, 2, (draws, 4)), generator.uniform(6, 14, draws), taus),
        np.column_stack([np.full(draws, 0.001), *generator.uniform(0.02, 0.5, (3, draws))]),
        intercept=2.0,
    )
    return Problem(Rows(artist, z, y), statistics_of(sums_of(names, np.column_stack([z, y]))), posterior)


@pytest.fixture
def problems() -> Callable[..., Problem]:
    """Return what makes small problems."""
    return make_problem
