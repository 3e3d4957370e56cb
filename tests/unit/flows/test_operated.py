"""What those who operate the flows are told: why a run was stopped, what has changed, who is at work."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from flows.changed import what_changed
from flows.guard import only_refit
from flows.history import Line, history_text
from flows.operated import artifact_key, reason
from schemas.errors import AnotherRefit, CorpusRejected, EncoreError, NotConverged
from schemas.publication import Manifest

if TYPE_CHECKING:
    from pathlib import Path


def manifest(files: dict[str, int], **parameters: Any) -> Manifest:
    """Return a manifest of files by hash, with their rows."""
    return Manifest.model_construct(
        corpus=_Corpus(files), parameters={"sources": list(files), "sample": parameters}, steps={"ingest": 1}
    )


class _Corpus:
    def __init__(self, files: dict[str, int]) -> None:
        self.sources = [type("Source", (), {"sha256": name})() for name in files]
        self.rows = type("Rows", (), {"kept": sum(files.values())})()


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (None, manifest({"a": 1}), "first publication"),
        (manifest({"a": 1}), manifest({"a": 1}), "nothing: made again"),
        (manifest({"a": 100}), manifest({"a": 100, "b": 20}), "corpus: 1 file new, +20 tracks"),
        (manifest({"a": 9, "c": 9}), manifest({"b": 4}), "corpus: 1 file new, 2 files gone, -14 tracks"),
        (manifest({"a": 1}, draws=600), manifest({"a": 1}, draws=1000), "sample.draws 1000, was 600"),
        (
            manifest({"a": 1}, **dict.fromkeys("abcde", 1)),
            manifest({"a": 1}, **dict.fromkeys("abcde", 2)),
            "sample.a 2, was 1; sample.b 2, was 1; sample.c 2, was 1; and 2 other parameters",
        ),
    ],
)
def test_what_changed(before: Manifest | None, now: Manifest, said: str) -> None:
    assert what_changed(before, now) == said


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotConverged("R-hat\n  try this: more draws"), ["the gate stopped it", "more draws", "gate"]),
        (CorpusRejected("no column"), ["the corpus was rejected", "encore quarantine label"]),
        (EncoreError("no"), ["Mend that"]),
        (TimeoutError("late"), ["TimeoutError", "Retry"]),
        (ValueError("?"), ["a bug in Encore"]),
    ],
)
def test_a_reason_says_what_to_do(error: Exception, words: list[str]) -> None:
    said = reason(error, "label")
    assert "nothing was published" in said
    for word in words:
        assert word in said


def test_a_reason_is_text_whatever_is_in_it() -> None:
    said = reason(CorpusRejected("<img src=x onerror=alert(1)> [click](javascript:alert(1))" + "x" * 3000), "label")
    assert "<img" not in said
    assert "](javascript" not in said
    assert len(said) < 5000
    assert reason(CorpusRejected(""), "label")


def test_the_second_refit_of_a_name_is_told_who_is_first(tmp_path: Path) -> None:
    with (
        only_refit(tmp_path, "label", "refit-label-nightly"),
        only_refit(tmp_path, "other", "another"),
        pytest.raises(AnotherRefit, match="refit-label-nightly, since 20"),
        only_refit(tmp_path, "label", "refit-label-on-demand"),
    ):
        pass
    with only_refit(tmp_path, "label", "x"):
        pass


def test_a_killed_refit_stands_in_nobodys_way(tmp_path: Path) -> None:
    holding = (
        "import os, pathlib, signal, sys; from flows.guard import only_refit\n"
        "with only_refit(pathlib.Path(sys.argv[1]), 'label', 'x'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", holding, str(tmp_path)], check=False).returncode == -9
    with only_refit(tmp_path, "label", "y"):
        pass


def test_keys_of_artifacts_are_what_prefect_takes() -> None:
    assert artifact_key("refit", "a.b_c-D") == "refit-a-b-c-d"


def test_a_history_is_a_line_a_refit() -> None:
    line = Line("2026-11-26T07:28:01+00:00", "refit-label-nightly", "Completed", 68.3, "corpus", "passed: 1", "2026-ab")
    stopped = Line("", "refit-label-nightly", "Failed", 1.0, "", "no popularity\x1b[31m", "")
    text = history_text([line, stopped])
    assert len(text.splitlines()) == 3
    assert "2026-11-26 07:28  refit-label-nightly  Completed  68 s  2026-ab      corpus; passed: 1" in text
    assert "\x1b" not in text
