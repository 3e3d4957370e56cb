"""What Great Expectations is shown of rows: numpy-backed frames, without any stranger's text but ids and dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from schemas.expectations import Rule
from tasks.ingest.extremes import is_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from tasks.ingest.extremes import Extremes

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
        elif is_text(rule, column):
            # Whether something is there is all that matters, and all that the Data Docs may see.
            columns[rule.column] = np.where(column.is_null().to_numpy(), np.nan, 1.0)
        else:
            columns[rule.column] = column.cast("float64").to_numpy()
    return pd.DataFrame({name: pd.Series(array, rows, array.dtype) for name, array in columns.items()}, rows)


def extreme_frame(extremes: Extremes, rules: Sequence[Rule]) -> tuple[list[Rule], pd.DataFrame]:
    """Return cells that break rules if, and only if, any of the rows does that the extremes are of.

    Each expectation costs Great Expectations milliseconds, however few cells it is about, and many rules ask the same:
    that a value is there, or is a share. Those are asked as one, of a column that has the cells of all of theirs.

    Returns
    -------
    rules : list of Rule
        One of each that ask the same, about the columns of the frame.
    frame : pandas.DataFrame
    """
    cells: dict[tuple[Any, ...], list[Any]] = {}
    for rule in rules:
        cells.setdefault((rule.kind, rule.low, rule.high, rule.pattern), []).extend(extremes.cells(rule))
    longest = max(map(len, cells.values()))
    alike, columns = [], {}
    for number, ((kind, low, high, pattern), values) in enumerate(cells.items()):
        about = f"{kind} {number}"
        alike.append(Rule(kind, about, about, low=low, high=high, pattern=pattern))
        name = UNREADABLE.format(about) if kind == "readable" else about
        whole = (values * (longest // len(values) + 1))[:longest]
        columns[name] = pd.Series(whole, dtype={bool: "bool", float: "float64"}.get(type(values[0]), "object"))
    return alike, pd.DataFrame(columns)


def statistics_frame(statistics: Mapping[str, float]) -> pd.DataFrame:
    """Return statistics of a whole corpus as a frame of one row."""
    return pd.DataFrame(dict(statistics), index=[0])
