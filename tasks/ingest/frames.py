"""What Great Expectations is shown of rows: numpy-backed frames, without any stranger's text but ids and dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from schemas.expectations import Rule

UNREADABLE = "{} is readable"


def row_frame(values: pa.Table, unreadable: pa.Table, rules: Sequence[Rule], rows: NDArray[np.int64]) -> pd.DataFrame:
    """Return what the rules need to know of rows.

    Parameters
    ----------
    values, unreadable : pyarrow.Table, n rows
        As `coercion.coerce` returns them.
    rules : sequence of Rule
    rows : ndarray of int64, shape (n,)
        Record numbers, the index of the frame.
    """
    columns: dict[str, NDArray[Any]] = {}
    for rule in rules:
        column = values[rule.column]
        if rule.kind == "readable":
            columns[UNREADABLE.format(rule.column)] = ~unreadable[rule.column].to_numpy()
        elif rule.kind == "pattern":
            columns[rule.column] = column.to_numpy()
        elif _is_text(rule, column):
            # Whether something is there is all that matters, and all that the Data Docs may see.
            columns[rule.column] = np.where(column.is_null().to_numpy(), np.nan, 1.0)
        else:
            columns[rule.column] = column.cast("float64").to_numpy()
    return pd.DataFrame({name: pd.Series(array, rows, array.dtype) for name, array in columns.items()}, rows)


def extremes(values: pa.Table, unreadable: pa.Table, rules: Sequence[Rule]) -> pd.DataFrame:
    """Return three rows that break a rule if, and only if, any row does.

    Of a number they are the smallest, the largest, and a missing one if there is any; of what must have a form, one
    that has not if there is any.

    Parameters
    ----------
    values, unreadable : pyarrow.Table, n rows
    rules : sequence of Rule
    """
    columns: dict[str, list[Any]] = {}
    for rule in rules:
        column = values[rule.column]
        if rule.kind == "readable":
            broken = bool(pc.any(unreadable[rule.column], min_count=0).as_py())
            columns[UNREADABLE.format(rule.column)] = [not broken] * 3
        elif rule.kind == "pattern":
            columns[rule.column] = [_formless(column, rule.pattern)] * 3
        elif _is_text(rule, column):
            columns[rule.column] = [1.0, 1.0, np.nan if column.null_count else 1.0]
        elif rule.column not in columns:
            least, most = pc.min_max(column.cast("float64")).as_py().values()
            missing = np.nan if column.null_count or least is None else least
            columns[rule.column] = [np.nan if least is None else least, np.nan if most is None else most, missing]
    return pd.DataFrame({name: pd.Series(cells, dtype=_dtype(cells)) for name, cells in columns.items()}, range(3))


def statistics_frame(statistics: Mapping[str, float]) -> pd.DataFrame:
    """Return statistics of a whole corpus as a frame of one row."""
    return pd.DataFrame(dict(statistics), index=[0])


def _is_text(rule: Rule, column: pa.ChunkedArray) -> bool:
    return rule.kind == "not_null" and str(column.type).startswith(("list", "string"))


def _formless(column: pa.ChunkedArray, pattern: str) -> str | None:
    """Return a text that has not the form, or else any; None if there is none."""
    fits = pc.match_substring_regex(column, pattern)
    worst = pc.index(fits, pa.scalar(value=False)).as_py()
    position = worst if worst >= 0 else pc.index(fits, pa.scalar(value=True)).as_py()
    return str(column[position].as_py()) if position >= 0 else None


def _dtype(cells: list[Any]) -> str:
    return {bool: "bool", float: "float64"}.get(type(cells[0]), "object")
