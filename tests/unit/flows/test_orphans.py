"""A killed run's server does not stay for good; nobody else's is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.orphans import OWNER, stop_orphans

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only where processes are in /proc")


def sleeper(**environment: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.fixture
def gone() -> str:
    """Return the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return str(process.pid)


def test_only_orphaned_servers_of_ours_are_stopped(gone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OWNER, "")  # so that it is put back afterwards
    server = {"PREFECT__SERVER_EPHEMERAL": "1"}
    orphan = sleeper(**server, **{OWNER: gone})
    others = [
        sleeper(**server, **{OWNER: str(os.getpid())}),  # its run is alive
        sleeper(**server),  # not started by us
        sleeper(**{OWNER: gone}),  # not a server
    ]
    try:
        assert stop_orphans() == [orphan.pid]
        assert orphan.wait(timeout=10) != 0
        assert all(process.poll() is None for process in others)
        assert os.environ[OWNER] == str(os.getpid())
    finally:
        for process in [orphan, *others]:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
