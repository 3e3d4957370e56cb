"""What a broken rule costs: the row, or only the value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from schemas.expectations import Rule

    Broken = Sequence[tuple[Rule, NDArray[np.int64]]]


def bad_rows(broken: Broken) -> dict[int, list[str]]:
    """Return the rows that must go, each with everything that is wrong with it.

    Parameters
    ----------
    broken : sequence of (Rule, ndarray of int64)
        As `Inspection.inspect` returns them.

    Returns
    -------
    dict of int to list of str
        Record number to reasons, those that alone would have cost only the value among them.
    """
    critical = [rows for rule, rows in broken if rule.severity == "critical"]
    going = set(np.concatenate(critical).tolist()) if critical else set()
    reasons: dict[int, list[str]] = {row: [] for row in sorted(going)}
    unreadable: set[tuple[str, int]] = set()
    for rule, rows in sorted(broken, key=lambda one: one[0].severity) if going else ():  # critical ones first
        for row in rows.tolist() if rule.severity == "critical" else going.intersection(rows.tolist()):
            if rule.kind == "readable":
                unreadable.add((rule.column, row))
            elif rule.kind == "not_null" and (rule.column, row) in unreadable:
                continue  # something is there, after all
            reasons[row].append(rule.reason)
    return reasons


def without_noted(
    values: pa.Table, rows: NDArray[np.int64], broken: Broken, bad: Mapping[int, object]
) -> tuple[pa.Table, dict[str, int]]:
    """Leave out the values that a warning is about, and count the rows that stay without one.

    Parameters
    ----------
    values : pyarrow.Table, n rows
        Canonical columns.
    rows : ndarray of int64, shape (n,)
        Their record numbers, ascending.
    broken : sequence of (Rule, ndarray of int64)
    bad : mapping of int
        The rows that go to quarantine.

    Returns
    -------
    values : pyarrow.Table, n rows
    noted : dict of str to int
        Reason to number of rows.
    """
    noted: dict[str, int] = {}
    going = np.fromiter(bad, dtype=np.int64, count=len(bad))
    for rule, where in broken:
        if rule.severity != "warning":
            continue
        if rule.kind != "readable":  # what cannot be read is no value already
            mask = np.zeros(len(rows), dtype=bool)
            mask[np.searchsorted(rows, where)] = True
            field = values.schema.field(rule.column)
            emptied = pc.if_else(pa.array(mask), pa.scalar(None, field.type), values[rule.column])
            values = values.set_column(values.schema.get_field_index(rule.column), field, emptied)
        count = int(np.isin(where, going, invert=True).sum())
        if count:
            noted[rule.reason] = noted.get(rule.reason, 0) + count
    return values, noted
