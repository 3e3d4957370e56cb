"""What a flow says in a terminal while it runs, and what a refit leaves there."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from flows.bar import StepHandler
from flows.orphans import stop_orphans, stop_own
from flows.unchanged import is_unchanged
from schemas.errors import Interrupted, PublicationConflict
from tasks.progress import BAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel

_LOGGER = logging.getLogger("encore")
_PATIENCE_SECONDS = 3.0


def run_refit(
    sources: Sequence[str], name: str, to: Path, parameters: Mapping[str, BaseModel], *, force: bool, verbose: bool
) -> None:
    """Run the flow in this process and print what it published.

    Parameters
    ----------
    sources : sequence of str
    name : str
    to : Path
        Folder of publications.
    parameters : mapping
        By parameter of the flow: ingestion, grouping, sampling, gating, publishing.
    force, verbose : bool

    Raises
    ------
    EncoreError
        As the flow does.
    """
    started = time.monotonic()
    # With a server of the user's own, a refit that finds nothing new is a line in its history: there it does run.
    if not force and not os.environ.get("PREFECT_API_URL") and is_unchanged(sources, name, to, by_step(parameters)):
        print_line(f"Nothing new: {name} was published from this corpus with these parameters before.")
        print_publication(to, name)
        return
    with running(verbose=verbose):
        from flows.refit import refit

        by_name: dict[str, Any] = dict(parameters)
        publication = refit(sources=list(sources), name=name, to=str(to), **by_name, force=force)
    if not publication.new:
        print_line(f"\nNothing new: {name} was published from this corpus with these parameters before.")
    print_publication(to, name)
    print_line(f"{time.monotonic() - started:.0f} s in all")


def by_step(parameters: Mapping[str, BaseModel]) -> dict[str, BaseModel]:
    """Return the flow's parameters by the name of their step."""
    steps = {
        "ingestion": "ingest",
        "grouping": "group",
        "sampling": "sample",
        "gating": "gate",
        "publishing": "publish",
        "evaluating": "judge",
    }
    return {steps[name]: model for name, model in parameters.items()}


@contextlib.contextmanager
def running(*, verbose: bool) -> Iterator[None]:
    """Run a flow inside this: its steps show in the terminal, Ctrl-C ends it, and no server of a killed run stays.

    Prefect must not have been imported before: it reads its settings then.
    """
    _show_steps(bars=not verbose)
    if not verbose:
        # Prefect prints a traceback for whatever ends a run; ours are one sentence, printed at the end.
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    if not os.environ.get("PREFECT_API_URL"):
        stop_orphans()
        # 20 seconds, Prefect's own patience, are not enough for a machine that is busy with other things.
        os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
        _LOGGER.info("%-7s starting Prefect's own server for this run", "prefect")
    with _interruptible():
        yield


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """End in a sentence on Ctrl-C, within seconds.

    The keys reach Prefect's embedded server too: whatever the run then fails at, it fails because of them, and a client
    whose server is gone goes on trying for minutes. Steps bear being killed, so a run that has not ended soon is.
    """
    pressed = threading.Event()

    def end() -> None:
        stop_own()
        sys.stderr.write(f"encore: {Interrupted()}\n")
        sys.stderr.flush()
        os._exit(Interrupted.exit_code)

    def interrupt(_signal: int, _frame: object) -> None:
        if not pressed.is_set():
            pressed.set()
            deadline = threading.Timer(_PATIENCE_SECONDS, end)
            deadline.daemon = True
            deadline.start()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except BaseException:
        if not pressed.is_set():
            raise
        raise Interrupted from None
    finally:
        signal.signal(signal.SIGINT, before)


def _show_steps(*, bars: bool) -> None:
    """Print what the steps log, on stderr, one line a step; with bars, unless Prefect's own log comes in between."""
    handler = StepHandler(sys.stderr, bars=bars)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    if handler.draws:
        BAR.addHandler(handler)
        BAR.setLevel(logging.INFO)


def print_line(text: str) -> None:
    """Print a line, replacing what the terminal cannot show."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def print_publication(to: Path, name: str, top: int = 10) -> None:
    """Print the leaderboard of the current version, what the gate measured, and where it lies.

    Raises
    ------
    PublicationConflict
        If there is none.
    """
    from tasks.gate.wording import summary
    from tasks.publish.leaderboard import leaderboard_text
    from tasks.publish.store import read_manifest

    folder = current_folder(to, name)
    manifest = read_manifest(folder)
    rows, new = manifest.corpus.rows, manifest.sampling.new_artist
    share = f"{manifest.sampling.interval * 100:.3g}%"
    print_line(f"\n{leaderboard_text(folder, top)}\n")
    print_line(
        f"next track of an artist nobody has seen: {new['mean']:.1f}, {share} within {new['low']:.1f} to "
        f"{new['high']:.1f}"
    )
    print_line(
        f"rows     {rows.rows_in:,} in = {rows.kept:,} kept + {rows.repeats:,} repeats + "
        f"{rows.quarantined:,} quarantined"
    )
    print_line(f"gate     {summary(manifest.verdict)}")
    print_line(f"at       {to / name / 'versions' / manifest.version}")
    print_line(f"report   {to / name / 'current' / 'report.html'}")


def verify_publication(to: Path, name: str) -> None:
    """Print whether the current version is whole.

    Raises
    ------
    PublicationConflict
        If it is not, with the first that is wrong.
    """
    from tasks.publish.store import read_manifest, verify

    folder = current_folder(to, name)
    faults = verify(folder)
    if faults:
        message = f"{name} is damaged: " + "; ".join(faults[:3])
        raise PublicationConflict(message)
    manifest = read_manifest(folder)
    print_line(f"{name} {manifest.version}: {len(manifest.files):,} files, each as it was published")


def current_folder(to: Path, name: str) -> Path:
    """Return the folder of the current version.

    Raises
    ------
    PublicationConflict
        If there is none.
    """
    from schemas.publication import VERSIONS
    from tasks.publish.store import current_version

    version = current_version(to, name)
    if version is None:
        message = f"there is no publication {name} in {to}; make one with encore refit"
        raise PublicationConflict(message)
    return to / name / VERSIONS / version
