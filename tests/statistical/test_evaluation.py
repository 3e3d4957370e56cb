"""Judging is right where the truth is known: on corpora drawn from the model, and against fits made again.

The seeds are fixed, so that a test fails always or never; the rates are over seeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pytest
from scipy import stats
from simulated import draw_tracks, write_ingested

from schemas.parameters import EvaluateParameters, GroupParameters, SampleParameters
from schemas.priors import Priors
from schemas.reports import Design, DesignColumn
from tasks.group.grouping import group_tracks
from tasks.group.sums import statistics_of, sums_of
from tasks.judge.judging import About, Made, judge_fits
from tasks.judge.leaving_out import draws_for, leave_one_out, left_out
from tasks.judge.predicting import judge_rows
from tasks.judge.reading import Evidence, Rows
from tasks.predictive import Known, conditional
from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.evaluation import Score

Pooling = Literal["partial", "none", "complete"]


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, bool], Score]:
    """Judge the six models on 2,000 artists with 1 to 5 tracks each, drawn from the model."""
    root = tmp_path_factory.mktemp("evaluation")
    source = write_ingested(root / "ingested", draw_tracks(11, artists=2000, most=5))
    made = []
    for features in (True, False):
        grouped = root / f"grouped-{features}"
        grouped.mkdir()
        grouping = GroupParameters(features="all" if features else "none")
        group_tracks(source, grouping, grouped, held_out=EvaluateParameters(held_out_tracks=0.2, held_out_artists=0.2))
        for pooling in get_args(Pooling):
            sampled = root / f"sampled-{features}-{pooling}"
            sampled.mkdir()
            sample_posterior(grouped, SampleParameters(pooling=pooling, draws=250, artist_draws=0), sampled)
            made.append(Made(pooling, features, grouped, sampled))
    evaluation = judge_fits(made, About("test", "0" * 32, {}, source), root)
    return {(score.judged, score.pooling, score.features): score for score in evaluation.scores}


@pytest.mark.parametrize("kind", ["known", "new", "again"])
def test_intervals_of_the_true_model_hold_what_they_say(scores: dict[tuple[str, str, bool], Score], kind: str) -> None:
    # Artists are independent, their tracks not quite: as many trials as artists is on the safe side. Four standard
    # errors in six comparisons: less than one false alarm in 2,600 seeds.
    score = scores[kind, "partial", True]
    assert score.artists > 250
    for share, inside in ((0.5, score.inside_50), (0.9, score.inside_90)):
        assert inside == pytest.approx(share, abs=4 * (share * (1 - share) / score.artists) ** 0.5)


def test_the_true_model_predicts_best(scores: dict[tuple[str, str, bool], Score]) -> None:
    # Each of these differences is worth four standard errors or more, most of them over seven: one falls short of a
    # single one in some 600 seeds.
    for kind, rivals in {
        "known": [("none", True), ("complete", True), ("partial", False)],
        "new": [("none", True), ("partial", False)],
        "again": [("none", True), ("complete", True), ("partial", False)],
    }.items():
        for pooling, features in rivals:
            score = scores[kind, pooling, features]
            assert score.difference_se is not None
            assert score.difference < -score.difference_se, (kind, pooling, features)


def test_errors_are_of_the_size_that_the_model_makes_them(scores: dict[tuple[str, str, bool], Score]) -> None:
    # sigma is 12 and tau 10: a new artist's track is off by sqrt(244) or a little more. 400 artists of 3 tracks: the
    # RMSE has a relative error of about 3 %; five of those.
    assert scores["new", "partial", True].rmse == pytest.approx(244**0.5, rel=0.16)
    assert 12 * 0.9 < scores["known", "partial", True].rmse < 244**0.5


def grouped_rows(folder: Path, rows: Rows) -> Path:
    """Write rows as group would, without standardising them anew."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir()
    names = np.array([f"{number:02d}" for number in rows.artist], dtype=object)
    sums = sums_of(names, np.column_stack([rows.z, rows.y]))
    statistics_of(sums).save(folder / "statistics")
    design = Design(
        columns=(
            DesignColumn(name="intercept", kind="intercept"),
            DesignColumn(name="energy", kind="feature", block="energy"),
            DesignColumn(name="valence", kind="feature", block="mood"),
        ),
        observations=len(rows.y),
        artists=len(sums.names),
        popularity_mean=50.0,
        popularity_sd=15.0,
    )
    (folder / "design.json").write_text(design.model_dump_json(), encoding="utf-8")
    pq.write_table(pa.table({"artist": pa.array(sums.names, pa.string())}), folder / "artists.parquet")
    for part in ("tested", "again"):
        (folder / "held_out" / part).mkdir(parents=True)
        for name in ("artist", "z", "y"):
            np.save(folder / "held_out" / part / f"{name}.npy", getattr(rows, name))
    return folder


def test_leaving_one_out_is_what_fitting_without_it_says(tmp_path: Path) -> None:
    # 4.5 Monte Carlo standard errors in three comparisons: a false alarm in some 49,000 seeds.
    generator = np.random.default_rng(12)
    artist = np.repeat(np.arange(10), [2, 5, 3, 2, 4, 6, 2, 3, 2, 4])
    z = np.column_stack([np.ones(len(artist)), generator.normal(size=(len(artist), 2))])
    y = z @ [2.0, 6, -2] + generator.normal(0, 10, 10)[artist] + generator.normal(0, 9, len(artist))
    y[7] += 25  # a track that says much about sigma, so that leaving it out matters
    priors = Priors.model_validate(
        {"mu": "normal(50, 40)", "sigma": "exponential(0.1)", "tau": "exponential(0.1)", "tau_block": "half_normal(5)"}
    )
    parameters = SampleParameters(priors=priors, chains=2, draws=500, artist_draws=0)

    def fitted(name: str, rows: Rows) -> Evidence:
        grouped = grouped_rows(tmp_path / name, rows)
        (tmp_path / f"{name} sampled").mkdir()
        sample_posterior(grouped, parameters, tmp_path / f"{name} sampled")
        return Evidence.load(grouped, tmp_path / f"{name} sampled")

    everything = Rows(artist, z, y)
    whole = fitted("whole", everything)
    judged = leave_one_out(whole.posterior, whole.statistics, everything)
    mean, sd = left_out(whole.posterior.thinned(draws_for(len(y))), whole.statistics, everything)
    inverse = 1 / stats.norm(mean, sd).pdf(y)
    for track in (0, 7, 30):
        without = fitted(f"without {track}", everything.chosen(np.arange(len(y)) != track))
        one = everything.chosen(np.arange(len(y)) == track)
        again = judge_rows(without.posterior, without.statistics, one)
        known = Known(without.statistics.counts[one.artist].astype(float), without.statistics.means[one.artist])
        density = stats.norm(*conditional(without.posterior.thinned(1000).draws, known, one.z)).pdf(one.y)
        error = np.hypot(
            inverse[:, track].std() / inverse[:, track].mean() / len(mean) ** 0.5,
            density.std() / density.mean() / 1000**0.5,
        )
        # Draws of the scales are correlated: a third of them counts.
        assert judged.log_density[track] == pytest.approx(again.log_density[0], abs=4.5 * 3**0.5 * error)
