"""`encore serve`: Prefect's server, a worker, every deployment, and the publications to read; all end together."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows import pages
from flows.databases import database_of
from flows.ports import free_port
from flows.supervising import Child, end, orphaned, owned
from flows.surroundings import environment_of
from schemas.errors import InvalidParameter, PublicationConflict, ServerTrouble

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parents[1]
PORT = 4200
POOL = "encore"
STATE = "serve.json"
_START_SECONDS = 180.0


@dataclass(frozen=True)
class Serving:
    """What to serve, and where.

    Parameters
    ----------
    to : str
        Where publications lie; a folder is served too.
    home : Path
        Where the server keeps its database, and all their logs.
    host : str
    port : int or None
        Of the UI; None for the first that is free.
    limit : int
        How many runs the worker has at work at once.
    database : str
        Address of a PostgreSQL for the server; empty for what the environment says, or else a file in `home`.
    """

    to: str
    home: Path
    host: str
    port: int | None
    limit: int
    database: str = ""


def serve_until_stopped(what: Serving) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Raises
    ------
    PublicationConflict
        If that is being served already.
    InvalidParameter
        If a port is not free, or `prefect.yaml` cannot be found.
    ServerTrouble
        If a part of it does not start.
    """
    if not (REPOSITORY / "prefect.yaml").is_file():
        message = f"there is no prefect.yaml in {REPOSITORY}: encore serve works from a clone of the repository"
        raise InvalidParameter(message)
    home = what.home.expanduser().resolve()
    home.mkdir(parents=True, exist_ok=True)
    stopping = _stopping()
    with _only_one(home):
        left = orphaned()
        if left:
            _say(f"ending {len(left)} processes that a killed encore serve has left")
            end(left)
        known = _read_state(home)
        port = free_port(what.host, what.port, int(str(known.get("port", PORT))))
        distant = "://" in what.to
        # Of publications in a store elsewhere there is nothing to read here; their links are addresses of that store.
        shown = home / "no-publications" if distant else Path(what.to).expanduser()
        read = pages.Pages(shown, what.host, free_port(what.host, None, port + 1, avoid=port))
        read.begin()
        mark = f"{os.getpid()}-{port}"
        environment = environment_of(home, what, port, read, mark)
        kept, where = database_of(what.database, os.environ, home)
        server, worker = _children(home, what, port, environment, kept)
        try:
            _say(f"starting Prefect's server; its database is {where}")
            server.start()
            _wait_for(server, environment["PREFECT_API_URL"], stopping)
            if not stopping.is_set():
                deployed = _deploy(environment, home, where, str(known.get("deployed", "")))
                _write_state(home, {"port": port, "deployed": deployed, "api": environment["PREFECT_API_URL"]})
                worker.start()
                _tell(environment["PREFECT_API_URL"], what.to if distant else read.url, home)
            while not stopping.wait(0.5):
                for child in (server, worker):
                    if said := child.look_after():
                        _say(said)
        finally:
            _say("stopping; runs at work are ended, and go on where they were when they are started again")
            # The worker first: it tells the server what became of its runs.
            worker.stop(30)
            end(owned(mark), 0 if server.process is None else 5) if not server.running else _end_runs(mark, server)
            server.stop(20)
            end(owned(mark), 5)
            read.shutdown()
    _say("stopped")


def _end_runs(mark: str, server: Child) -> None:
    """End flow runs that the worker has left, while there is a server to hear of it."""
    own = os.getpgid(server.process.pid) if server.process else 0
    end([process for process in owned(mark) if _group(process) != own], 15)


def _group(process: int) -> int:
    try:
        return os.getpgid(process)
    except ProcessLookupError:
        return -1


def _stopping() -> threading.Event:
    stopping = threading.Event()

    def stop(_signal: int, _frame: object) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return stopping


@contextlib.contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Hold the home; the operating system lets go of it when we end, however that is."""
    with (home / "serve.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = str(_read_state(home).get("api", "")).removesuffix("/api")
            message = (
                f"{home} is being served already{f', at {where}' if where else ''}: stop that, or choose another --home"
            )
            raise PublicationConflict(message) from None
        yield


def _read_state(home: Path) -> dict[str, object]:
    try:
        found = json.loads((home / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_state(home: Path, state: dict[str, object]) -> None:
    fresh = home / f".{STATE}"
    fresh.write_text(json.dumps(state, indent=1), encoding="utf-8")
    fresh.replace(home / STATE)


def _children(
    home: Path, what: Serving, port: int, environment: dict[str, str], database: dict[str, str]
) -> tuple[Child, Child]:
    prefect = [sys.executable, "-m", "prefect"]
    server = Child(
        "server",
        [*prefect, "server", "start", "--host", what.host, "--port", str(port), "--analytics-off"],
        {**environment, **database},
        REPOSITORY,
        home / "logs" / "server.log",
    )
    worker = Child(
        "worker",
        [*prefect, "worker", "start", "--pool", POOL, "--type", "process", "--limit", str(what.limit)],
        environment,
        REPOSITORY,
        home / "logs" / "worker.log",
    )
    return server, worker


def _wait_for(server: Child, api: str, stopping: threading.Event) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not stopping.wait(0.3):
        if not server.running:
            message = f"Prefect's server did not start; the end of {server.log} says why"
            raise ServerTrouble(message)
        if answers(api):
            return
        if time.monotonic() > deadline:
            message = f"Prefect's server did not answer within {_START_SECONDS:.0f} s; {server.log} may say why"
            raise ServerTrouble(message)


def answers(api: str) -> bool:
    """Say whether a Prefect server answers at an address."""
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=5) as answer:  # noqa: S310 - http, as we made it
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
    except OSError:
        return False


def _deploy(environment: dict[str, str], home: Path, database: str, before: str) -> str:
    """Make the deployments as prefect.yaml has them, unless that was done; what was changed in the UI stays."""
    now = _what_is_deployed(environment, database)
    if now == before:
        return now
    _say("making the deployments of prefect.yaml")
    log = home / "logs" / "deploy.log"
    with log.open("wb") as file:
        run = subprocess.run(
            [sys.executable, "-m", "flows.deploying"],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if run.returncode:
        message = f"the deployments of prefect.yaml could not be made; the end of {log} says why"
        raise ServerTrouble(message)
    return now


def _what_is_deployed(environment: dict[str, str], database: str) -> str:
    """Hash what deployments are made of: the file, the forms, where we, the publications and the database lie."""
    digest = hashlib.sha256(f"{REPOSITORY}\n{environment['ENCORE_PUBLICATIONS']}\n{database}\n".encode())
    places = [REPOSITORY / "prefect.yaml", *sorted((REPOSITORY / "flows").glob("*.py"))]
    for path in [*places, *sorted((REPOSITORY / "schemas").glob("*.py")), *alerts()]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def alerts() -> list[Path]:
    """Return the files of automations."""
    return sorted((REPOSITORY / "automations").glob("*.yaml"))


def _tell(api: str, publications: str, home: Path) -> None:
    ui = api.removesuffix("/api")
    _say("")
    _say(f"UI             {ui}")
    _say(f"start a refit  {ui}/deployments")
    _say(f"publications   {publications}")
    _say(f"logs           {home / 'logs'}")
    _say(f"from a terminal, PREFECT_API_URL={api} makes encore refit a run of this server")
    _say("Ctrl-C stops it all")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
