"""Model checks pass corpora that the model made, and tell those that it did not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.parameters import GateParameters
from schemas.priors import parse_prior
from schemas.reports import Design, DesignColumn, SamplingReport
from schemas.statistics import Statistics
from tasks.gate.artists import Coefficients
from tasks.gate.corpus import Corpus
from tasks.gate.leaving_out import leave_out_artists
from tasks.gate.model_checks import NAMES, model_checks
from tasks.gate.overlapping import probability_below

ARTISTS, DRAWS = 120, 400
MU, BETA, SIGMA, TAU, BLOCK = 50.0, 4.0, 9.0, 6.0, 3.0


class Simulated:
    """Tracks of the model, and what `group` would make of them."""

    def __init__(self, seed: int = 1) -> None:
        generator = np.random.default_rng(seed)
        self.artist = np.repeat(np.arange(ARTISTS), generator.geometric(0.2, ARTISTS) + 1)
        count = len(self.artist)
        feature = generator.normal(size=count)
        self.feature = (feature - feature.mean()) / feature.std()
        self.y = MU + BETA * self.feature + generator.normal(0, TAU, ARTISTS)[self.artist]
        self.y = self.y + generator.normal(0, SIGMA, count)

    def corpus(self, **changes: Any) -> Corpus:
        """Sum the tracks up, with a posterior around what they were made of, changed as asked."""
        rows = np.column_stack([np.ones(len(self.y)), self.feature, self.y - self.y.mean()])
        counts = np.bincount(self.artist)
        means = np.stack([np.bincount(self.artist, column) for column in rows.T], axis=1) / counts[:, None]
        around = rows - means[self.artist]
        sizes = np.unique(counts)
        statistics = Statistics(
            within=around.T @ around,
            sizes=sizes.astype(np.float64),
            artists_of_size=np.array([(counts == size).sum() for size in sizes], dtype=np.float64),
            between=np.stack([means[counts == size].T @ means[counts == size] for size in sizes]),
            counts=counts,
            means=means,
        )
        generator = np.random.default_rng(5)
        theta = generator.normal([MU - self.y.mean(), BETA], [0.6, 0.3], (DRAWS, 2))
        sigma, tau, block = (value * np.exp(0.05 * generator.normal(size=DRAWS)) for value in (SIGMA, TAU, BLOCK))
        columns = (DesignColumn(name="", kind="intercept"), DesignColumn(name="energy", kind="feature", block="energy"))
        design = Design(
            columns=columns,
            observations=len(self.y),
            artists=ARTISTS,
            popularity_mean=float(self.y.mean()),
            popularity_sd=float(self.y.std()),
            share_of_zeros=float((self.y < 0.5).mean()),
        )
        report = SamplingReport(
            engine="collapsed",
            sampler="nutpie",
            pooling=changes.get("pooling", "partial"),
            likelihood=changes.get("likelihood", "normal"),
            priors={
                "mu": "normal(50, 40)",
                "sigma": "exponential(0.1)",
                "tau": "exponential(1) relative to sigma",
                "tau_block": changes.get("tau_block", "half_normal(10)"),
            },
            new_artist={},
            interval=0.9,
            versions={},
        )
        scales = {"tau_block": block[:, None]} | ({"nu": np.full(DRAWS, 5.0)} if "likelihood" in changes else {})
        coefficients = Coefficients(
            4, theta + changes.get("shift", 0.0), changes.get("stretch", 1.0) * sigma, changes.get("spread", 1.0) * tau
        )
        return Corpus(design, report, statistics, coefficients, scales)


def checked(corpus: Corpus, **actions: str) -> dict[str, Any]:
    parameters = GateParameters(**{f"check_{name}": action for name, action in actions.items()})
    return {check.name: check for check in model_checks(corpus, parameters)}


def test_a_corpus_that_the_model_made_passes() -> None:
    found = checked(Simulated().corpus())
    assert tuple(found) == NAMES
    assert {name for name, check in found.items() if not check.passed} == set()
    assert {check.action for name, check in found.items() if name not in {"mean", "sd"}} == {"warn"}
    assert found["mean"].action == found["sd"].action == "fail"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"shift": np.array([8.0, 0.0])}, "mean"),
        ({"stretch": 1.4}, "sd"),
        ({"stretch": 4.0}, "outside"),
        ({"spread": 0.3}, "coverage"),
        ({"spread": 3.0}, "highest"),
        ({"tau_block": "half_normal(0.5)"}, "conflict"),
    ],
)
def test_a_posterior_of_something_else_is_told(changes: dict[str, Any], told: str) -> None:
    found = checked(Simulated().corpus(**changes))
    short = {name for name, check in found.items() if not check.passed}
    assert told in short


def test_zeros_that_no_normal_model_has_are_told() -> None:
    simulated = Simulated()
    simulated.y[::8] = 0.0
    found = checked(simulated.corpus(stretch=1.6))
    assert not found["zeros"].passed
    assert found["zeros"].observed == pytest.approx((simulated.y < 0.5).mean())


def test_a_posterior_that_is_its_prior_overlaps_with_it() -> None:
    corpus = Simulated().corpus()
    corpus.scales["tau_block"][:, 0] = np.abs(np.random.default_rng(1).normal(0, 10, DRAWS))
    found = checked(corpus)["overlap"]
    assert not found.passed
    assert "tau_block[energy]" in found.sentence


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"likelihood": "student_t"}, {"zeros", "outside", "overlap", "conflict"}),
        ({"pooling": "none"}, {"mean", "zeros", "outside", "overlap", "conflict"}),
    ],
)
def test_checks_that_cannot_be_made_are_not_there(changes: dict[str, Any], left: set[str]) -> None:
    assert set(checked(Simulated().corpus(**changes))) == left


def test_what_is_off_is_not_there_and_what_fails_fails() -> None:
    found = checked(Simulated().corpus(stretch=4.0), mean="off", sd="off", outside="fail", zeros="off")
    assert {"mean", "sd", "zeros"} & found.keys() == set()
    assert found["outside"].action == "fail"
    assert not found["outside"].passed


def test_a_handful_of_draws_has_no_tail_and_passes_no_check_of_it() -> None:
    corpus = Simulated().corpus()
    draws = corpus.coefficients
    few = Coefficients(4, draws.theta[:16], draws.sigma[:16], draws.tau[:16])
    scales = {"tau_block": corpus.scales["tau_block"][:16]}
    found = checked(Corpus(corpus.design, corpus.report, corpus.statistics, few, scales))
    assert not found["influence"].passed
    assert found["influence"].observed is None


def test_leaving_an_artist_out_is_what_the_normal_distribution_of_all_artists_says() -> None:
    # One draw of the scales: the means of all artists are jointly normal.
    corpus = Simulated().corpus()
    sigma, tau, block = SIGMA, TAU, BLOCK
    one = Coefficients(1, corpus.coefficients.theta[:1], np.array([sigma]), np.array([tau]))
    single = Corpus(corpus.design, corpus.report, corpus.statistics, one, {"tau_block": np.array([[block]])})
    left = leave_out_artists(single)
    assert left is not None
    statistics = corpus.statistics
    z, y = statistics.means[:, :-1], statistics.means[:, -1]
    # The posterior of theta from what is within artists is the prior that their means come with.
    precision = statistics.within[:-1, :-1] / sigma**2 + np.diag([40.0**-2, block**-2])
    b = statistics.within[:-1, -1] / sigma**2 + np.array([40.0**-2 * (50.0 - corpus.design.popularity_mean), 0.0])
    centre, spread = np.linalg.solve(precision, b), np.linalg.inv(precision)
    covariance = z @ spread @ z.T + np.diag(tau**2 + sigma**2 / statistics.counts)
    for position in (0, 17, ARTISTS - 1):
        rest = np.arange(ARTISTS) != position
        gain = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, position])
        mean = z[position] @ centre + gain @ (y[rest] - z[rest] @ centre)
        sd = np.sqrt(covariance[position, position] - gain @ covariance[rest, position])
        from scipy.special import ndtr

        at = int(np.flatnonzero(left.artists == position)[0])
        assert left.place[at] == pytest.approx(ndtr((y[position] - mean) / sd), abs=1e-9)


@pytest.mark.parametrize(
    "prior",
    [
        "normal(1, 2)",
        "exponential(0.3)",
        "half_normal(4)",
        "half_cauchy(2)",
        "half_student_t(3, 2)",
        "gamma(2, 0.5)",
        "lognormal(1, 0.5)",
    ],
)
def test_distribution_functions_are_scipys(prior: str) -> None:
    from scipy import stats

    parsed = parse_prior(prior)
    first, *rest = parsed.arguments
    theirs: Any = {
        "normal": lambda: stats.norm(first, *rest),
        "exponential": lambda: stats.expon(scale=1 / first),
        "half_normal": lambda: stats.halfnorm(scale=first),
        "half_cauchy": lambda: stats.halfcauchy(scale=first),
        "half_student_t": lambda: stats.t(first, scale=rest[0]),
        "gamma": lambda: stats.gamma(first, scale=1 / rest[0]),
        "lognormal": lambda: stats.lognorm(rest[0], scale=np.exp(first)),
    }[parsed.family]()
    value = np.array([0.1, 1.0, 3.0, 20.0])
    expected = 2 * theirs.cdf(value) - 1 if parsed.family == "half_student_t" else theirs.cdf(value)
    assert probability_below(parsed, value) == pytest.approx(expected)
