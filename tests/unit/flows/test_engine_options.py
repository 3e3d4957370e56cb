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


@pytest.mark.parametrize("engine", sorted(set(engines.ENGINES) - {"pymc3"}))
def test_what_is_installed_is_not_refused(engine: str) -> None:
    engines.check_installed(engine)
    assert set(engines.ENGINES[engine].versions()) >= {engines.ENGINES[engine].sampler, "numpy"}


@pytest.fixture
def without_an_old_python(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that there is no Python for PyMC3."""
    nowhere = str(tmp_path_factory.mktemp("nowhere"))
    for name in ("PATH", "HOME", "PYENV_ROOT"):
        monkeypatch.setenv(name, nowhere)
    monkeypatch.delenv("ENCORE_PYMC3_PYTHON", raising=False)


@pytest.mark.usefixtures("without_an_old_python")
def test_without_an_old_python_pymc3_is_refused_before_any_work(sample_corpus: Path, tmp_path: Path) -> None:
    sentence = refused(sample_corpus, tmp_path, "--engine", "pymc3")
    assert sentence.startswith("--engine pymc3 needs Python 3.9 (or 3.8)")
    assert "uv python install 3.9" in sentence
    assert "\n" not in sentence


@pytest.mark.usefixtures("without_an_old_python")
def test_the_flow_too_asks_for_an_old_python_first(sample_corpus: Path, tmp_path: Path) -> None:
    from flows.refit import refit
    from schemas.parameters import SampleParameters

    with pytest.raises(InvalidParameter, match=r"--engine pymc3 needs Python 3\.9"):
        refit.fn([str(sample_corpus)], "x", str(tmp_path), sampling=SampleParameters(engine="pymc3"))
    assert not list(tmp_path.iterdir())


def test_a_time_limit_that_no_one_would_keep_is_refused(sample_corpus: Path, tmp_path: Path) -> None:
    sentence = refused(sample_corpus, tmp_path, "--engine", "rows", "--time-limit", "5")
    assert "kept by engine pymc3 alone, and the engine is rows" in sentence


def test_a_time_limit_changes_no_result_and_so_no_key() -> None:
    from schemas.parameters import SampleParameters
    from tasks.sample.task import key

    parameters = SampleParameters(engine="pymc3")
    assert key("x", parameters) == key("x", parameters.model_copy(update={"time_limit": 5}))
    assert key("x", parameters) != key("x", parameters.model_copy(update={"seed": 5}))


def test_student_t_has_no_sums(sample_corpus: Path, tmp_path: Path) -> None:
    sentence = refused(sample_corpus, tmp_path, "--likelihood", "student_t", "--engine", "collapsed")
    assert "only the normal likelihood has" in sentence
    assert "use engine auto or rows" in sentence


def test_an_unknown_parametrisation_is_refused(sample_corpus: Path, tmp_path: Path) -> None:
    command = ["refit", str(sample_corpus), "--name", "x", "--to", str(tmp_path), "--parametrisation", "bogus"]
    answer = CliRunner().invoke(app, command)
    assert answer.exit_code == 2
    assert "non_centred" in answer.output
