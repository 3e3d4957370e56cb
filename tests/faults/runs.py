"""Refits as processes that can be killed: forked from one that has imported everything, so that each costs seconds."""

from __future__ import annotations

import csv
import os
import random
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).resolve().parents[2]
STEPS = ("ingest", "group", "sample", "gate", "publish")
_PATIENCE = 300.0


def write_corpus(path: Path, seed: int, tracks: int = 90, artists: int = 12) -> Path:
    """Write a small corpus in the layout of the book Bayes Rules!."""
    chance = random.Random(seed)
    level = [chance.uniform(20, 70) for _ in range(artists)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "title", "artist", "popularity"])
        for track in range(tracks):
            by = chance.randrange(artists)
            popularity = round(min(100.0, max(0.0, chance.gauss(level[by], 12))))
            writer.writerow([f"{seed:011d}{track:011d}", f"song {track}", f"artist {by:02d}", popularity])
    return path


def load() -> None:
    """Import all that a refit needs, once."""
    import arviz_stats  # noqa: F401
    import great_expectations  # noqa: F401
    import nutpie  # noqa: F401
    import pandas as pd  # noqa: F401
    import scipy.stats  # noqa: F401
    import xarray  # noqa: F401

    import tasks.gate.gating
    import tasks.group.grouping
    import tasks.ingest.incremental
    import tasks.publish.publisher
    import tasks.sample.sampling  # noqa: F401


@dataclass
class Run:
    """A refit at work.

    Parameters
    ----------
    process : int
    log : Path
    """

    process: int
    log: Path
    code: int | None = None

    def wait(self, seconds: float = _PATIENCE) -> int:
        """Return its exit code, negative for a signal; kill it if it does not end."""
        deadline = time.monotonic() + seconds
        while not self.ended():
            if time.monotonic() > deadline:
                self.kill()
                message = f"a refit did not end within {seconds:.0f} s: {self.log}"
                raise TimeoutError(message)
            time.sleep(0.02)
        assert self.code is not None
        return self.code

    def ended(self) -> bool:
        """Say whether it has ended."""
        if self.code is None:
            found, status = os.waitpid(self.process, os.WNOHANG)
            if found:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def kill(self) -> None:
        """Kill it without warning, and what it started."""
        if not self.ended():
            os.killpg(self.process, signal.SIGKILL)
            self.wait()


def start(sources: list[Path], to: Path, name: str, log: Path, prepare: Callable[[], None] | None = None) -> Run:
    """Start a refit in a process of its own.

    Parameters
    ----------
    sources : list of Path
    to : Path
    name : str
    log : Path
    prepare : callable, optional
        What goes wrong in that process; it is called there before the flow.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process:
        return Run(process, log)
    code = 70
    try:
        os.setsid()
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        code = _refit(sources, to, name, prepare)
    except BaseException:  # noqa: BLE001 - whatever it was, this process ends here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _refit(sources: list[Path], to: Path, name: str, prepare: Callable[[], None] | None) -> int:
    import flows.refit as house
    from schemas.errors import EncoreError
    from schemas.parameters import GroupParameters, IngestParameters, PublishParameters, SampleParameters

    doors: Any = house
    for step in STEPS:
        # As often as ever, but without the waiting.
        setattr(doors, step, getattr(doors, step).with_options(retry_delay_seconds=0.05))
    if prepare:
        prepare()
    try:
        house.refit(
            [str(source) for source in sources],
            name=name,
            to=str(to),
            ingestion=IngestParameters(repeats="keep", min_tracks=0),
            grouping=GroupParameters(features="none", genres="none"),
            sampling=SampleParameters(draws=500, tune=300, chains=2),
            publishing=PublishParameters(figures=False),
        )
    except EncoreError as error:
        sys.stderr.write(f"encore: {error}\n")
        return error.exit_code
    return 0
