"""`encore serve` as a process, and what is asked of its server over HTTP, for tests of what is operated from it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REPOSITORY = Path(__file__).resolve().parents[1]
PATIENCE = 300.0
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
_READY = "Ctrl-C stops it all"
# What a developer may have set, and a server of its own must not see.
_FOREIGN = ("PREFECT_API_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")


@dataclass
class Served:
    """An `encore serve` at work.

    Parameters
    ----------
    process : Popen
    home, to : Path
    log : Path
        What it says.
    environment : mapping
        Of commands that ask it.
    """

    process: subprocess.Popen[bytes]
    home: Path
    to: Path
    log: Path
    environment: Mapping[str, str]
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.api, timeout=60)

    @property
    def api(self) -> str:
        """The address of its server."""
        return str(json.loads((self.home / "serve.json").read_text(encoding="utf-8"))["api"])

    def encore(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours that asks this server."""
        command = [sys.executable, "-m", "flows.cli", *arguments]
        return subprocess.run(
            command, cwd=REPOSITORY, env=dict(self.environment), capture_output=True, text=True, check=False
        )

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command of ours whose run this server keeps."""
        with (self.home / "begun.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "flows.cli", *arguments],
                cwd=REPOSITORY,
                env={**self.environment, "PREFECT_API_URL": self.api},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ask(self, path: str, /, **body: Any) -> Any:
        """Return what the server answers, to a body if there is one."""
        answer = self.http.post(path, json=body) if body else self.http.get(path)
        return answer.raise_for_status().json()

    def deployment(self, name: str) -> dict[str, Any]:
        """Return a deployment, such as ``refit/nightly``."""
        return dict(self.ask(f"/deployments/name/{name}"))

    def press_run(self, name: str, /, **parameters: Any) -> str:
        """Start a run of a deployment, as *Run* in the UI does; return its id."""
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self.ask(f"/deployments/{self.deployment(name)['id']}/create_flow_run", **body)["id"])

    def run(self, key: str) -> dict[str, Any]:
        """Return a run as the server knows it now."""
        return dict(self.ask(f"/flow_runs/{key}"))

    def ended(self, key: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """Return a run once it has ended; the server may be away meanwhile."""

        def look() -> dict[str, Any] | None:
            with contextlib.suppress(httpx.TransportError):
                run = self.run(key)
                return run if run["state_type"] in FINAL else None
            return None

        return until(look, seconds)

    def history(self, name: str) -> list[dict[str, Any]]:
        """Return what `encore history` says of a publication."""
        said = self.encore("history", name, "--home", str(self.home), "--json", "--limit", "2000")
        assert said.returncode == 0, said.stderr
        return list(json.loads(said.stdout))

    def process_of(self, what: str) -> int:
        """Return the id of the process that is the ``server`` or the ``worker``."""
        words = ["-m", "prefect", what, "start"]
        return until(lambda: next((key for key, said in _commands() if _has(said, words) and self._owns(key)), None))

    def process_of_run(self, run: str) -> int:
        """Return the id of the process that works on a run."""
        mark = f"PREFECT__FLOW_RUN_ID={run}".encode()
        return until(lambda: next((key for key, _ in _commands() if mark in _environment(key)), None))

    def _owns(self, key: int) -> bool:
        return any(entry.startswith(b"ENCORE_SERVE_OWNER=%d-" % self.process.pid) for entry in _environment(key))


@contextlib.contextmanager
def serving(folder: Path, *options: str, **more: str) -> Iterator[Served]:
    """Run `encore serve` inside this, with a server and publications of its own.

    Parameters
    ----------
    folder : Path
    *options : str
        More of the command line.
    **more : str
        More of its environment.
    """
    home, to, log = folder / "server", folder / "publications", folder / "serve.log"
    environment = {key: value for key, value in os.environ.items() if key not in _FOREIGN} | more
    # A port of its own: several that start at once would all find the first one free.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "flows.cli", "serve", "--home", str(home), "--to", str(to), "--port", port]
    folder.mkdir(parents=True, exist_ok=True)
    begins = log.stat().st_size if log.exists() else 0
    with log.open("ab") as file:
        process = subprocess.Popen(
            [*command, *options], cwd=REPOSITORY, env=environment, stdout=file, stderr=subprocess.STDOUT
        )

    def is_ready() -> bool:
        said = log.read_bytes()[begins:].decode()
        assert process.poll() is None, said
        return _READY in said

    try:
        until(is_ready)
        yield Served(process, home, to, log, environment)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def until[Found](look: Callable[[], Found | None], seconds: float = PATIENCE, every: float = 0.3) -> Found:
    """Look until there is something, and return it.

    Raises
    ------
    TimeoutError
        If there is nothing for that long.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            message = f"nothing came of {look} within {seconds} s"
            raise TimeoutError(message)
        time.sleep(every)
    return found


def _commands() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield int(folder.name), (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")


def _environment(key: int) -> list[bytes]:
    try:
        return Path(f"/proc/{key}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _has(said: list[str], words: list[str]) -> bool:
    return any(said[start : start + len(words)] == words for start in range(len(said)))
