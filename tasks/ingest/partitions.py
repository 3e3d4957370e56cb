"""Rows as they came, a partition at a time: what every reader hands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from schemas.errors import CorpusRejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

_FLOOD = 100_000


@dataclass(frozen=True)
class Malformed:
    """A record that could not be split into fields: its number from 1, its text and what is wrong with it."""

    row: int
    text: str
    reason: str


@dataclass(frozen=True)
class Partition:
    """Some consecutive records of a source.

    Parameters
    ----------
    table : pyarrow.Table, n rows
        What could be split, with columns named by position: ``"0"``, ``"1"``, ...
    rows : ndarray of int64, shape (n,)
        Their record numbers, from 1, ascending.
    malformed : tuple of Malformed
        Those in between that could not be split.
    """

    table: pa.Table
    rows: NDArray[np.int64]
    malformed: tuple[Malformed, ...] = ()


def is_flood(malformed: int, rows: int) -> bool:
    """Say whether so many of the first records could not be split that this is not the table it was taken for."""
    return malformed >= _FLOOD and 2 * malformed > rows


def flooded(name: str, first: Malformed, rows: int) -> CorpusRejected:
    """Return the error of a source with a flood of malformed records."""
    message = (
        f"most of the first {rows:,} rows of {name} are malformed ({first.reason}); the first is row {first.row:,}: "
        "mend it there"
    )
    return CorpusRejected(message)


class Reader(Protocol):
    """What every format offers: the names of the columns, the number of rows where it is known, and the rows.

    Attributes
    ----------
    names : tuple of str
    total : int or None
    lines : mapping of int to int
        Of the rows that `as_text` was last asked for, and the malformed ones between them: record number to the number
        of the line that they stand in, from 1, where that is known.
    """

    names: tuple[str, ...]
    total: int | None
    lines: Mapping[int, int]

    @property
    def note(self) -> str:
        """How it was read, where that is worth a word in the report; to be asked when all rows have been."""
        ...

    def partitions(self, size: int, numbers: frozenset[int] = frozenset()) -> Iterator[Partition]:
        """Yield the rows, `size` at a time.

        The columns at the positions `numbers` should hold numbers: where all their cells do, they may come as such.
        """
        ...

    def as_text(self, partition: Partition, positions: NDArray[np.int64]) -> pa.Table:
        """Return rows of a partition as they came. Asked for one partition after the other."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


Numbered = tuple[pa.RecordBatch, "NDArray[np.int64]"]


def numbered(batches: Iterable[pa.RecordBatch], malformed: Sequence[Malformed] = ()) -> Iterator[Numbered]:
    """Yield batches with the record numbers of their rows, from 1, leaving out those of the malformed ones between."""
    following = 1
    for batch in batches:
        ordinals = np.arange(batch.num_rows, dtype=np.int64)
        skipped = np.array([row.row for row in malformed if row.row >= following], dtype=np.int64)
        # Ordinal k comes after a skipped row if at least k good ones precede that.
        good_before = skipped - following - np.arange(len(skipped))
        rows = following + ordinals + np.searchsorted(good_before, ordinals, side="right")
        if len(rows):
            following = int(rows[-1]) + 1
            yield batch, rows


def after_row(numbered: Iterator[Numbered], last: int) -> Iterator[Numbered]:
    """Leave out rows up to number `last`."""
    for batch, rows in numbered:
        start = int(np.searchsorted(rows, last, side="right"))
        if start < len(rows):
            yield batch.slice(start), rows[start:]


def last_row(partition: Partition, otherwise: int) -> int:
    """Return the number of the last record of a partition; `otherwise` if it is empty."""
    ends = [int(partition.rows[-1])] if len(partition.rows) else []
    return max([*ends, *(row.row for row in partition.malformed)], default=otherwise)


def rebatched(
    numbered: Iterable[Numbered], size: int, malformed: list[Malformed], after: int = 0
) -> Iterator[Partition]:
    """Yield partitions of `size` rows; takes the malformed ones after row `after` out of `malformed` as it passes them.

    The last rows are held back until the end is reached, so that the last partition is known to be it.
    """
    tables: list[pa.Table] = []
    numbers: list[NDArray[np.int64]] = []
    held = 0
    for batch, rows in numbered:
        tables.append(pa.Table.from_batches([batch]).rename_columns([str(n) for n in range(batch.num_columns)]))
        numbers.append(rows)
        held += len(rows)
        if held > size:
            table, all_rows = pa.concat_tables(tables), np.concatenate(numbers)
            start = 0
            while held > size:
                end = start + size
                passed = _passed(malformed, after, int(all_rows[end - 1]))
                yield Partition(table.slice(start, size), all_rows[start:end], passed)
                start, held = end, held - size
            tables, numbers = [table.slice(start)], [all_rows[start:]]
    yield Partition(
        pa.concat_tables(tables) if tables else pa.table({}),
        np.concatenate([np.empty(0, dtype=np.int64), *numbers]),
        tuple(row for row in malformed if row.row > after),
    )


def _passed(malformed: list[Malformed], after: int, last: int) -> tuple[Malformed, ...]:
    passed = [row for row in malformed if row.row < last]
    malformed[:] = malformed[len(passed) :]
    return tuple(row for row in passed if row.row > after)
