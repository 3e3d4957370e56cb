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
        Record number, ascending, to reasons, critical ones first, and those that alone would have cost only the value
        after them. Rows with the same reasons share a list.
    """
    critical = [rows for rule, rows in broken if rule.severity == "critical"]
    going = np.unique(np.concatenate(critical)) if critical else np.empty(0, np.int64)
    if not len(going):
        return {}
    said = sorted(broken, key=lambda one: one[0].severity)
    breaks = np.zeros((len(going), len(said)), dtype=bool)
    unreadable: dict[str, NDArray[np.bool_]] = {}
    for at, (rule, rows) in enumerate(said):
        here = breaks[:, at]
        places = np.searchsorted(going, rows)
        places[places == len(going)] = 0
        here[places[going[places] == rows]] = True
        if rule.kind == "readable":
            unreadable[rule.column] = unreadable.get(rule.column, False) | here
        elif rule.kind == "not_null" and rule.column in unreadable:
            here &= ~unreadable[rule.column]  # something is there, after all
    # Many rows break the same few rules, so their reasons are put together once.
    packed = np.packbits(breaks, axis=1)
    kind = pa.binary(packed.shape[1])
    sets = pa.FixedSizeBinaryArray.from_buffers(kind, len(going), [None, pa.py_buffer(packed.tobytes())])
    found = sets.dictionary_encode()
    lists = [
        [said[at][0].reason for at in np.flatnonzero(np.unpackbits(np.frombuffer(one, np.uint8)))]
        for one in found.dictionary.to_pylist()
    ]
    return {row: lists[which] for row, which in zip(going.tolist(), found.indices.to_pylist(), strict=True)}


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
