"""Reading a quarantine: what is wrong, how often, and the rows themselves, to be mended and fed again."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from schemas.errors import InvalidParameter, PublicationConflict
from schemas.quarantine import quarantine_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# In front, so that a line which could not be split may follow as it is; ingest passes them over.
TOLD = ("encore_source", "encore_row", "encore_reasons")
_BETWEEN = "; "


@dataclass(frozen=True)
class Reason:
    """One thing that is wrong, with how many rows, and where the first of them is."""

    reason: str
    rows: int
    source: str
    row: int


def read_quarantine(path: Path) -> pa.Table:
    """Return a quarantine.

    Raises
    ------
    PublicationConflict
        If the file is none.
    """
    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        message = f"{path} is no quarantine ({str(error).splitlines()[0]}); refit to make it again"
        raise PublicationConflict(message) from None
    if "line" not in table.column_names:  # written before lines were known
        table = table.append_column("line", pa.nulls(table.num_rows, pa.int64()))
    if not set(quarantine_schema().names) <= set(table.column_names):
        message = f"{path} is no quarantine: it has the columns {', '.join(table.column_names)}"
        raise PublicationConflict(message)
    return table.select(quarantine_schema().names)


def by_reason(table: pa.Table) -> list[Reason]:
    """Count rows by reason, the commonest first; a row with several is counted for each."""
    lists = table["reasons"].combine_chunks()
    named = pc.list_flatten(lists).dictionary_encode()
    codes, rows = named.indices.to_numpy(), pc.list_parent_indices(lists).to_numpy()
    counts = np.bincount(codes, minlength=len(named.dictionary))
    _, firsts = np.unique(codes, return_index=True)
    first = table.take(pa.array(rows[firsts]))
    found = [
        Reason(reason, int(count), source, row)
        for reason, count, source, row in zip(
            named.dictionary.to_pylist(),
            counts.tolist(),
            first["source"].to_pylist(),
            first["row"].to_pylist(),
            strict=True,
        )
    ]
    return sorted(found, key=lambda one: (-one.rows, one.reason))


def chosen(table: pa.Table, reason: str = "", source: str = "") -> pa.Table:
    """Return the rows with a reason that has `reason` in it, in upper or lower case, and of a file called `source`.

    Raises
    ------
    InvalidParameter
        If there is none.
    """
    keep = np.ones(table.num_rows, dtype=bool)
    if reason:
        lists = table["reasons"].combine_chunks()
        matches = pc.match_substring(pc.list_flatten(lists), reason, ignore_case=True)
        keep[:] = False
        keep[pc.list_parent_indices(lists).filter(matches).to_numpy()] = True
        if not keep.any():
            there = ", ".join(f"`{one.reason}`" for one in by_reason(table))
            message = f"--reason {reason}: no row is there for that; there are {there or 'no rows at all'}"
            raise InvalidParameter(message)
    if source:
        keep &= pc.equal(table["source"], source).to_numpy()
        if not keep.any():
            there = ", ".join(sorted(pc.unique(table["source"]).to_pylist()))
            message = f"--source {source}: no such row is of that file; there are rows of {there or 'none'}"
            raise InvalidParameter(message)
    return table.filter(pa.array(keep))


def write_csv(table: pa.Table, file: TextIO) -> None:
    """Write rows as CSV that can be mended and fed again: every value as it came.

    In front of each stands where it came from and what is wrong with it. A record that could not be split into fields
    follows that as the text it was.

    Raises
    ------
    InvalidParameter
        If the rows have different columns, and so make no one table.
    """
    columns: dict[tuple[str, ...], str] = {}
    for source, raw in zip(table["source"].to_pylist(), table["raw"].to_pylist(), strict=True):
        cells = _cells(raw)
        if cells is not None:
            columns.setdefault(tuple(cells), source)
    if len(columns) > 1:
        one, other, *_ = columns.values()
        message = f"rows of {one} and {other} have different columns, and make no one table; choose one with --source"
        raise InvalidParameter(message)
    names = next(iter(columns), ())
    writer = csv.writer(file, lineterminator="\n")
    prefix = csv.writer(file, lineterminator=",")
    writer.writerow([*TOLD, *names])
    for row in table.to_pylist():
        told = [row["source"], row["row"], _BETWEEN.join(row["reasons"])]
        cells = _cells(row["raw"])
        if cells is not None:
            writer.writerow([*told, *cells.values()])
        else:
            prefix.writerow(told)
            file.write(row["raw"].rstrip("\r\n") + "\n")


def json_lines(table: pa.Table) -> Iterator[str]:
    """Yield each row as a JSON object; ``raw`` is an object too, but for a record that could not be split."""
    for row in table.to_pylist():
        cells = _cells(row["raw"])
        yield json.dumps({**row, "raw": row["raw"] if cells is None else cells}, ensure_ascii=False)


def _cells(raw: str) -> dict[str, str | None] | None:
    """Return a row's columns and texts; None where it could not be split into them."""
    try:
        cells = json.loads(raw)
    except ValueError:
        return None
    return cells if isinstance(cells, dict) else None
