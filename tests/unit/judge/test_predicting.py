"""What a fit says of a track is the mixture that integrating everything out by hand gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from tasks.judge import predicting
from tasks.judge.predicting import judge_rows
from tasks.judge.reading import Rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from conftest import Problem

    Problems = Callable[..., Problem]


def by_hand(problem: Problem, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and sd of each track given each draw, an artist's tracks conditioned on one by one."""
    draws, seen = problem.posterior.draws, problem.rows
    mean, sd = np.empty((2, len(draws.sigma), len(rows.y)))
    for draw, (theta, sigma, tau) in enumerate(zip(draws.theta, draws.sigma, draws.tau, strict=True)):
        for track, artist in enumerate(rows.artist):
            effect, variance = 0.0, tau**2
            for residual in (seen.y - seen.z @ theta)[seen.artist == artist]:
                gain = variance / (variance + sigma**2)
                effect, variance = effect + gain * (residual - effect), variance * (1 - gain)
            mean[draw, track] = rows.z[track] @ theta + effect
            sd[draw, track] = (variance + sigma**2) ** 0.5
    return mean, sd


def some_rows(seed: int) -> Rows:
    generator = np.random.default_rng(seed)
    # 6 and 9 are artists whom training has not seen.
    artist = np.array([0, 2, 2, 5, 6, 9, 4])
    z = np.column_stack([np.ones(7), generator.normal(size=(7, 3))])
    return Rows(artist, z, generator.normal(0, 20, 7))


def test_predictions_are_mixtures_over_the_draws(problems: Problems) -> None:
    problem, rows = problems(1), some_rows(2)
    judged = judge_rows(problem.posterior, problem.statistics, rows)
    mean, sd = by_hand(problem, rows)
    normal = stats.norm(mean, sd)
    np.testing.assert_allclose(judged.log_density, np.log(normal.pdf(rows.y).mean(axis=0)), rtol=1e-9)
    np.testing.assert_allclose(judged.mean, mean.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(judged.place, normal.cdf(rows.y).mean(axis=0), rtol=1e-9)


def test_it_does_not_matter_how_many_tracks_are_judged_at_a_time(
    problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, rows = problems(1), some_rows(2)
    whole = judge_rows(problem.posterior, problem.statistics, rows)
    monkeypatch.setattr(predicting, "_CELLS", 10)  # two tracks with five draws each
    parts = judge_rows(problem.posterior, problem.statistics, rows)
    np.testing.assert_allclose(parts.log_density, whole.log_density, rtol=1e-12)
    np.testing.assert_allclose(parts.place, whole.place, rtol=1e-12)


def test_artists_nobody_has_seen_are_all_alike(problems: Problems) -> None:
    problem, rows = problems(1), some_rows(2)
    renamed = Rows(np.where(rows.artist == 9, 123, rows.artist), rows.z, rows.y)
    first, second = (judge_rows(problem.posterior, problem.statistics, each) for each in (rows, renamed))
    np.testing.assert_array_equal(first.log_density, second.log_density)


def test_a_track_far_from_all_that_was_expected_has_a_density_still(problems: Problems) -> None:
    problem, rows = problems(1), some_rows(2)
    far = Rows(rows.artist, rows.z, rows.y + 1e4)
    judged = judge_rows(problem.posterior, problem.statistics, far)
    assert np.isfinite(judged.log_density).all()
    assert (judged.log_density < -1e4).all()
    assert (judged.place == 1).all()
