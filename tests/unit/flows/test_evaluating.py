"""`encore evaluate` without a flow: mistakes, and what has been judged before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from schemas.errors import CorpusRejected, InvalidParameter
from schemas.evaluation import Evaluation, Score
from schemas.parameters import (
    EvaluateParameters,
    GateParameters,
    GroupParameters,
    IngestParameters,
    SampleParameters,
)
from schemas.versions import STEPS
from tasks.judge.evaluations import keep
from tasks.storage import sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def encore(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", *arguments])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--held-out-tracks", "0.9"), "--held-out-tracks 0.9"),
        (("--most-rows", "1"), "--most-rows 1"),
        (("--features", "bogus"), "--features bogus: unknown feature"),
        (("--name", "../x"), "cannot name a publication"),
    ],
)
def test_a_mistake_is_answered_before_anything_starts(
    arguments: tuple[str, ...], complaint: str, sample_corpus: Path
) -> None:
    answer = encore(str(sample_corpus), "--name", "x", *arguments)
    assert isinstance(answer.exception, InvalidParameter)
    assert complaint in str(answer.exception)


def test_a_corpus_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    answer = encore(str(tmp_path / "none.csv"), "--name", "x", "--to", str(tmp_path))
    assert isinstance(answer.exception, CorpusRejected)


def judged(root: Path, source: Path, **changed: Any) -> None:
    """Leave an evaluation such as a run with no options would."""
    parameters = {
        "ingest": IngestParameters(),
        "group": GroupParameters(),
        "sample": SampleParameters(),
        "gate": GateParameters(),
        "judge": EvaluateParameters(),
    }
    plain: dict[str, Any] = {
        "key": "a" * 32,
        "sources": ({"name": source.name, "sha256": sha256_of(source)},),
        "parameters": {step: model.model_dump(mode="json") for step, model in parameters.items()},
        "steps": STEPS,
        "tracks": 9,
        "artists": 3,
        "held_out": 1,
        "reference": "partial",
        "scores": (
            Score(
                judged="known",
                pooling="partial",
                features=False,
                tracks=1,
                artists=1,
                elpd=-4.0,
                elpd_se=None,
                difference=0,
                difference_se=None,
                mae=1,
                rmse=1,
                inside_50=1,
                inside_90=1,
            ),
        ),
        "conclusions": ("Nothing follows from one track.",),
    }
    made = root / "made"
    made.mkdir()
    (made / "evaluation.json").write_text(Evaluation(**plain | changed).model_dump_json(), encoding="utf-8")
    keep(made, root, "name", "a" * 32)


def test_what_was_judged_before_is_shown_at_once(
    tmp_path: Path, sample_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    judged(tmp_path, sample_corpus)
    answer = encore(str(sample_corpus), "--name", "name", "--to", str(tmp_path))
    assert answer.exit_code == 0
    assert answer.output.startswith("Nothing new")
    assert "Held-out tracks of known artists: 1 track of 1 artist" in answer.output
    assert "Nothing follows from one track." in answer.output
    assert str(tmp_path / "name" / "evaluations") in answer.output


@pytest.mark.parametrize("changed", [{"steps": {}}, {"sources": ()}, {"parameters": {}}])
def test_what_was_judged_otherwise_is_judged_again(
    tmp_path: Path, sample_corpus: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    judged(tmp_path, sample_corpus, **changed)

    def started(**_options: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("flows.terminal.running", started)
    answer = encore(str(sample_corpus), "--name", "name", "--to", str(tmp_path))
    assert isinstance(answer.exception, RuntimeError)
