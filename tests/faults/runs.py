"""Refits as processes that can be killed: forked from one that has imported everything, so that each costs seconds."""

from __future__ import annotations

import contextlib
import csv
import importlib
import os
import random
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
STEPS = ("ingest", "group", "sample", "gate", "publish")
BUG = 70
_NEEDED = (
    "arviz_stats",
    "flows.cli",
    "flows.refit",
    "great_expectations",
    "h5netcdf",
    "nutpie",
    "pandas",
    "scipy.stats",
    "tasks.gate.gating",
    "tasks.group.grouping",
    "tasks.ingest.data_docs",
    "tasks.ingest.incremental",
    "tasks.predict.predictor",
    "tasks.publish.publisher",
    "tasks.publish.report",
    "tasks.sample.collapsed",
    "tasks.sample.sampling",
    "xarray",
)
_PATIENCE = 300.0
_OPTIONS = ("--repeats", "keep", "--min-tracks", "0", "--features", "none", "--no-genres", "--promote", "always")


@contextlib.contextmanager
def server(home: Path) -> Iterator[None]:
    """Run a Prefect server with a database of its own, for refits that are started inside this."""
    from flows.supervising import Child

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    home.mkdir(parents=True)
    api = f"http://127.0.0.1:{port}/api"
    # Before Prefect is imported: it reads its settings then.
    os.environ.update(
        {
            "PREFECT_HOME": str(home),
            "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
            "PREFECT_API_URL": api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        }
    )
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    child = Child("server", command, dict(os.environ), REPOSITORY, home / "server.log")
    child.start()
    try:
        deadline = time.monotonic() + 240
        while not _answers(api):
            if time.monotonic() > deadline or not child.running:
                message = f"the server did not start: {child.log}"
                raise RuntimeError(message)
            time.sleep(0.2)
        yield
    finally:
        child.stop(15)


def _answers(api: str) -> bool:
    try:
        return httpx.get(f"{api}/health", timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def write_corpus(path: Path, seed: int, tracks: int) -> Path:
    """Write a small corpus in the layout of the book Bayes Rules!."""
    chance = random.Random(seed)
    level = [chance.uniform(20, 70) for _ in range(12)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "title", "artist", "popularity"])
        for track in range(tracks):
            by = chance.randrange(len(level))
            popularity = round(min(100.0, max(0.0, chance.gauss(level[by], 12))))
            writer.writerow([f"{seed:011d}{track:011d}", f"song {track}", f"artist {by:02d}", popularity])
    return path


def load() -> None:
    """Import what a refit needs, once: whoever is forked from here has it."""
    for module in _NEEDED:
        importlib.import_module(module)


@dataclass
class Run:
    """A process at work.

    Parameters
    ----------
    process : int
    log : Path
    """

    process: int
    log: Path

    def wait(self) -> int:
        """Return its exit code, negative for a signal; kill it if it does not end."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            found, status = os.waitpid(self.process, os.WNOHANG)
            if found:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > deadline:
                os.killpg(self.process, signal.SIGKILL)
            time.sleep(0.005)

    def last_line(self) -> str:
        """Return the last line that it said; empty if none."""
        lines = [line.strip() for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines()]
        return next((line for line in reversed(lines) if line), "")


def start(work: Callable[[], Any], log: Path) -> Run:
    """Do some work in a process of its own, whose output goes to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process:
        return Run(process, log)
    code = BUG
    try:
        os.setsid()
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - whatever it was, this process ends here, as Python would
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def refit(sources: list[Path], to: Path, name: str) -> None:
    """Do what `encore refit` does, without figures and without the seconds between attempts."""
    import flows.cli
    from flows import escalation, terminal
    from flows import refit as house

    for step in STEPS:
        doors: Any = escalation if step in {"sample", "gate"} else house
        setattr(doors, step, getattr(doors, step).with_options(retry_delay_seconds=0.05))
    inner = terminal.run_refit

    def without_figures(*args: Any, **options: Any) -> None:
        parameters = args[3]
        parameters["publishing"] = parameters["publishing"].model_copy(update={"figures": False})
        inner(*args, **options)

    terminal.run_refit = without_figures
    sys.argv = ["encore", "refit", *map(str, sources), "--name", name, "--to", str(to), *_OPTIONS]
    sys.argv += ["--draws", "1500", "--chains", "2"]
    flows.cli.main()
