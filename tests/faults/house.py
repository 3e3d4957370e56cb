"""A Prefect server for the faults, and what has to be true whatever went wrong."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
from runs import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A Prefect server with a database of its own.

    Parameters
    ----------
    home : Path
    """

    def __init__(self, home: Path) -> None:
        from flows.supervising import Child

        home.mkdir(parents=True, exist_ok=True)
        self.api = f"http://127.0.0.1:{free_port()}/api"
        # Before Prefect is imported: it reads its settings then.
        os.environ.update(
            {
                "PREFECT_HOME": str(home),
                "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
                "PREFECT_API_URL": self.api,
                "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
                "DO_NOT_TRACK": "1",
                "PREFECT_LOGGING_EXTRA_LOGGERS": "encore",
                "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
                "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
                "PREFECT_CLIENT_MAX_RETRIES": "10",
            }
        )
        port = self.api.split(":")[2].removesuffix("/api")
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
        self.child = Child("server", command, dict(os.environ), REPOSITORY, home / "server.log")

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.child.start()
        deadline = time.monotonic() + 240
        while not self.answers():
            if time.monotonic() > deadline or not self.child.running:
                message = f"the server did not start: {self.child.log}"
                raise RuntimeError(message)
            time.sleep(0.2)

    def answers(self) -> bool:
        """Say whether it answers."""
        try:
            return httpx.get(f"{self.api}/health", timeout=5).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """Kill it without warning."""
        assert self.child.process is not None
        os.killpg(self.child.process.pid, signal.SIGKILL)
        self.child.process.wait()

    def stop(self) -> None:
        """Stop it."""
        self.child.stop(15)

    def runs(self, name: str) -> list[dict[str, Any]]:
        """Return the refits of a publication, the oldest first."""
        answer = httpx.post(
            f"{self.api}/flow_runs/filter",
            json={"flow_runs": {"name": {"any_": [f"refit-{name}-terminal"]}}, "sort": "EXPECTED_START_TIME_ASC"},
            timeout=60,
        )
        found: list[dict[str, Any]] = answer.raise_for_status().json()
        return found

    def reasons(self, run: str) -> str:
        """Return the markdown that a run has left: why it was stopped."""
        answer = httpx.post(
            f"{self.api}/artifacts/filter",
            json={"flow_runs": {"id": {"any_": [run]}}, "artifacts": {"type": {"any_": ["markdown"]}}},
            timeout=60,
        )
        return "\n".join(str(one["data"]) for one in answer.raise_for_status().json())


def faults_of(to: Path, name: str, published: list[str]) -> list[str]:
    """Return what is wrong with a publication; nothing if readers have a whole version and no other is lost.

    Parameters
    ----------
    to : Path
    name : str
    published : list of str
        Versions that have to be there.
    """
    from schemas.publication import VERSIONS
    from tasks.publish.store import current_version, verify, versions

    wrong = []
    current = current_version(to, name)
    if published and current is None:
        wrong.append("current leads nowhere")
    there = versions(to, name)
    wrong += [f"{version} is lost" for version in published if version not in there]
    for version in there:
        wrong += [f"{version}: {fault}" for fault in verify(to / name / VERSIONS / version)]
    for path in (to / name).rglob("*"):
        parts = path.relative_to(to / name).parts
        if not any(part.startswith(".") for part in parts) and parts[0] not in {VERSIONS, "current", "rejected"}:
            wrong.append(f"{path} is half-written")
    return wrong


def left_over(to: Path) -> list[Path]:
    """Return what killed runs have left and nobody has swept up."""
    return list((to / ".work").rglob(".partial-*"))
