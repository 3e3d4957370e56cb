"""What judges rows, and a corpus as a whole: plain comparisons, and Great Expectations, which decides.

Great Expectations takes seconds to import, and does not say what of it may be used by several threads. So it is set up,
and used, in one thread of its own, while others read the first rows.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from tasks.ingest.extremes import Extremes, breaking
from tasks.ingest.frames import extreme_frame, row_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.expectations import Rule
    from tasks.ingest.data_docs import Site
    from tasks.ingest.expecting import Expectations
    from tasks.ingest.tallies import Tally

    Rows = NDArray[np.int64]
    Broken = tuple[Rule, Rows, list[Any]]

# So many rows that break rules are kept for Great Expectations to be shown at once: a run of it takes milliseconds.
_MOST_WAITING = 50_000


class Inspection:
    """Judges the rows of one run; a context manager, which leaves no thread behind."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "great-expectations")  # starts with its first piece of work
        self._engine: Future[Expectations] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def begin(self) -> Future[Expectations]:
        """Have Great Expectations set up beside what follows: it will be needed. What goes wrong is raised then."""
        if self._engine is None:
            self._engine = self._thread.submit(_set_up)
        return self._engine

    def beside[T](self, work: Callable[[Expectations], T]) -> Future[T]:
        """Have Great Expectations do something while this thread goes on: one piece of work after another."""
        engine = self.begin()
        return self._thread.submit(lambda: work(engine.result()))

    def inspect(
        self, rules: Sequence[Rule], values: pa.Table, unreadable: pa.Table, rows: Rows, tally: Tally, kept: Extremes
    ) -> list[tuple[Rule, Rows]]:
        """Hold rows against rules.

        A plain comparison finds the rows that break one, and Great Expectations is shown those, of many partitions at a
        time. Of all others it is shown the extremes, once a source. What this returns holds only if `confirm` passes.

        Parameters
        ----------
        rules : sequence of Rule
        values, unreadable : pyarrow.Table, n rows
            As `coercion.coerce` returns them.
        rows : ndarray of int64, shape (n,)
            Record numbers, ascending.
        tally : Tally
            Is told what was found.
        kept : Extremes
            Is told the extremes of the rows that keep the rules, and which rows Great Expectations has yet to judge.

        Returns
        -------
        list of (Rule, ndarray of int64)
            The broken rules in their order, and the record numbers of the rows that break each.

        Raises
        ------
        RuntimeError
            If an expectation could not be evaluated, or is of another opinion than a plain comparison, which is a bug
            and not the corpus's fault.
        """
        found = Extremes.of(values, unreadable, rules)
        suspects = found.broken(rules)
        broken: list[tuple[Rule, Rows]] = []
        if suspects:
            names = list(dict.fromkeys(rule.column for rule in suspects))
            values_asked, unreadable_asked = values.select(names), unreadable.select(names)
            masks = breaking(values_asked, unreadable_asked, suspects)
            wrong = np.logical_or.reduce(masks)
            mask = pa.array(wrong)
            frame = row_frame(values_asked.filter(mask), unreadable_asked.filter(mask), suspects, rows[wrong])
            broken = [(rule, rows[one]) for rule, one in zip(suspects, masks, strict=True)]
            kept.ask(suspects, frame, [where for _, where in broken])
            asked = [rule for rule in rules if rule.column in names]
            mask = pa.array(~wrong)
            found = found.with_these(Extremes.of(values_asked.filter(mask), unreadable_asked.filter(mask), asked))
        kept.add(found)
        tally.add(rules, values, len(rows), broken)
        if kept.waiting > _MOST_WAITING:
            self._answer(kept, tally)
        return broken

    def confirm(self, rules: Sequence[Rule], kept: Extremes, tally: Tally) -> None:
        """Have Great Expectations judge what it has not of a source: rows that break rules, and extremes of all others.

        What it finds right of the extremes is right of each of the rows.

        Parameters
        ----------
        rules : sequence of Rule
        kept : Extremes
            As `inspect` left them.
        tally : Tally
            Is told some of the values that break rules.

        Raises
        ------
        RuntimeError
            If it is of another opinion than plain comparisons, or could not look.
        """
        self._answer(kept, tally)
        asked = kept.asked(rules)
        if not asked:
            return
        alike, frame = extreme_frame(kept, asked)
        if wrong := self.validate(alike, frame):
            message = f"Great Expectations finds that rows which were kept break {[rule for rule, _, _ in wrong]}"
            raise RuntimeError(message)

    def _answer(self, kept: Extremes, tally: Tally) -> None:
        """Show Great Expectations the rows that wait for it."""
        for suspects, frames, expected in kept.questions():
            frame = pd.concat(frames)
            found = {rule: (where, examples) for rule, where, examples in self.validate(suspects, frame, mixed=True)}
            for rule, wanted in zip(suspects, expected, strict=True):
                where, examples = found.get(rule, (None, ()))
                if where is None or not np.array_equal(np.sort(where), np.concatenate(wanted)):
                    message = f"Great Expectations finds other rows than plain comparisons that break {rule}"
                    raise RuntimeError(message)
                tally.show(rule, examples)

    def validate(self, rules: Sequence[Rule], frame: pd.DataFrame, *, mixed: bool = False) -> list[Broken]:
        """Have Great Expectations hold a frame against rules.

        Parameters
        ----------
        rules : sequence of Rule
        frame : pandas.DataFrame
            Its index says which row is which.
        mixed : bool
            Whether it is known that some of the rows break rules that others keep: it is then asked at once which.

        Returns
        -------
        list of (Rule, ndarray of int64, list)
            The broken rules in their order, the index of the rows that break each, and the first values that do.

        Raises
        ------
        RuntimeError
            If an expectation could not be evaluated.
        """
        return self.beside(lambda engine: engine.validate(rules, frame, mixed=mixed)).result()

    def documents(self, folder: Path) -> Documents:
        """Return the Data Docs that are to be written into a folder."""
        return Documents(self, folder)


class Documents:
    """Great Expectations' Data Docs, written beside other work."""

    def __init__(self, inspection: Inspection, folder: Path) -> None:
        self._beside = inspection.beside
        self._site: Future[Site] = self._beside(lambda engine: engine.site(folder))
        self._pages: list[Future[None]] = []

    def add(self, name: str, tally: Tally) -> None:
        """Have the pages of a suite written, of what was found of all rows.

        Parameters
        ----------
        name : str
            Of the suite, which becomes a path in the Data Docs.
        tally : Tally
            Not to be changed any more.
        """
        self._pages.append(self._beside(lambda engine: engine.document(self._site.result(), name, tally)))

    def close(self) -> None:
        """Write the index, once all pages are written; raises what went wrong with any of them."""
        for page in self._pages:
            page.result()
        self._site.result().close()


def _set_up() -> Expectations:
    from tasks.ingest.expecting import Expectations

    return Expectations()
