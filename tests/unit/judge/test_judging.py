"""Fits in, an evaluation out: its files, what stands in them, and that they are the same each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pyarrow.parquet as pq
import pytest
from simulated import draw_tracks, write_ingested

from schemas.errors import CorpusRejected
from schemas.evaluation import Evaluation
from schemas.parameters import EvaluateParameters, GroupParameters, SampleParameters
from tasks.group.grouping import group_tracks
from tasks.judge.judging import About, Made, judge_fits
from tasks.judge.reading import Evidence
from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    from pathlib import Path

Pooling = Literal["partial", "none", "complete"]
QUICK: dict[str, Any] = {"draws": 60, "tune": 60, "chains": 2, "artist_draws": 0}


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Made]]:
    """Fit six models to a small corpus with some of it held out."""
    root = tmp_path_factory.mktemp("fits")
    source = write_ingested(root / "ingested", draw_tracks(1, artists=60))
    made = []
    for features in (True, False):
        grouped = root / f"grouped-{features}"
        grouped.mkdir()
        slopes = "genre" if features else "none"
        grouping = GroupParameters.model_validate({"features": "all" if features else "none", "slopes": slopes})
        group_tracks(source, grouping, grouped, held_out=EvaluateParameters(held_out_tracks=0.2))
        for pooling in get_args(Pooling):
            sampled = root / f"sampled-{features}-{pooling}"
            sampled.mkdir()
            sample_posterior(grouped, SampleParameters(pooling=pooling, **QUICK), sampled)
            made.append(Made(pooling, features, grouped, sampled))
    return source, made


def about(source: Path) -> About:
    return About("test", "0123456789abcdef" * 2, {"judge": {"seed": 1}}, source)


def test_an_evaluation_has_a_score_for_each_model_and_kind(fits: tuple[Path, list[Made]], tmp_path: Path) -> None:
    source, made = fits
    evaluation = judge_fits(made, about(source), tmp_path)
    assert len(evaluation.scores) == 18
    assert {(score.judged, score.pooling, score.features) for score in evaluation.scores} == {
        (kind, pooling, features)
        for kind in ("known", "new", "again")
        for pooling in get_args(Pooling)
        for features in (True, False)
    }
    by_kind = [
        [score.elpd for score in evaluation.scores if score.judged == kind] for kind in ("known", "new", "again")
    ]
    assert all(elpds == sorted(elpds, reverse=True) for elpds in by_kind)
    assert evaluation.reference == "partial + features"
    assert len(evaluation.conclusions) == 3
    judged = {score.judged: score.tracks for score in evaluation.scores}
    assert judged["known"] + judged["new"] == evaluation.held_out


def test_files_say_the_same_and_are_the_same_each_time(fits: tuple[Path, list[Made]], tmp_path: Path) -> None:
    source, made = fits
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        evaluation = judge_fits(made, about(source), folder)
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert first == second
    assert set(first) == {"evaluation.json", "evaluation.md", "evaluation.parquet", "shrinkage.png"}
    assert Evaluation.model_validate_json(first["evaluation.json"]) == evaluation
    rows = pq.read_table(folders[0] / "evaluation.parquet").to_pylist()
    assert rows == [score.model_dump() for score in evaluation.scores]
    assert first["shrinkage.png"].startswith(b"\x89PNG")


def test_without_leave_one_out_there_is_none(fits: tuple[Path, list[Made]], tmp_path: Path) -> None:
    source, made = fits
    evaluation = judge_fits(made[:3], about(source), tmp_path, leave_out=False)
    assert {score.judged for score in evaluation.scores} == {"known", "new"}


def test_prior_precisions_are_those_of_the_fit(fits: tuple[Path, list[Made]]) -> None:
    # Given the scales the coefficients are normal with these precisions, so that their draws, taken together with
    # those of the scales, follow P and b; that is what leave-one-out builds on. Checked by its expectation of theta.
    _, made = fits
    evidence = Evidence.load(made[0].grouped, made[0].sampled)
    posterior, statistics = evidence.posterior, evidence.statistics
    assert posterior.precisions.shape == posterior.draws.theta.shape
    assert (posterior.precisions > 0).all()
    expected = []
    for sigma, tau, prior in zip(posterior.draws.sigma, posterior.draws.tau, posterior.precisions, strict=True):
        pooled = statistics.within / sigma**2
        pooled = pooled + np.tensordot(1 / (tau**2 + sigma**2 / statistics.sizes), statistics.between, axes=1)
        b = pooled[:-1, -1].copy()
        b[0] += prior[0] * posterior.intercept
        expected.append(np.linalg.solve(pooled[:-1, :-1] + np.diag(prior), b))
    surplus = posterior.draws.theta - np.array(expected)
    # 120 draws of 12 coefficients around their expectations: within 4.5 standard errors each, a false alarm in 10,000.
    assert (np.abs(surplus.mean(axis=0)) < 4.5 * surplus.std(axis=0) / len(surplus) ** 0.5).all()


def test_with_nothing_to_judge_by_it_says_so(tmp_path: Path) -> None:
    source = write_ingested(tmp_path / "ingested", draw_tracks(2))
    for folder in ("grouped", "sampled"):
        (tmp_path / folder).mkdir()
    nothing = EvaluateParameters(held_out_tracks=0, held_out_artists=0)
    group_tracks(source, GroupParameters(), tmp_path / "grouped", held_out=nothing)
    sample_posterior(tmp_path / "grouped", SampleParameters(**QUICK), tmp_path / "sampled")
    made = [Made("partial", True, tmp_path / "grouped", tmp_path / "sampled")]  # noqa: FBT003 - features
    with pytest.raises(CorpusRejected, match="can be held out"):
        judge_fits(made, about(source), tmp_path, leave_out=False)
