"""Rows as they came, a piece at a time: what every reader hands on."""

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
# What costs the same for few rows as for many is done once a piece.
_PIECE_ROWS = 30_000


@dataclass(frozen=True)
class Malformed:
    """A record that could not be split into fields: its number from 1, its text and what is wrong with it."""

    row: int
    text: str
    reason: str


@dataclass(frozen=True)
class Partition:
    """Some consecutive records of a source: a piece of a partition, or all of it.

    Parameters
    ----------
    table : pyarrow.Table, n rows
        What could be split, with columns named by position: ``"0"``, ``"1"``, ...
    rows : ndarray of int64, shape (n,)
        Their record numbers, from 1, ascending.
    malformed : tuple of Malformed
        Those in between that could not be split.
    ends : bool
        Whether a partition ends with them.
    last : bool
        Whether they are known to be the last of the source.
    """

    table: pa.Table
    rows: NDArray[np.int64]
    malformed: tuple[Malformed, ...] = ()
    ends: bool = True
    last: bool = False


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
        """Yield the rows, a piece at a time, of which some end a partition of `size` rows.

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
    numbered: Iterable[Numbered], size: int, malformed: list[Malformed], after: int = 0, filled: int = 0
) -> Iterator[Partition]:
    """Yield pieces of some batches each, cut where `size` rows make a partition.

    Takes the malformed ones after row `after` out of `malformed` as it passes them. The last piece is held back until
    the end is reached, so that it is known to be it.

    Parameters
    ----------
    numbered : iterable of (RecordBatch, ndarray of int64)
    size : int
    malformed : list of Malformed
    after : int
    filled : int
        How many rows of a partition have been before.
    """
    tables: list[pa.Table] = []
    numbers: list[NDArray[np.int64]] = []
    held = 0
    for batch, rows in numbered:
        table = pa.Table.from_batches([batch]).rename_columns([str(n) for n in range(batch.num_columns)])
        start = 0
        while start < len(rows):
            if held >= min(_PIECE_ROWS, size - filled):
                filled = (filled + held) % size
                passed = _passed(malformed, after, int(numbers[-1][-1]))
                yield Partition(pa.concat_tables(tables), np.concatenate(numbers), passed, ends=not filled)
                tables, numbers, held = [], [], 0
            end = min(start + size - filled - held, len(rows))
            tables.append(table.slice(start, end - start))
            numbers.append(rows[start:end])
            held += end - start
            start = end
    yield Partition(
        pa.concat_tables(tables) if tables else pa.table({}),
        np.concatenate([np.empty(0, dtype=np.int64), *numbers]),
        tuple(row for row in malformed if row.row > after),
        last=True,
    )


def picked(piece: Partition, positions: NDArray[np.int64]) -> Partition:
    """Return some rows of a piece, given in order, and all its malformed records."""
    try:
        table = _taken(piece.table, positions)
    except pa.ArrowNotImplementedError:  # of some types, such as string_view, Arrow can only take slices
        rows = [piece.table.slice(position, 1) for position in positions.tolist()]
        table = pa.concat_tables([piece.table.slice(0, 0), *rows])
    return Partition(table, piece.rows[positions], piece.malformed)


def _taken(table: pa.Table, positions: NDArray[np.int64]) -> pa.Table:
    """Take rows batch by batch: of all at once Arrow would make one array first."""
    batches = table.to_batches()
    ends = np.cumsum([0, *(batch.num_rows for batch in batches)])
    cuts = np.searchsorted(positions, ends)
    parts = zip(batches, ends.tolist(), cuts[:-1].tolist(), cuts[1:].tolist(), strict=False)
    taken = [batch.take(pa.array(positions[low:high] - start)) for batch, start, low, high in parts]
    return pa.Table.from_batches(taken, table.schema)


def joined(pieces: Sequence[Partition]) -> Partition:
    """Return pieces that follow each other as one."""
    return Partition(
        pa.concat_tables([piece.table for piece in pieces]),
        np.concatenate([piece.rows for piece in pieces]),
        tuple(row for piece in pieces for row in piece.malformed),
        pieces[-1].ends,
    )


def whole(pieces: Iterable[Partition]) -> Partition:
    """Return the first partition, of all its pieces."""
    found = []
    for piece in pieces:
        found.append(piece)
        if piece.ends:
            break
    return joined(found)


def _passed(malformed: list[Malformed], after: int, last: int) -> tuple[Malformed, ...]:
    passed = [row for row in malformed if row.row < last]
    malformed[:] = malformed[len(passed) :]
    return tuple(row for row in passed if row.row > after)
