"""What a user sees in a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Published

REPOSITORY = Path(__file__).resolve().parents[2]


def encore(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_refit_ends_with_what_was_asked(published: Published) -> None:
    lines = published.stdout.splitlines()
    header = next(number for number, line in enumerate(lines) if "posterior mean" in line)
    assert "90% interval" in lines[header]
    assert len([line for line in lines[header + 1 : header + 11] if " to " in line]) == 10
    assert "6,000 in = 5,849 kept + 151 repeats + 0 quarantined" in published.stdout
    assert "passed: 535 parameters" in published.stdout
    assert str(published.to / "sample" / "versions") in published.stdout
    for step in ("ingest", "group", "sample", "gate", "publish"):
        assert any(line.startswith(step) for line in published.stderr.splitlines())
    assert "Traceback" not in published.stderr


def test_a_second_refit_says_that_nothing_is_new(published: Published) -> None:
    before = (published.to / "sample" / "current").readlink()
    again = encore("refit", str(published.source), "--name", "sample", "--to", str(published.to))
    assert again.returncode == 0
    assert "Nothing new" in again.stdout
    assert "posterior mean" in again.stdout
    assert (published.to / "sample" / "current").readlink() == before


def test_a_posterior_nobody_should_trust_ends_in_a_few_lines(published: Published, prefect_server: str) -> None:
    before = (published.to / "sample" / "current").readlink()
    options = ("--name", "sample", "--to", str(published.to), "--draws", "20", "--tune", "20", "--rungs", "0")
    failed = encore("refit", str(published.source), *options, PREFECT_API_URL=prefect_server)
    assert failed.returncode == 4
    assert "Traceback" not in failed.stderr
    said = failed.stderr[failed.stderr.index("encore: ") :].splitlines()
    assert len(said) == 3
    assert "quantities fell short, worst: " in said[0]
    assert "R-hat" in said[0]
    assert "try this: " in said[1]
    assert "current" in said[2]
    assert (published.to / "sample" / "current").readlink() == before


def test_the_gate_measures_what_was_published_again(published: Published, tmp_path: Path) -> None:
    measured = encore("gate", "sample", "--to", str(published.to))
    assert measured.returncode == 0
    assert measured.stderr == ""
    assert "model checks, as published" in measured.stdout
    told = json.loads(encore("gate", str(published.folder), "--json").stdout)
    assert told["verdict"]["passed"]
    assert told["verdict"]["artists"] == 1255
    assert told["differing"] == []
    for check, value in told["published"].items():
        assert told["verdict"]["measured"][check] == pytest.approx(value, rel=1e-3)
    stricter = encore("gate", "sample", "--to", str(published.to), "--max-rhat", "1.0001", "--check", "zeros=fail")
    assert stricter.returncode == 4
    assert "quantities fell short, worst: " in stricter.stderr
    assert "Traceback" not in stricter.stderr
    assert encore("gate", "sample", "--to", str(tmp_path)).returncode == 5
    unknown = encore("gate", "sample", "--to", str(published.to), "--check", "ones=fail")
    assert unknown.returncode == 2
    assert "--check ones=fail: write NAME=warn" in unknown.stderr


def test_show_and_verify(published: Published, tmp_path: Path) -> None:
    shown = encore("show", "sample", "--to", str(published.to), "--top", "3")
    assert shown.returncode == 0
    assert "passed" in shown.stdout
    whole = encore("verify", "sample", "--to", str(published.to))
    assert whole.returncode == 0
    assert "each as it was published" in whole.stdout
    nothing = encore("show", "sample", "--to", str(tmp_path))
    assert nothing.returncode == 5
    assert "there is no publication sample" in nothing.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("none.csv", "--name", "x"), 3, "there is no file or folder none.csv"),
        (("docs/images", "--name", "x"), 3, "the folder docs/images has no"),
        (("{sample}", "--name", "../x"), 2, "cannot name a publication"),
        (("{sample}", "--name", "x", "--features", "bogus"), 2, "--features bogus: unknown feature 'bogus'"),
        (("{sample}", "--name", "x", "--draws", "0"), 2, "--draws 0"),
        (("{sample}", "--name", "x", "--priors", "none.yaml"), 2, "cannot read the priors in none.yaml"),
        (("{sample}", "--name", "x", "--pooling", "some"), 2, "'some'"),
        (("{sample}",), 2, "--name"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(
    arguments: tuple[str, ...], code: int, complaint: str, sample_corpus: Path, tmp_path: Path
) -> None:
    given = [argument.format(sample=sample_corpus) for argument in arguments]
    answer = encore("refit", *given, "--to", str(tmp_path / "to"))
    assert answer.returncode == code
    assert complaint in " ".join(answer.stderr.split())
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "to").exists()


def test_help_imports_nothing_heavy() -> None:
    script = "import sys; import flows.cli; print(*sorted(name.partition('.')[0] for name in sys.modules))"
    answer = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    heavy = {"prefect", "pandas", "numpy", "pyarrow", "great_expectations", "scipy", "pymc", "nutpie", "matplotlib"}
    assert not heavy & set(answer.stdout.split())
    for command in ("refit", "show", "verify", "evaluate"):
        assert encore(command, "--help").returncode == 0
