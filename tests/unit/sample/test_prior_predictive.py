"""What the priors expect, against corpora simulated row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from small import make_rows

from schemas.parameters import SampleParameters
from schemas.priors import Priors
from tasks.sample.prior_predictive import prior_predictive

if TYPE_CHECKING:
    from small import Rows

PRIORS = Priors.model_validate(
    {
        "mu": "normal(45, 20)",
        "sigma": "gamma(4, 0.4)",
        "tau": "half_normal(1) relative to sigma",
        "tau_genre": "exponential(0.2)",
        "tau_block": "lognormal(0.5, 0.5)",
        "tau_slope": "half_normal(2)",
        "nu": "gamma(2, 0.5)",
    }
)


def simulated(rows: Rows, count: int, *, student: bool, slopes: bool) -> dict[str, np.ndarray]:
    """Simulate corpora from `PRIORS` track by track, and measure each."""
    generator = np.random.default_rng(8)
    artists, genres = int(rows.artist.max()) + 1, rows.z[:, 4:6]
    measured: dict[str, list[float]] = {}
    for _ in range(count):
        sigma = generator.gamma(4, 1 / 0.4)
        tau = sigma * abs(generator.normal())
        blocks = np.exp(generator.normal(0.5, 0.5, 2))
        beta = generator.normal(0, blocks[[0, 0, 1]])
        effects = generator.normal(0, generator.exponential(5), genres.shape[1])
        nu = 0.0
        while student and nu <= 2:
            nu = generator.gamma(2, 2)
        errors = generator.standard_t(nu, len(rows.y)) if student else generator.normal(size=len(rows.y))
        y = generator.normal(45, 20) + rows.z[:, 1:6] @ np.concatenate([beta, effects])
        if slopes:
            apart = abs(generator.normal(0, 2, 2))
            y += rows.z[:, 6:] @ generator.normal(0, np.tile(apart[[0, 0, 1]], 2))
        y += generator.normal(0, tau, artists)[rows.artist] + sigma * errors
        by_artist = np.bincount(rows.artist, y) / np.bincount(rows.artist)
        for name, value in {
            "mean": y.mean(),
            "sd_of_tracks": y.std(),
            "sd_of_artist_means": by_artist.std(),
            "sd_of_genre_means": (genres.T @ y / genres.sum(axis=0)).std(),
            "share_outside": ((y < 0) | (y > 100)).mean(),
        }.items():
            measured.setdefault(name, []).append(float(value))
    return {name: np.array(values) for name, values in measured.items()}


@pytest.mark.parametrize("slopes", [False, True], ids=["common slopes", "slopes by genre"])
@pytest.mark.parametrize("student", [False, True], ids=["normal", "student_t"])
def test_it_expects_what_simulated_corpora_show(*, student: bool, slopes: bool) -> None:
    # 1,000 draws against 2,000 corpora: of each corpus, where the quantiles that are reported rank among the simulated
    # ones. The standard error of a rank near the middle is 0.02, near the ends 0.01; 4.5 of them are allowed, a false
    # alarm in about 2,500 runs for the 60 comparisons. The seeds are fixed.
    rows = make_rows(3, artists=80, slopes=slopes)
    parameters = SampleParameters(priors=PRIORS, likelihood="student_t" if student else "normal")
    expected = prior_predictive(rows.grouped, parameters)
    corpora = simulated(rows, 2000, student=student, slopes=slopes)
    assert set(expected) == set(corpora)
    for name, values in corpora.items():
        for end, probability, error in (("low", 0.05, 0.01), ("median", 0.5, 0.02), ("high", 0.95, 0.01)):
            rank = np.array([(values < expected[name][end]).mean(), (values <= expected[name][end]).mean()])
            assert rank[0] - 4.5 * error <= probability <= rank[1] + 4.5 * error, (name, end)


def test_beside_it_stands_what_was_seen(rows: Rows) -> None:
    y = rows.y + rows.grouped.design.popularity_mean
    genres = rows.z[:, 4:6]
    seen = {name: row["observed"] for name, row in prior_predictive(rows.grouped, SampleParameters()).items()}
    by_artist = np.bincount(rows.artist, y) / np.bincount(rows.artist)
    assert seen["mean"] == pytest.approx(y.mean())
    assert seen["sd_of_tracks"] == pytest.approx(y.std())
    assert seen["sd_of_artist_means"] == pytest.approx(by_artist.std())
    assert seen["sd_of_genre_means"] == pytest.approx((genres.T @ y / genres.sum(axis=0)).std())
    assert seen["share_outside"] == 0


def test_the_same_seed_expects_the_same(rows: Rows) -> None:
    first, again, other = (prior_predictive(rows.grouped, SampleParameters(seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_without_pooling_hardly_any_track_is_expected_inside(rows: Rows) -> None:
    assert prior_predictive(rows.grouped, SampleParameters(pooling="none"))["share_outside"]["median"] > 0.9
    complete = prior_predictive(rows.grouped, SampleParameters(pooling="complete"))
    partial = prior_predictive(rows.grouped, SampleParameters())
    assert complete["sd_of_artist_means"]["median"] < partial["sd_of_artist_means"]["median"]


@pytest.mark.parametrize(
    "tau",
    ["half_cauchy(25)", "half_student_t(0.1, 100)", "lognormal(900, 1)", "exponential(0.000001) relative to sigma"],
)
def test_tails_without_end_give_numbers(rows: Rows, tau: str) -> None:
    found = prior_predictive(rows.grouped, SampleParameters(priors=Priors(tau=tau, sigma="half_cauchy(1000)")))
    assert np.isfinite([number for row in found.values() for number in row.values()]).all()


def test_one_genre_or_none_has_no_spread_between_genres() -> None:
    assert "sd_of_genre_means" not in prior_predictive(make_rows(1, genres=0).grouped, SampleParameters())
