"""Finished evaluations: kept whole, found by what they were made from, and left alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from schemas.errors import InvalidParameter
from schemas.evaluation import Evaluation
from tasks.judge.evaluations import find_evaluation, keep

if TYPE_CHECKING:
    from pathlib import Path


def made(folder: Path, key: str) -> Path:
    """Write what judge would."""
    folder.mkdir(parents=True)
    evaluation = Evaluation(
        key=key,
        sources=(),
        parameters={},
        steps={},
        tracks=1,
        artists=1,
        held_out=1,
        reference="partial",
        scores=(),
        conclusions=(),
    )
    (folder / "evaluation.json").write_text(evaluation.model_dump_json(), encoding="utf-8")
    (folder / "evaluation.md").write_text("# How well", encoding="utf-8")
    return folder


def found(root: Path, key: str) -> str | None:
    result = find_evaluation(root, "name", lambda one: one.key == key)
    return result[0].name if result else None


def test_an_evaluation_is_found_by_its_key(tmp_path: Path) -> None:
    keys = ["a" * 32, "b" * 32]
    folders = [keep(made(tmp_path / "made" / key, key), tmp_path, "name", key) for key in keys]
    assert [found(tmp_path, key) for key in keys] == [folder.name for folder in folders]
    assert found(tmp_path, "c" * 32) is None
    assert folders[0].parent == tmp_path / "name" / "evaluations"
    assert re.fullmatch(r"\d{8}T\d{6}Z-aaaaaaaa", folders[0].name)
    assert (folders[0] / "evaluation.md").read_text(encoding="utf-8") == "# How well"


def test_the_newest_is_taken_and_none_is_overwritten(tmp_path: Path) -> None:
    key = "a" * 32
    source = made(tmp_path / "made", key)
    folders = [keep(source, tmp_path, "name", key) for _ in range(3)]
    assert len({folder.name for folder in folders}) == 3
    assert found(tmp_path, key) == max(folder.name for folder in folders)


def test_a_damaged_one_is_passed_over_and_left_alone(tmp_path: Path) -> None:
    key = "a" * 32
    folder = keep(made(tmp_path / "made", key), tmp_path, "name", key)
    (folder / "evaluation.md").write_text("changed by hand", encoding="utf-8")
    assert found(tmp_path, key) is None
    assert (folder / "evaluation.md").read_text(encoding="utf-8") == "changed by hand"


def test_what_else_lies_there_is_ignored(tmp_path: Path) -> None:
    home = tmp_path / "name" / "evaluations"
    (home / "20261122T195923Z-aaaaaaaa").mkdir(parents=True)
    (home / "notes").mkdir()
    (home / "20261122T195924Z-aaaaaaaa").mkdir()
    (home / "20261122T195924Z-aaaaaaaa" / "evaluation.json").write_text("{", encoding="utf-8")
    assert found(tmp_path, "a" * 32) is None


def test_a_name_cannot_lead_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter):
        keep(made(tmp_path / "made", "a" * 32), tmp_path, "../elsewhere", "a" * 32)
