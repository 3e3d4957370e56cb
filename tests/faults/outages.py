"""Server and worker of an `encore serve` are killed while a run is at work; `encore serve` starts them again."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from runs import STEPS, write_corpus
from served import serving, until
from trials import faults_of, left_behind

from tasks.stores import open_store

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from served import Served
    from trials import Outcome

NAME = "label"
_FIRST, _MORE = 90, 40


class Outages:
    """Faults that happen to what runs need, each to a run of `refit/on-demand` whose corpus has grown.

    Parameters
    ----------
    folder : Path
    stack : ExitStack
        Ends the `encore serve` that the first of them starts.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._served: Served | None = None

    def server_killed(self, outcome: Outcome) -> None:
        """`kill -9` of the server; the run waits for the one that is started in its place."""
        self._try(outcome, "server")

    def worker_killed(self, outcome: Outcome) -> None:
        """`kill -9` of the worker; its run is a process of its own."""
        self._try(outcome, "worker")

    def _try(self, outcome: Outcome, what: str) -> None:
        served = self._serve()
        corpora = self._folder / "corpus"
        write_corpus(corpora / f"{outcome.seed}.csv", outcome.seed, _MORE)
        expected = open_store(served.to).manifest(NAME, self._current()).corpus.rows.kept + _MORE
        first = open_store(served.to).versions(NAME)
        step = outcome.chance.choice(STEPS)
        before = set((served.to / ".work" / step).glob("*"))
        key = self._press()
        until(lambda: set((served.to / ".work" / step).glob("*")) - before, every=0.02)
        os.kill(served.process_of(what), signal.SIGKILL)
        ended = served.ended(key)
        outcome.saw = f"{ended['state_name']}: {(ended['state']['message'] or '').split(' ')[0]}"
        outcome.wrong += [f"after it: {fault}" for fault in faults_of(served.to, NAME, first)]
        again = served.ended(self._press())
        if again["state_name"] not in {"Completed", "Nothing new"}:
            outcome.wrong.append(f"the next run ended as {again['state_name']}: {again['state']['message']}")
        rows = open_store(served.to).manifest(NAME, self._current()).corpus.rows.kept
        outcome.wrong += [] if rows == expected else [f"{rows} rows are published, not {expected}"]
        outcome.wrong += faults_of(served.to, NAME, first) + left_behind(served.to)
        told = [line["state"] for line in served.history(NAME)][-2:]
        if told != [ended["state_name"], again["state_name"]]:
            outcome.wrong.append(f"encore history says {told}")

    def _press(self) -> str:
        assert self._served is not None
        return self._served.press_run(
            "refit/on-demand",
            sources=[str(self._folder / "corpus")],
            name=NAME,
            ingestion={"repeats": "keep", "min_tracks": 1},
            grouping={"features": "none", "genres": "none"},
            sampling={"chains": 2, "draws": 1500},
            publishing={"figures": False, "promote": "always"},
        )

    def _current(self) -> str:
        assert self._served is not None
        return open_store(self._served.to).current(NAME) or ""

    def _serve(self) -> Served:
        if self._served is None:
            write_corpus(self._folder / "corpus" / "first.csv", 1, _FIRST)
            self._served = self._stack.enter_context(serving(self._folder / "served"))
            done = self._served.ended(self._press())
            if done["state_name"] != "Completed":
                message = f"the first refit ended as {done['state_name']}: {done['state']['message']}"
                raise RuntimeError(message)
        return self._served
