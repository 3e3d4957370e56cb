"""Leave-one-out from the sums is what conditioning the whole normal vector on all but one of its elements gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from tasks.judge.leaving_out import leave_one_out, left_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Problem

    Problems = Callable[..., Problem]


def by_brute_force(problem: Problem, draw: int) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and sd of each track given all others, from the covariance of all."""
    rows, posterior = problem.rows, problem.posterior
    sigma, tau = posterior.draws.sigma[draw], posterior.draws.tau[draw]
    same = rows.artist[:, None] == rows.artist[None, :]
    covariance = (rows.z / posterior.precisions[draw]) @ rows.z.T + tau**2 * same + sigma**2 * np.eye(len(rows.y))
    expected = rows.z[:, 0] * posterior.intercept
    means, sds = [], []
    for one in range(len(rows.y)):
        others = np.arange(len(rows.y)) != one
        gain = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, one])
        means.append(expected[one] + gain @ (rows.y - expected)[others])
        sds.append((covariance[one, one] - gain @ covariance[others, one]) ** 0.5)
    return np.array(means), np.array(sds)


@pytest.mark.parametrize("tau", [None, 0.0, 2000.0], ids=["partial", "complete", "none"])
def test_given_the_scales_it_is_exact(problems: Problems, tau: float | None) -> None:
    problem = problems(1, tau)
    mean, sd = left_out(problem.posterior, problem.statistics, problem.rows)
    for draw in range(len(mean)):
        expected_mean, expected_sd = by_brute_force(problem, draw)
        np.testing.assert_allclose(mean[draw], expected_mean, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(sd[draw], expected_sd, rtol=1e-8)


def test_over_the_scales_draws_weigh_the_less_the_better_they_expected_the_track(problems: Problems) -> None:
    problem = problems(2)
    judged = leave_one_out(problem.posterior, problem.statistics, problem.rows)
    parts = [by_brute_force(problem, draw) for draw in range(len(problem.posterior.draws.sigma))]
    density = np.array([stats.norm(mean, sd).pdf(problem.rows.y) for mean, sd in parts])
    weights = 1 / density / (1 / density).sum(axis=0)
    np.testing.assert_allclose(judged.log_density, np.log((weights * density).sum(axis=0)), rtol=1e-9)
    np.testing.assert_allclose(
        judged.mean, sum(w * mean for w, (mean, _) in zip(weights, parts, strict=True)), rtol=1e-7
    )
    below = [stats.norm(mean, sd).cdf(problem.rows.y) for mean, sd in parts]
    np.testing.assert_allclose(judged.place, (weights * below).sum(axis=0), rtol=1e-7)
    np.testing.assert_allclose(judged.effective, 1 / (weights**2).sum(axis=0), rtol=1e-9)


def test_a_few_tracks_are_judged_as_they_are_among_all(problems: Problems) -> None:
    problem = problems(3)
    whole = leave_one_out(problem.posterior, problem.statistics, problem.rows)
    some = problem.rows.artist == 2
    part = leave_one_out(problem.posterior, problem.statistics, problem.rows.chosen(some))
    np.testing.assert_allclose(part.log_density, whole.log_density[some])


def test_nothing_left_out_is_nothing_judged(problems: Problems) -> None:
    problem = problems(4)
    judged = leave_one_out(problem.posterior, problem.statistics, problem.rows.chosen(problem.rows.artist > 99))
    assert len(judged.log_density) == 0
