"""The extremes of columns: what keeps a rule between them, keeps it everywhere.

Each rule asks something of one value at a time. All values lie in a range if the smallest and the largest do, and all
are there, readable and of a form if none is found that is not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.tracks import ID_LENGTH, TRACK_ID
from tasks.ingest.buffers import all_alphanumeric, all_long, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from schemas.expectations import Rule

    Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Extreme:
    """What is furthest from usual in one column of some rows.

    Parameters
    ----------
    rows : int
    least, most : float, optional
        Of numbers; None where there are none.
    missing, unreadable : bool
        Whether any value is.
    odd, usual : str, optional
        Of what must have a form, a text that has not, and one that has.
    """

    rows: int = 0
    least: float | None = None
    most: float | None = None
    missing: bool = False
    unreadable: bool = False
    odd: str | None = None
    usual: str | None = None

    def breaks(self, rule: Rule) -> bool:
        """Say whether any of the rows breaks a rule of the column."""
        if rule.kind == "readable":
            return self.unreadable
        if rule.kind == "not_null":
            return self.missing
        if rule.kind == "pattern":
            return self.odd is not None
        below = rule.low is not None and self.least is not None and self.least < rule.low
        return below or (rule.high is not None and self.most is not None and self.most > rule.high)

    def __or__(self, other: Extreme) -> Extreme:
        least = [one for one in (self.least, other.least) if one is not None]
        most = [one for one in (self.most, other.most) if one is not None]
        return Extreme(
            self.rows + other.rows,
            min(least, default=None),
            max(most, default=None),
            self.missing or other.missing,
            self.unreadable or other.unreadable,
            other.odd if self.odd is None else self.odd,
            other.usual if self.usual is None else self.usual,
        )

    def cells(self, rule: Rule) -> list[Any]:
        """Return three cells that break a rule if, and only if, any of the rows does."""
        if rule.kind == "readable":
            return [not self.unreadable] * 3
        if rule.kind == "pattern":
            return [self.usual if self.odd is None else self.odd] * 3
        least = 1.0 if self.least is None else self.least
        return [least, least if self.most is None else self.most, np.nan if self.missing else least]


class Extremes:
    """The extremes of the rows of a source that keep its rules, by column; and the other rows, till those are judged.

    Attributes
    ----------
    waiting : int
        How many rows wait to be judged.
    """

    def __init__(self, columns: Mapping[str, Extreme] | None = None) -> None:
        self._columns: dict[str, Extreme] = dict(columns or {})
        self._asked: dict[tuple[Rule, ...], tuple[list[pd.DataFrame], list[list[Rows]]]] = {}
        self.waiting = 0

    @classmethod
    def of(cls, values: pa.Table, unreadable: pa.Table, rules: Sequence[Rule]) -> Self:
        """Return those of the columns that rules are about.

        Parameters
        ----------
        values, unreadable : pyarrow.Table, n rows
            As `coercion.coerce` returns them.
        rules : sequence of Rule
        """
        patterns = {rule.column: rule.pattern for rule in rules if rule.kind == "pattern"}
        names = dict.fromkeys(rule.column for rule in rules)
        return cls({name: _extreme(values[name], unreadable[name], patterns.get(name)) for name in names})

    def broken(self, rules: Sequence[Rule]) -> list[Rule]:
        """Return the rules that some row breaks."""
        return [rule for rule in rules if self._columns[rule.column].breaks(rule)]

    def with_these(self, others: Extremes) -> Extremes:
        """Return these, with those of others in place of their own."""
        return Extremes({**self._columns, **others._columns})

    def add(self, others: Extremes) -> None:
        """Take further rows into account."""
        for name, one in others._columns.items():
            self._columns[name] = self._columns.get(name, Extreme()) | one

    def ask(self, rules: Sequence[Rule], frame: pd.DataFrame, expected: Sequence[Rows]) -> None:
        """Have rows wait to be judged by some rules, each of which should find those expected."""
        frames, wanted = self._asked.setdefault(tuple(rules), ([], [[] for _ in rules]))
        frames.append(frame)
        for here, more in zip(wanted, expected, strict=True):
            here.append(more)
        self.waiting += len(frame)

    def questions(self) -> list[tuple[tuple[Rule, ...], list[pd.DataFrame], list[list[Rows]]]]:
        """Return what waits, and have it wait no more: rules, frames, and by rule what each is to find."""
        asked, self._asked, self.waiting = self._asked, {}, 0
        return [(rules, frames, expected) for rules, (frames, expected) in asked.items()]

    def asked(self, rules: Sequence[Rule]) -> list[Rule]:
        """Return the rules of whose columns there are rows."""
        return [rule for rule in rules if rule.column in self._columns and self._columns[rule.column].rows]

    def cells(self, rule: Rule) -> list[Any]:
        """Return three cells that break a rule if, and only if, any of the rows does."""
        return self._columns[rule.column].cells(rule)


def breaking(values: pa.Table, unreadable: pa.Table, rules: Sequence[Rule]) -> list[NDArray[np.bool_]]:
    """Return which rows break each rule."""
    return [
        _breaking(values[rule.column], unreadable[rule.column], rule).to_numpy(zero_copy_only=False) for rule in rules
    ]


def is_text(rule: Rule, column: pa.ChunkedArray) -> bool:
    """Say whether a rule asks of text, or lists of it, whether it is there."""
    return rule.kind == "not_null" and str(column.type).startswith(("list", "string"))


def _extreme(column: pa.ChunkedArray, unreadable: pa.ChunkedArray, pattern: str | None) -> Extreme:
    least = most = odd = usual = None
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        ends = span(column)
        if ends is None or math.isnan(ends[0]):
            ends = pc.min_max(column).as_py().values()
        least, most = (None if one is None else float(one) for one in ends)
    if pattern == TRACK_ID and _are_ids(column):
        usual = str(column[0].as_py())
    elif pattern is not None:
        fits = pc.match_substring_regex(column, pattern)
        odd, usual = (_first(column, fits, wanted) for wanted in (False, True))
    broken = bool(pc.any(unreadable, min_count=0).as_py())
    return Extreme(len(column), least, most, column.null_count > 0, broken, odd, usual)


def _are_ids(column: pa.ChunkedArray) -> bool:
    """Say whether all are ids of tracks, as far as that is soon seen: a regular expression takes five times as long."""
    there = [chunk for chunk in column.chunks if len(chunk)]
    if not there or column.null_count:
        return False
    return all(all_long(chunk, ID_LENGTH) and all_alphanumeric(chunk) for chunk in there)


def _first(column: pa.ChunkedArray, fits: pa.ChunkedArray, wanted: bool) -> str | None:  # noqa: FBT001 - what is looked for
    position = pc.index(fits, pa.scalar(value=wanted)).as_py()
    return str(column[position].as_py()) if position >= 0 else None


def _breaking(column: pa.ChunkedArray, unreadable: pa.ChunkedArray, rule: Rule) -> pa.ChunkedArray:
    if rule.kind == "readable":
        return unreadable
    if rule.kind == "not_null":
        return pc.is_null(column)
    if rule.kind == "pattern":
        fits = pc.match_substring_regex(column, rule.pattern)
    else:
        fits = pc.and_(*(_within(column, rule.low, pc.greater_equal), _within(column, rule.high, pc.less_equal)))
    return pc.invert(fits).fill_null(False)  # noqa: FBT003 - Arrow's signature


def _within(column: pa.ChunkedArray, limit: float | None, keeps: Any) -> Any:
    return pa.scalar(value=True) if limit is None else keeps(column, limit)
