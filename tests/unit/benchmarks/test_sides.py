"""Sides of a benchmark: what does not finish, fails or has not converged is said to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def processes(script: Callable[[str], Any]) -> Any:
    """Return the module that runs sides."""
    return script("processes")


@pytest.fixture
def engines(script: Callable[[str], Any]) -> Any:
    """Return the module that compares engines."""
    return script("engines")


def test_a_side_says_what_it_did_in_its_last_line(processes: Any) -> None:
    done = processes.run([sys.executable, "-c", "print('on the way'); print('{\"scales\": 3}')"])
    assert (done.ended, done.told) == ("done", {"scales": 3})
    assert done.peak > 1


def test_a_side_that_takes_too_long_is_ended_with_all_it_started(processes: Any, tmp_path: Path) -> None:
    child = f"import time, pathlib; time.sleep(20); pathlib.Path({str(tmp_path / 'alive')!r}).touch()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    done = processes.run([sys.executable, "-c", code], allow=1)
    assert (done.ended, done.told) == ("out of time", {})


def test_a_side_that_wants_too_much_memory_fails_alone(processes: Any) -> None:
    done = processes.run([sys.executable, "-c", "bytearray(2 << 30)"], limit=1 << 30)
    assert done.ended == "failed (exit status 1)"


def test_a_failed_side_is_told_by_its_exit_status(processes: Any, tmp_path: Path) -> None:
    done = processes.run([sys.executable, "-c", "raise SystemExit('no')"], log=tmp_path / "log")
    assert done.ended == "failed (exit status 1)"
    assert (tmp_path / "log").read_text() == "no\n"


def draws(shift: float = 0.0) -> dict[str, np.ndarray]:
    """Return four chains of independent draws, the last shifted."""
    generator = np.random.default_rng(3)
    found = {"mu": generator.normal(size=(4, 500)), "beta": generator.normal(size=(4, 500, 2))}
    found["beta"][3, :, 1] += shift
    return found


def test_the_worst_parameter_counts(engines: Any) -> None:
    good, bad = engines.measured(draws(), {}), engines.measured(draws(2.0), {"beta": ["energy", "tempo"]})
    assert good["ess"] > 1500
    assert good["rhat"] < 1.01
    assert bad["worst"] == "beta[tempo]"
    assert bad["ess"] < 30
    assert bad["rhat"] > 1.1
    assert bad["parameters"] == 3


def test_sides_that_did_not_converge_are_said_to(engines: Any) -> None:
    ours = engines.Side("Encore", ess=4000, rhat=1.001, sampling=2.0, everything=4.0)
    slow = engines.Side("slow", ess=40, rhat=1.05, sampling=20.0, everything=40.0)
    late = engines.Side("late", note="did not finish in 900 s")
    _, _, *rows = engines.table([ours, slow, late]).splitlines()
    assert "not converged" not in rows[0]
    assert "| 2 | 1,000 | 1 | 1,000 | not converged |" in rows[1]
    assert "not converged: did not finish in 900 s" in rows[2]
