"""Scores are the sums and shares that they are called, and standard errors know whose tracks they are."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.judge.predicting import Judged
from tasks.judge.scoring import Candidate, scored
from tasks.predictive import standard_error


def test_with_a_track_an_artist_it_is_the_usual_standard_error() -> None:
    values = np.random.default_rng(1).normal(3, 2, 50)
    assert standard_error(values, np.arange(50)) == pytest.approx(50**0.5 * values.std(ddof=1))


def test_an_artists_tracks_that_say_the_same_count_once() -> None:
    values = np.random.default_rng(2).normal(3, 2, 50)
    # Each artist's value four times over: four times the sum, and four times its standard error.
    again = standard_error(np.repeat(values, 4), np.repeat(np.arange(50), 4))
    assert again == pytest.approx(4 * 50**0.5 * values.std(ddof=1))
    # Were they independent, it would be half of that.
    assert standard_error(np.repeat(values, 4), np.arange(200)) == pytest.approx(again / 2, rel=0.02)


def test_standard_errors_are_right_where_artists_matter() -> None:
    # 400 sums over 60 artists with 1 to 8 tracks each, whose values go together: their spread is what was estimated.
    # The sd of 400 has a relative error of 3.5 %, the mean of the estimates less; four of those.
    generator = np.random.default_rng(3)
    artist = np.repeat(np.arange(60), generator.integers(1, 9, 60))
    sums, errors = [], []
    for _ in range(400):
        values = generator.normal(0, 1, 60)[artist] + generator.normal(0, 1, len(artist))
        sums.append(values.sum())
        errors.append(standard_error(values, artist))
    assert np.mean(errors) == pytest.approx(np.std(sums), rel=0.15)


def test_a_single_artist_has_no_standard_error() -> None:
    assert standard_error(np.array([1.0, 2.0]), np.array([7, 7])) is None
    assert standard_error(np.empty(0), np.empty(0, dtype=np.int64)) is None


def test_scores_by_hand() -> None:
    y = np.array([0.0, 10.0, 20.0, 40.0])
    artist = np.array([0, 1, 2, 3])
    poor = Judged(
        np.array([-5.0, -4.0, -6.0, -5.0]), np.array([1.0, 8.0, 20.0, 36.0]), np.array([0.5, 0.26, 0.8, 0.96])
    )
    good = Judged(np.array([-4.0, -4.0, -3.0, -5.0]), y, np.full(4, 0.5), np.array([180.0, 150.0, 199.0, 190.0]))
    scores = scored("known", [Candidate("partial", True, poor, y), Candidate("none", False, good, y)], artist)  # noqa: FBT003 - features
    best, reference = scores
    assert (best.pooling, best.features, best.judged, best.tracks, best.artists) == ("none", False, "known", 4, 4)
    assert (best.elpd, reference.elpd) == (-16, -20)
    assert (reference.difference, reference.difference_se) == (0, 0)
    # Paired: 1, 0, 3, 0.
    assert best.difference == 4
    assert best.difference_se == pytest.approx(2 * np.std([1, 0, 3, 0], ddof=1))
    assert (best.mae, best.rmse) == (0, 0)
    assert reference.mae == pytest.approx((1 + 2 + 0 + 4) / 4)
    assert reference.rmse == pytest.approx(((1 + 4 + 0 + 16) / 4) ** 0.5)
    assert (reference.inside_50, reference.inside_90) == (0.5, 0.75)
    assert (best.effective_draws, reference.effective_draws) == (150, None)


def test_no_tracks_have_no_scores() -> None:
    nothing = Judged(np.empty(0), np.empty(0), np.empty(0))
    candidates = [Candidate("partial", False, nothing, np.empty(0))]  # noqa: FBT003 - features
    assert scored("new", candidates, np.empty(0, dtype=np.int64)) == []
