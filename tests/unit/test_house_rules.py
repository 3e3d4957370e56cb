"""The rules that keep the house easy to live in."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
STEPS = ("ingest", "group", "sample", "gate", "publish", "judge")
MODULES = sorted(path for place in ("flows", "tasks", "schemas") for path in (REPOSITORY / place).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return the names of all modules that a module imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def top_level_imports(path: Path) -> set[str]:
    """Return the top packages that importing a module brings in by itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        name.partition(".")[0]
        for node in tree.body
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 30


every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())


@every_module
def test_only_doors_and_flows_know_prefect(path: Path) -> None:
    place = path.relative_to(REPOSITORY)
    if place.parts[0] == "flows" or place.name == "task.py":
        return
    assert not {name for name in imported(path) if name.partition(".")[0] == "prefect"}


@every_module
def test_arrows_point_one_way(path: Path) -> None:
    place = path.relative_to(REPOSITORY).parts
    forbidden = {"schemas": {"tasks", "flows"}, "tasks": {"flows"}, "flows": set()}[place[0]]
    assert not {name for name in imported(path) if name.partition(".")[0] in forbidden}


@every_module
def test_no_step_imports_another(path: Path) -> None:
    place = path.relative_to(REPOSITORY).parts
    if place[0] != "tasks" or len(place) < 3:
        return
    others = {f"tasks.{step}" for step in (*STEPS, "predict") if step != place[1]}
    assert not {name for name in imported(path) if ".".join(name.split(".")[:2]) in others}


@every_module
def test_a_module_is_one_room(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("step", STEPS)
def test_doors_open_at_once(step: str) -> None:
    # A step pays for its libraries when it has work to do, not when the flow is imported.
    heavy = {
        "great_expectations",
        "pandas",
        "pyarrow",
        "duckdb",
        "scipy",
        "pymc",
        "nutpie",
        "arviz_stats",
        "matplotlib",
    }
    assert not top_level_imports(REPOSITORY / "tasks" / step / "task.py") & heavy


def test_what_runs_in_the_room_of_pymc3_needs_nothing_that_is_not_there() -> None:
    portable = sorted((REPOSITORY / "tasks" / "sample" / "portable").glob("*.py"))
    there = {"numpy", "pymc3", "theano", "pymc"} | set(sys.stdlib_module_names)
    for path in portable:
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
        names = [
            name.partition(".")[0]
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else []
            )
        ]
        # For the type checker alone, by the name under which everybody else knows it.
        assert set(names) - there <= {"tasks"}, path
    assert len(portable) > 4


def test_nothing_unpickles() -> None:
    unsafe = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    assert not [path for path in MODULES if {name.partition(".")[0] for name in imported(path)} & unsafe]


def test_no_two_test_files_have_one_name() -> None:
    # pytest imports them by that name alone, and stops at the second.
    names = [path.name for path in (REPOSITORY / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))
