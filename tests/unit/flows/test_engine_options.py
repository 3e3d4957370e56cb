"""Engines that cannot be used are refused before anything starts."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from flows.cli import app
from schemas.errors import InvalidParameter
from tasks.sample import engines

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def without_numpyro(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that NumPyro is not installed."""
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == "numpyro" else find_spec(name))


def refused(sample_corpus: Path, folder: Path, *arguments: str) -> str:
    """Return the sentence with which a refit is refused."""
    command = ["refit", str(sample_corpus), "--name", "x", "--to", str(folder), *arguments]
    answer = CliRunner().invoke(app, command)
    assert isinstance(answer.exception, InvalidParameter)
    assert not list(folder.iterdir())
    return str(answer.exception)


@pytest.mark.usefixtures("without_numpyro")
def test_without_numpyro_a_sentence_says_how_to_get_it(sample_corpus: Path, tmp_path: Path) -> None:
    sentence = refused(sample_corpus, tmp_path, "--engine", "numpyro")
    assert sentence.startswith("--engine numpyro needs numpyro, not installed here")
    assert "pip install '.[numpyro]'" in sentence
    assert "\n" not in sentence


@pytest.mark.usefixtures("without_numpyro")
def test_the_flow_asks_before_its_first_step(sample_corpus: Path, tmp_path: Path) -> None:
    from flows.refit import refit
    from schemas.parameters import SampleParameters

    with pytest.raises(InvalidParameter, match="--engine numpyro needs numpyro"):
        refit.fn([str(sample_corpus)], "x", str(tmp_path), sampling=SampleParameters(engine="numpyro"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("engine", engines.ENGINES)
def test_what_is_installed_is_not_refused(engine: str) -> None:
    engines.check_installed(engine)
    assert set(engines.ENGINES[engine].versions()) >= {engines.ENGINES[engine].sampler, "numpy"}


def test_student_t_has_no_sums(sample_corpus: Path, tmp_path: Path) -> None:
    sentence = refused(sample_corpus, tmp_path, "--likelihood", "student_t", "--engine", "collapsed")
    assert "only the normal likelihood has" in sentence
    assert "use engine auto or rows" in sentence


def test_an_unknown_parametrisation_is_refused(sample_corpus: Path, tmp_path: Path) -> None:
    command = ["refit", str(sample_corpus), "--name", "x", "--to", str(tmp_path), "--parametrisation", "bogus"]
    answer = CliRunner().invoke(app, command)
    assert answer.exit_code == 2
    assert "non_centred" in answer.output
