"""Processes that publish, roll back, prune and read at once: `current` always names a version that is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import buckets
import pytest
import tiny

from tasks.publish.history import rows_of
from tasks.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RACER = Path(__file__).parents[1] / "racer.py"


def start(role: str, to: str, rounds: int, seed: int, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, str(RACER), role, to, str(rounds), str(seed)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def race(to: str, rounds: Mapping[str, Sequence[int]], cache: Path) -> dict[str, int]:
    """Have processes work at once, some of each role; return how often each role did its work."""
    environment = os.environ | {"ENCORE_CACHE": str(cache)}
    racers = [
        (role, start(role, to, count, seed, environment))
        for role, counts in rounds.items()
        for seed, count in enumerate(counts)
    ]
    done = dict.fromkeys(rounds, 0)
    for role, racer in racers:
        said, wrong = racer.communicate(timeout=280)
        assert racer.returncode == 0, wrong
        done[role] += int(said)
    return done


def check(to: str) -> None:
    """See that nothing is left that should not be, and that all that is there is whole."""
    store = open_store(to)
    rows = rows_of(store, "weekly")
    assert [row.current for row in rows].count(True) == 1
    assert all(store.faults("weekly", row.version) == [] for row in rows)


def test_a_few_rounds(tmp_path: Path) -> None:
    to = str(tmp_path / "publications")
    tiny.release(open_store(to))
    done = race(to, {"publish": [8], "promote": [8], "prune": [8], "read": [60]}, tmp_path)
    assert done["publish"] == 8
    assert done["read"] == 60
    check(to)
    assert list((tmp_path / "publications" / ".work" / "publish").iterdir()) == []


@pytest.mark.slow
def test_many_rounds(tmp_path: Path) -> None:
    to = str(tmp_path / "publications")
    tiny.release(open_store(to))
    rounds = {"publish": [60, 60], "promote": [60, 60], "prune": [60, 60], "read": [400, 400]}
    done = race(to, rounds, tmp_path)
    assert done["publish"] == 120
    assert done["read"] == 800
    assert done["prune"] > 60
    check(to)


@pytest.mark.slow
def test_publishers_that_are_killed_anywhere(tmp_path: Path) -> None:
    to = str(tmp_path / "publications")
    tiny.release(open_store(to))
    reader = start("read", to, 300, 0, os.environ)
    for seed in range(25):
        publisher = start("publish", to, 1000, seed, os.environ)
        time.sleep(0.4 + 0.013 * seed)
        publisher.send_signal(signal.SIGKILL)
        publisher.communicate()
    _, wrong = reader.communicate(timeout=120)
    assert reader.returncode == 0, wrong
    tiny.release(open_store(to), key="f" * 32)
    check(to)


@pytest.mark.slow
def test_in_an_object_store(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    with buckets.s3_server(tmp_path) as port, buckets.pointed_at(f"http://127.0.0.1:{port}"):
        to = "s3://music/racing"
        tiny.release(open_store(to))
        done = race(to, {"publish": [6, 6], "promote": [6], "prune": [6], "read": [40]}, tmp_path / "cache")
        assert done["publish"] > 6
        assert done["read"] == 40
        check(to)
