"""The evaluation, on a real Prefect server, from files to a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import book
import pytest

from schemas.errors import InvalidParameter, NotConverged
from schemas.evaluation import Evaluated, Evaluation
from schemas.parameters import EvaluateParameters, GateParameters, GroupParameters, IngestParameters, SampleParameters

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("prefect_server")

KEEP = IngestParameters(repeats="keep")
SPLIT = EvaluateParameters(held_out_tracks=0.2, held_out_artists=0.2)


def run(source: Path, to: Path, name: str = "judged", **options: Any) -> tuple[Evaluated, Evaluation]:
    from flows.evaluate import evaluate

    evaluated = evaluate([str(source)], name=name, to=str(to), ingestion=KEEP, evaluating=SPLIT, **options)
    assert isinstance(evaluated, Evaluated)
    text = (Path(evaluated.path) / "evaluation.json").read_text(encoding="utf-8")
    return evaluated, Evaluation.model_validate_json(text)


def artifacts(key: str) -> list[Any]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowRunFilter, TaskRunFilter
    from prefect.client.schemas.sorting import ArtifactSort

    with get_client(sync_client=True) as client:
        return client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])),
            flow_run_filter=FlowRunFilter(),
            task_run_filter=TaskRunFilter(),
            sort=ArtifactSort.CREATED_DESC,
            limit=100,
            offset=0,
        )


@pytest.fixture
def tracks(write_corpus: Callable[..., Path]) -> Path:
    return write_corpus("book.csv", book.tracks())


def test_an_evaluation_lies_beside_the_publication_and_in_the_ui(tracks: Path, tmp_path: Path) -> None:
    # This corpus has no audio features and no genres: three models are left of six.
    evaluated, evaluation = run(tracks, tmp_path)
    assert evaluated.new
    assert Path(evaluated.path).parent == tmp_path / "judged" / "evaluations"
    assert {path.name for path in Path(evaluated.path).iterdir()} >= {
        "evaluation.json",
        "evaluation.md",
        "evaluation.parquet",
        "shrinkage.png",
    }
    assert {(score.pooling, score.features) for score in evaluation.scores} == {
        ("partial", False),
        ("none", False),
        ("complete", False),
    }
    assert evaluation.tracks + evaluation.held_out == 350
    assert not (tmp_path / "judged" / "current").exists()
    # The artists of this book differ much, which a model without artists cannot say.
    again = {score.pooling: score for score in evaluation.scores if score.judged == "again"}
    assert again["complete"].difference < -50
    (table,) = [artifact for artifact in artifacts("evaluation") if "judged" in artifact.description]
    rows = json.loads(table.data)
    assert [row["ELPD"] for row in rows] == [round(score.elpd, 1) for score in evaluation.scores]
    (page,) = [artifact for artifact in artifacts("evaluation-report") if artifact.description == "judged"]
    assert all(sentence in page.data for sentence in evaluation.conclusions)

    again_evaluated, _ = run(tracks, tmp_path)
    assert not again_evaluated.new
    assert again_evaluated.path == evaluated.path
    forced, same = run(tracks, tmp_path, force=True)
    assert forced.new
    assert forced.path > evaluated.path
    assert same == evaluation


def test_what_no_gate_passes_is_not_judged(tracks: Path, tmp_path: Path) -> None:
    with pytest.raises(NotConverged, match=r"judged \(partial pooling, no features\) is not fit"):
        run(tracks, tmp_path, sampling=SampleParameters(draws=20, tune=20), gating=GateParameters(rungs=0))
    assert not (tmp_path / "judged" / "evaluations").exists()


def test_what_cannot_be_judged_is_said_before_anything_is_read(tracks: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="normal likelihood"):
        run(tracks, tmp_path, sampling=SampleParameters(likelihood="student_t"))
    with pytest.raises(InvalidParameter, match="cannot name a publication"):
        run(tracks, tmp_path, name="../elsewhere")
    assert not list(tmp_path.glob("judged*"))


@pytest.mark.slow
def test_real_tracks_with_features_and_slopes(sample_corpus: Path, tmp_path: Path) -> None:
    _, evaluation = run(sample_corpus, tmp_path, grouping=GroupParameters(slopes="genre"))
    assert len(evaluation.scores) == 18
    assert evaluation.reference == "partial + features"
    known = {(score.pooling, score.features): score for score in evaluation.scores if score.judged == "known"}
    # Tracks of one artist are much alike here: who knows the artist is off by half as much.
    assert known["partial", True].mae < 0.7 * known["complete", True].mae
    assert 0.8 < known["partial", True].inside_90 < 1
