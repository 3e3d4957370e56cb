"""Killed in every step in turn, the same command comes out as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Published

REPOSITORY = Path(__file__).resolve().parents[2]
STEPS = ("ingest", "group", "sample", "gate", "publish")
pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are Unix's")


def visible(to: Path) -> Iterator[Path]:
    """Walk through what a reader may find: everything that is not hidden."""
    for path in to.rglob("*"):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(to).parts):
            yield path


def finished(work: Path) -> set[str]:
    """Return the steps that have a result."""
    return {step for step in STEPS[:-1] if any((work / step).glob("[0-9a-f]*"))}


def kill_in(step: str, to: Path, environment: dict[str, str]) -> None:
    """Start the refit, and kill it without warning when a step has begun to write."""
    command = [sys.executable, "-m", "flows.cli", "refit", "data/samples/spotify_by_genre.parquet"]
    process = subprocess.Popen(
        [*command, "--name", "sample", "--to", str(to)],
        cwd=REPOSITORY,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 180
        while not any((to / ".work" / step).glob(".partial-*")):
            assert process.poll() is None, f"ended before it came to {step}"
            assert time.monotonic() < deadline, f"did not come to {step}"
            time.sleep(0.0005)
        process.kill()
        process.wait()
    finally:
        _end_session(process.pid)
        assert process.stderr is not None
        process.stderr.close()


def ends(group: int, seconds: float = 15) -> bool:
    """Say whether every process of a group has ended within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def _end_session(leader: int) -> None:
    """End whatever the killed run may have left running."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.mark.parametrize("step", ["prefect", "sample"])
def test_ctrl_c_ends_in_a_sentence(step: str, published: Published, tmp_path: Path) -> None:
    to = tmp_path / "publications"
    command = [sys.executable, "-m", "flows.cli", "refit", "data/samples/spotify_by_genre.parquet", "--name", "sample"]
    process = subprocess.Popen(
        [*command, "--to", str(to), "--draws", "20000"],
        cwd=REPOSITORY,
        env={**os.environ, "PREFECT_HOME": str(published.prefect_home)},
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    if step == "prefect":
        assert "server" in process.stderr.readline()
        time.sleep(2)
    else:
        while not any((to / ".work" / step).glob(".partial-*")):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: everyone gets it
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("encore: interrupted")
    assert "Traceback" not in said
    assert ends(process.pid)  # and so does the server


@pytest.mark.timeout(600)
def test_killed_in_every_step(published: Published, prefect_server: str, tmp_path: Path) -> None:
    to = tmp_path / "publications"
    environment = {**os.environ, "PREFECT_API_URL": prefect_server}
    for position, step in enumerate(STEPS):
        kill_in(step, to, environment)
        assert finished(to / ".work") == set(STEPS[:position])  # what was done stays done, what was not is not there
        assert list(visible(to)) == []
    command = [sys.executable, "-m", "flows.cli", "refit", "data/samples/spotify_by_genre.parquet"]
    last = subprocess.run(
        [*command, "--name", "sample", "--to", str(to)],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert last.returncode == 0, last.stderr
    assert list((to / ".work").rglob(".partial-*")) == []
    ours, theirs = ((folder / "sample" / "current").resolve() for folder in (to, published.to))
    names = {path.relative_to(ours).as_posix() for path in ours.rglob("*") if path.is_file()}
    assert names == {path.relative_to(theirs).as_posix() for path in theirs.rglob("*") if path.is_file()}
    differing = {name for name in names if (ours / name).read_bytes() != (theirs / name).read_bytes()}
    assert differing == {"manifest.json"}  # which says when
