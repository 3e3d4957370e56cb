"""The rules of the contract held against rows by plain comparisons, beside Great Expectations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.ingest.frames import UNREADABLE, row_frame
from tasks.ingest.inspection import Inspection

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from schemas.expectations import Rule
    from tasks.ingest.extremes import Extremes
    from tasks.ingest.tallies import Tally

    Rows = NDArray[np.int64]


class PlainInspection(Inspection):
    """Judges as Great Expectations does, in a hundredth of the time; needs no set-up."""

    def begin(self) -> None:
        """Set nothing up."""

    def inspect(
        self, rules: Sequence[Rule], values: pa.Table, unreadable: pa.Table, rows: Rows, tally: Tally, kept: Extremes
    ) -> list[tuple[Rule, Rows]]:
        """Return the broken rules in their order, and the record numbers of the rows that break each."""
        del kept  # every row has been looked at
        broken = self.validate(rules, row_frame(values, unreadable, rules, rows))
        tally.add(rules, values, len(rows), [(rule, found) for rule, found, _ in broken])
        for rule, _, examples in broken:
            tally.show(rule, examples)
        return [(rule, found) for rule, found, _ in broken]

    def confirm(self, rules: Sequence[Rule], kept: Extremes, tally: Tally) -> None:
        """Add nothing."""

    def validate(
        self, rules: Sequence[Rule], frame: pd.DataFrame, *, mixed: bool = False
    ) -> list[tuple[Rule, Rows, list[Any]]]:
        """Return the same, with the first values that break each rule."""
        del mixed
        broken = []
        for rule in rules:
            values = frame[UNREADABLE.format(rule.column) if rule.kind == "readable" else rule.column]
            wrong = np.array([_breaks(rule, value) for value in values.tolist()], dtype=bool)
            if wrong.any():
                rows = frame.index.to_numpy()[wrong].astype(np.int64)
                broken.append((rule, rows, values[wrong].tolist()[:20]))
        return broken


class BothInspections(Inspection):
    """Great Expectations, and the plain comparisons beside it: they must agree."""

    def inspect(
        self, rules: Sequence[Rule], values: pa.Table, unreadable: pa.Table, rows: Rows, tally: Tally, kept: Extremes
    ) -> list[tuple[Rule, Rows]]:
        """Return what Great Expectations found."""
        found = super().inspect(rules, values, unreadable, rows, tally, kept)
        plain = PlainInspection().validate(rules, row_frame(values, unreadable, rules, rows))
        if [(rule, sorted(where)) for rule, where in found] != [(rule, sorted(where)) for rule, where, _ in plain]:
            message = f"Great Expectations finds {found}, and plain comparisons {plain}"
            raise AssertionError(message)
        return found


def _breaks(rule: Rule, value: Any) -> bool:
    if rule.kind == "readable":
        return not value
    missing = value is None or value != value  # noqa: PLR0124 - NaN
    if missing or rule.kind == "not_null":
        return missing and rule.kind == "not_null"
    if rule.kind == "pattern":
        return re.search(rule.pattern or "", value) is None
    return not (rule.low is None or value >= rule.low) or not (rule.high is None or value <= rule.high)
