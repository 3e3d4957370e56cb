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
from schemas.errors import Interrupted
from schemas.publication import CURRENT
from tasks.progress import BAR

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from tasks.stores import Store

_LOGGER = logging.getLogger("encore")
_PATIENCE_SECONDS = 3.0


def run_refit(
    sources: Sequence[str], name: str, to: str, parameters: Mapping[str, BaseModel], *, force: bool, verbose: bool
) -> None:
    """Run the flow in this process and print what it published.

    Parameters
    ----------
    sources : sequence of str
    name : str
    to : str
        Where publications lie.
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
        publication = refit(sources=list(sources), name=name, to=to, **by_name, force=force)
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


class _Pressed(KeyboardInterrupt):
    """Ctrl-C.

    Where a plain `KeyboardInterrupt` comes up in an `exec`, such as dataclasses make, Python ends by the signal and not
    with our exit code, even if it is caught later.
    """


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
        raise _Pressed

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
    """Print lines, replacing what the terminal cannot show and what could drive it."""
    from tasks.publish.text import harmless

    text = "\n".join(map(harmless, text.split("\n")))
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def print_publication(to: str, name: str, top: int = 10) -> None:
    """Print the leaderboard of the current version, what the gate measured, and where it lies.

    Raises
    ------
    PublicationConflict
        If there is none.
    """
    from schemas.publication import ARTISTS
    from tasks.gate.wording import summary
    from tasks.publish.leaderboard import leaderboard_text
    from tasks.published import read_manifest
    from tasks.stores import open_store

    store = open_store(to)
    folder = store.current_folder(name, [ARTISTS])
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
    at = store.address(name, manifest.version)
    print_line(f"at       {at}")
    if newer := _held_back(store, name, manifest.version):
        print_line(f"newer    {newer}")
    print_line(f"report   {at if store.distant else f'{store.address(name)}/{CURRENT}'}/report.html")


def _held_back(store: Store, name: str, current: str) -> str:
    """Say why the newest version is not the one that readers see; nothing if it is."""
    newest = store.versions(name)[-1]
    if newest == current:
        return ""
    pointer = store.pointer(name)
    held_back = store.manifest(name, newest).held_back
    if held_back:
        return f"{newest} is not current: {held_back}; encore promote {name} {newest} makes it so"
    if pointer and newest <= pointer.newest:
        return f"{newest} is there, but this one was chosen with encore promote"
    return f"{newest} is being published, or a run that published it was killed"


def current_folder(to: str, name: str, files: Collection[str] | None = None) -> Path:
    """Return a folder on this machine with the current version, or with some files of it.

    Raises
    ------
    PublicationConflict
        If there is none.
    """
    from tasks.stores import open_store

    return open_store(to).current_folder(name, files)
