"""Trials of faults: what is published, a fault, what is left of it, and the next run."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import kinds
import runs
import tiny

from schemas.publication import VERSIONS
from tasks.stores import open_store

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

NAME = "label"
AT_ONCE = 20
_FIRST, _MORE = 90, 40
_KILLED = -9
# What differs from run to run, or from machine to machine.
_VARYING = re.compile(r"\S*/\S*|\d{8}T\d{6}Z\S*|\(refit-[^)]*\)|\d+(?= s in all)|[\d.,]+(?= MB free)")


@dataclass
class Outcome:
    """What came of one trial.

    Parameters
    ----------
    kind : str
    seed : int
    chance : Random
        Of that seed.
    """

    kind: str
    seed: int
    chance: random.Random
    saw: str = ""
    faults: int = 1
    wrong: list[str] = field(default_factory=list)

    def note(self, code: int, last_line: str) -> None:
        """Note what the user saw: how it ended, and the last line."""
        if code == _KILLED:
            self.saw = "killed"
            return
        self.saw = f"exit code {code}: {_VARYING.sub('…', last_line) or 'nothing said'}"


def faults_of(to: Path, name: str, published: list[str]) -> list[str]:
    """Return what is wrong with a publication; nothing if readers have a whole version and no other is lost.

    Parameters
    ----------
    to : Path
    name : str
    published : list of str
        Versions that have to be there.
    """
    store = open_store(to)
    there = store.versions(name)
    wrong = [] if store.current(name) else ["current leads nowhere"]
    wrong += [f"{version} is lost" for version in published if version not in there]
    wrong += [f"{version}: {fault}" for version in there for fault in store.faults(name, version)]
    home = to / name
    visible = {path.name for path in home.iterdir() if not path.name.startswith(".")}
    wrong += [f"{home / one} is half-written" for one in visible - {VERSIONS, "current", "rejected"}]
    return wrong + [f"{one} is half-written" for one in (home / VERSIONS).iterdir() if one.name not in there]


def left_behind(to: Path) -> list[str]:
    """Return what a killed process has left and the next has not swept up."""
    return [f"left behind: {path}" for path in (to / ".work").rglob(".partial-*")]


class Refits:
    """Faults that happen to whole refits, each on a copy of one publication and with a corpus that has grown.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._corpus = runs.write_corpus(folder / "corpora" / "first.csv", 1, _FIRST)
        self._base: Path | None = None
        self._calls: dict[str, int] = {}

    def killed_in(self, outcome: Outcome, step: str) -> None:
        """`kill -9` in a step, at one of its calls."""
        to, call = self._copy(outcome), outcome.chance.randrange(self._count(step))
        self._try(outcome, to, lambda: kinds.killed(_places(step), call))
        if outcome.saw != "killed":
            outcome.wrong.append("the fault did not happen")

    def disk_full(self, outcome: Outcome) -> None:
        """No room from some call of publish on."""
        to, call = self._copy(outcome), outcome.chance.randrange(self._count("publish"))
        happened = self._folder / f"{outcome.seed}.happened"
        self._try(outcome, to, lambda: kinds.full(_places("publish"), call, happened))
        outcome.wrong += [] if happened.exists() else ["the fault did not happen"]

    def fails_twice(self, outcome: Outcome, step: str) -> None:
        """Storage fails twice in a step; a user sees nothing of it."""
        to, call = self._copy(outcome), outcome.chance.randrange(self._count(step) - 1)
        happened = self._folder / f"{outcome.seed}.happened"
        self._try(outcome, to, lambda: kinds.fails_twice(_places(step), call, outcome.chance, happened))
        outcome.wrong += [] if happened.exists() else ["the fault did not happen"]
        outcome.wrong += [] if outcome.saw.startswith("exit code 0") else ["it did not come out by itself"]

    def corrupted(self, outcome: Outcome) -> None:
        """Change a bit of what a step has left, before the run."""
        to = self._copy(outcome)
        kinds.corrupt(to, outcome.chance)
        self._try(outcome, to, lambda: None)

    def clock(self, outcome: Outcome) -> None:
        """Set the clock elsewhere when the run publishes, and right again for the next."""
        self._try(outcome, self._copy(outcome), lambda: kinds.clock_jumps(outcome.chance))

    def many_at_once(self, outcome: Outcome) -> None:
        """Refits of two names start at once: of each name one at a time works, the others are told so."""
        outcome.faults = AT_ONCE
        to, names = self._copy(outcome), [NAME, "other"]
        first = open_store(to).versions(NAME)
        order = names * (AT_ONCE // 2)
        outcome.chance.shuffle(order)
        corpora = [self._corpus, self._grown(outcome)]
        started = []
        for number, name in enumerate(order):
            log = self._folder / f"{outcome.seed}-{number}.log"
            started.append((name, runs.start(lambda name=name: runs.refit(corpora, to, name), log)))  # type: ignore[misc]
        codes = [(name, run.wait(), run.last_line()) for name, run in started]
        for name in names:
            seen = sorted(code for one, code, _ in codes if one == name)
            if not set(seen) <= {0, 5} or 0 not in seen:
                outcome.wrong.append(f"exit codes of {name}: {seen}")
            outcome.wrong += faults_of(to, name, first if name == NAME else [])
            outcome.wrong += self._next(corpora, to, name, outcome)
        refused = Outcome("", 0, outcome.chance)
        refused.note(5, next((line for _, code, line in codes if code == 5), ""))
        won = sum(code == 0 for _, code, _ in codes)
        outcome.saw = f"{won} x exit code 0; {AT_ONCE - won} x {refused.saw}"

    def _try(self, outcome: Outcome, to: Path, prepare: Callable[[], None]) -> None:
        corpora = [self._corpus, self._grown(outcome)]
        first = open_store(to).versions(NAME)

        def work() -> None:
            prepare()
            runs.refit(corpora, to, NAME)

        run = runs.start(work, self._folder / f"{outcome.seed}.log")
        outcome.note(run.wait(), run.last_line())
        outcome.wrong += [f"after it: {fault}" for fault in faults_of(to, NAME, first)]
        outcome.wrong += self._next(corpora, to, NAME, outcome)
        outcome.wrong += faults_of(to, NAME, first)

    def _next(self, corpora: list[Path], to: Path, name: str, outcome: Outcome) -> list[str]:
        """Run the same command once more, and see that it publishes all of the corpus."""
        again = runs.start(lambda: runs.refit(corpora, to, name), self._folder / f"{outcome.seed}-{name}-next.log")
        if code := again.wait():
            return [f"the next refit ended with {code}: {again.last_line()}"]
        store = open_store(to)
        rows = store.manifest(name, store.current(name) or "").corpus.rows.kept
        wrong = [] if rows == _FIRST + _MORE else [f"{rows} rows are published"]
        return wrong + left_behind(to)

    def _grown(self, outcome: Outcome) -> Path:
        return runs.write_corpus(self._folder / "corpora" / f"{outcome.seed}.csv", outcome.seed, _MORE)

    def _copy(self, outcome: Outcome) -> Path:
        if self._base is None:
            runs.load()
            self._base = self._folder / "base"
            run = runs.start(lambda: runs.refit([self._corpus], self._folder / "base", NAME), self._folder / "base.log")
            if run.wait():
                message = f"the first refit did not come out: {run.log}"
                raise RuntimeError(message)
        to = self._folder / f"to-{outcome.seed}"
        shutil.copytree(self._base, to, symlinks=True)
        return to

    def _count(self, step: str) -> int:
        """Return how many calls a step makes when nothing goes wrong."""
        if not self._calls:
            corpora = [self._corpus, runs.write_corpus(self._folder / "corpora" / "count.csv", 2, _MORE)]
            to = self._folder / "counted"
            assert self._base is not None
            shutil.copytree(self._base, to, symlinks=True)

            def work() -> None:
                for one in runs.STEPS:
                    kinds.count(_places(one), self._folder / f"calls-of-{one}")
                runs.refit(corpora, to, NAME)

            if runs.start(work, self._folder / "counted.log").wait():
                message = f"a refit that was only watched did not come out: {self._folder / 'counted.log'}"
                raise RuntimeError(message)
            self._calls = {step: (self._folder / f"calls-of-{step}").stat().st_size for step in runs.STEPS}
        return self._calls[step]


class TinyPublications:
    """Faults that happen while a few bytes are published.

    Parameters
    ----------
    folder : Path
    """

    _PLACES = ("/.work/publish/", f"/{NAME}/")
    _LATER = "f" * 32

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._calls = 0

    def killed(self, outcome: Outcome) -> None:
        """`kill -9` at one of the calls."""
        call = outcome.chance.randrange(self._count())
        self._try(outcome, lambda: kinds.killed(self._PLACES, call))
        if outcome.saw != "killed":
            outcome.wrong.append("the fault did not happen")

    def disk_full(self, outcome: Outcome) -> None:
        """No room from one of the calls on."""
        call = outcome.chance.randrange(self._count())
        happened = self._folder / f"{outcome.seed}.happened"
        self._try(outcome, lambda: kinds.full(self._PLACES, call, happened))
        outcome.wrong += [] if happened.exists() else ["the fault did not happen"]

    def clock(self, outcome: Outcome) -> None:
        """Set the clock elsewhere, and right again for the next."""
        self._try(outcome, lambda: kinds.clock_jumps(outcome.chance))

    def _try(self, outcome: Outcome, prepare: Callable[[], None]) -> None:
        to = self._folder / f"tiny-{outcome.seed}"
        store = open_store(to)
        first = [tiny.release(store, NAME)]

        def work() -> None:
            prepare()
            tiny.release(open_store(to), NAME, self._LATER)

        run = runs.start(work, self._folder / f"{outcome.seed}.log")
        outcome.note(run.wait(), run.last_line())
        outcome.wrong += [f"after it: {fault}" for fault in faults_of(to, NAME, first)]
        last = tiny.release(store, NAME, self._LATER)
        outcome.wrong += faults_of(to, NAME, first)
        if store.current(NAME) != last or max(store.versions(NAME)) != last:
            outcome.wrong.append("the next publication is not the one that readers see")

    def _count(self) -> int:
        if not self._calls:
            to, into = self._folder / "tiny-counted", self._folder / "calls-of-tiny"
            tiny.release(open_store(to), NAME)

            def work() -> None:
                kinds.count(self._PLACES, into)
                tiny.release(open_store(to), NAME, self._LATER)

            runs.start(work, self._folder / "tiny-counted.log").wait()
            self._calls = into.stat().st_size
        return self._calls


def _places(step: str) -> tuple[str, ...]:
    places = (f"/.work/{step}/",)
    return (*places, f"/{NAME}/") if step == "publish" else places
