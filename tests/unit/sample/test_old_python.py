"""What is found of an old Python and of a C++ compiler, and what is said where there is none."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from schemas.errors import InvalidParameter
from tasks.sample.old_python import CHOSEN, check_machine, find_compiler, find_python

if TYPE_CHECKING:
    from pathlib import Path


def script(path: Path, text: str) -> Path:
    """Write a shell script that can be started."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def python(path: Path, version: str, *, headers: bool = True, implementation: str = "CPython") -> Path:
    """Write something that answers as an interpreter would."""
    told = {"path": str(path), "implementation": implementation, "version": version, "headers": headers, "pip": True}
    return script(path, f"echo '{json.dumps(told)}'")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder on `PATH`, empty, on a machine without pyenv."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PYENV_ROOT", CHOSEN):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "bin"


def test_without_a_python_one_sentence_says_how_to_get_one(machine: Path) -> None:
    script(machine / "python3.9", "echo 'pyenv: python3.9: command not found' >&2; exit 127")
    python(machine / "python3", "3.12.1")
    python(machine / "python", "3.9.1", implementation="PyPy")
    with pytest.raises(InvalidParameter, match=r"needs Python 3\.9 .*'uv python install 3\.9'") as told:
        find_python()
    assert "\n" not in str(told.value)
    assert CHOSEN in str(told.value)


def test_a_python_behind_one_that_does_not_start_is_found(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(machine / "python3.9", "exit 127")
    works = python(tmp_path / "further" / "python3.9", "3.9.2")
    monkeypatch.setenv("PATH", os.pathsep.join([str(machine), str(works.parent)]))
    assert find_python().path == works


def test_the_better_one_of_pyenv_comes_before_the_older_one_on_path(machine: Path, tmp_path: Path) -> None:
    python(machine / "python3.8", "3.8.10")
    better = python(tmp_path / ".pyenv" / "versions" / "3.9.18" / "bin" / "python3.9", "3.9.18")
    assert find_python().path == better
    better.unlink()
    assert find_python().version == "3.8.10"


def test_one_that_uv_knows_is_found_and_nothing_is_downloaded(machine: Path, tmp_path: Path) -> None:
    kept = python(tmp_path / "kept" / "python", "3.9.20")
    script(machine / "uv", f'[ "$UV_PYTHON_DOWNLOADS" = never ] && [ "$1 $4" != "python 3.8" ] && echo "{kept}"')
    assert find_python().path == kept


def test_the_one_that_was_chosen_is_used_or_refused(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python(machine / "python3.9", "3.9.2")
    chosen = python(tmp_path / "mine", "3.8.3")
    monkeypatch.setenv(CHOSEN, str(chosen))
    assert find_python().path == chosen
    python(chosen, "3.11.2")
    with pytest.raises(InvalidParameter, match=rf"{CHOSEN} is .*mine, which does not start or is no CPython 3\.9"):
        find_python()


def test_one_without_headers_is_passed_over_and_if_it_is_all_there_is_they_are_asked_for(
    machine: Path, tmp_path: Path
) -> None:
    python(machine / "python3.9", "3.9.2", headers=False)
    with pytest.raises(InvalidParameter, match=r"lacks its headers .*package python3\.9-dev"):
        find_python()
    whole = python(tmp_path / ".pyenv" / "versions" / "3.8.18" / "bin" / "python3.8", "3.8.18")
    assert find_python().path == whole


def test_without_a_compiler_one_sentence_says_what_to_install(machine: Path) -> None:
    python(machine / "python3.9", "3.9.2")
    script(machine / "g++", "exit 1")
    with pytest.raises(InvalidParameter, match=r"needs a C\+\+ compiler, .* package g\+\+"):
        check_machine()
    works = script(machine / "clang++", "echo clang")
    assert find_compiler() == works
    assert check_machine().compiler == works
