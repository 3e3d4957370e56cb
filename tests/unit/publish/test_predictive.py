"""The posterior predictive check: it says so where the corpus is not like one that the model makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.publish.evidence import read_evidence
from tasks.publish.predictive import PredictiveCheck, predictive_check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.publish.publisher import Inputs

ARTISTS = 2_000


def checked(inputs: Inputs, *, shift: float = 0.0, student: bool = False) -> PredictiveCheck:
    """Give the artists averages such as the model makes, moved by `shift` points, and check them."""
    evidence = read_evidence(inputs)
    folder = inputs.group / "statistics"
    counts, means = np.load(folder / "counts.npy"), np.load(folder / "means.npy")
    middle = {name: float(draws.mean()) for name, draws in evidence.posterior.scales.items()}
    rng = np.random.default_rng(11)
    coefficients = [middle["mu"]]
    coefficients += [float(draws.mean()) for draws in evidence.posterior.betas.values()]
    coefficients += [float(draws.mean()) for draws in evidence.posterior.genres.values()]
    spread = np.sqrt(middle["tau"] ** 2 + middle["sigma"] ** 2 / counts)
    made = means[:, :-1] @ np.array(coefficients) + spread * rng.standard_normal(len(counts)) + shift
    means[:, -1] = made - evidence.design.popularity_mean
    np.save(folder / "means.npy", means)
    found = predictive_check(inputs.group, evidence)
    assert found is not None
    assert found.artists == ARTISTS
    assert found.seen.sum() == pytest.approx(1)
    assert student == ("nu" in evidence.posterior.scales)
    return found


def outside(check: PredictiveCheck) -> int:
    return int(((check.seen < check.low) | (check.seen > check.high)).sum())


def test_a_corpus_from_the_model_is_like_one(make_inputs: Callable[..., Inputs], tmp_path: Path) -> None:
    check = checked(make_inputs(tmp_path, artists=ARTISTS, names=()))
    # Of some 21 bins one in ten lies outside by chance; 8 or more have a probability below 0.001.
    assert outside(check) < 8


def test_a_corpus_that_is_not_from_the_model_is_not(make_inputs: Callable[..., Inputs], tmp_path: Path) -> None:
    assert outside(checked(make_inputs(tmp_path, artists=ARTISTS, names=()), shift=15.0)) > 10


def test_heavier_tails_are_made_track_by_track(make_inputs: Callable[..., Inputs], tmp_path: Path) -> None:
    check = checked(make_inputs(tmp_path, artists=ARTISTS, names=(), student=True), student=True)
    normal = checked(make_inputs(tmp_path / "normal", artists=ARTISTS, names=()))
    # Averages of single tracks reach further out.
    assert check.middle[0] + check.middle[-1] > normal.middle[0] + normal.middle[-1]


def test_without_pooling_there_is_nothing_to_compare(make_inputs: Callable[..., Inputs], tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path, pooling="none")
    assert predictive_check(inputs.group, read_evidence(inputs)) is None


def test_it_is_the_same_every_time(make_inputs: Callable[..., Inputs], tmp_path: Path) -> None:
    inputs = make_inputs(tmp_path)
    first, second = (predictive_check(inputs.group, read_evidence(inputs)) for _ in range(2))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.low, second.low)
