"""Sides of a benchmark: what does not finish, fails or has not converged is said to."""

from __future__ import annotations

import re
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
    ours = engines.Side("Encore", ess=4000, worst="mu", rhat=1.001, sampling=2.0, everything=4.0)
    slow = engines.Side("slow", ess=40, worst="tau", rhat=1.05, sampling=20.0, everything=40.0)
    late = engines.Side("late", note="did not finish in 900 s")
    _, _, *rows = engines.table([ours, slow, late]).splitlines()
    assert rows[0] == "| Encore | 1.001 | 4,000 (mu) | 2.0 | 2,000 | 1 | 4.0 | 1,000 | 1 |"
    assert rows[1] == "| slow | 1.050, not converged | 40 (tau) | 20.0 | 2.00 | 1,000 | 40.0 | 1.00 | 1,000 |"
    assert rows[2] == "| late | did not finish in 900 s, not converged |  |  |  |  |  |  |  |"


def test_tables_go_where_the_readme_has_room_for_them(
    processes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = tmp_path / "README.md"
    readme.write_bytes((processes.BENCHMARKS / "README.md").read_bytes())
    monkeypatch.setattr(processes, "BENCHMARKS", tmp_path)
    for name in ("engines", "scaling"):
        before = readme.read_text().splitlines()
        processes.record(name, "old")
        processes.record(name, "| new |")
        after = readme.read_text().splitlines()
        start = after.index(f"<!-- {name} -->")
        assert after[start : start + 5] == [f"<!-- {name} -->", "", "| new |", "", f"<!-- end of {name} -->"]
        assert after[:start] == before[:start]
        assert after[start + 4 :] == before[before.index(f"<!-- end of {name} -->") :]
    with pytest.raises(SystemExit, match="no place for weather"):
        processes.record("weather", "rain")


@pytest.mark.parametrize(
    ("programs", "user", "reason"),
    [
        ({}, 0, r"neither is apt-get to install r-base-core and r-cran-lme4"),
        ({"apt-get"}, 1000, r"as root, apt-get install r-base-core r-cran-lme4$"),
    ],
)
def test_without_lme4_a_sentence_says_what_to_install(
    script: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, programs: set[str], user: int, reason: str
) -> None:
    peers = script("peers")
    monkeypatch.setattr(peers.shutil, "which", lambda name: f"/bin/{name}" if name in programs else None)
    monkeypatch.setattr(peers.os, "geteuid", lambda: user)
    program, why = peers.r_with_lme4()
    assert not program
    assert re.search(reason, why)
