"""What Arrow lets pass in separated text, and a corpus must not: odd numbers, and a quote that is never closed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from schemas.expectations import UNCLOSED
from tasks.ingest.buffers import all_finite
from tasks.ingest.partitions import Malformed, Numbered, Partition

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from tasks.ingest.dialects import Dialect
    from tasks.ingest.text import Utf8Stream

_CHUNK = 1 << 20


class NotNumbersError(Exception):
    """Some columns hold other things than numbers."""

    def __init__(self, columns: frozenset[int]) -> None:
        super().__init__(f"columns {sorted(columns)}")
        self.columns = columns


class LongRecordError(Exception):
    """A record does not fit in a small block."""


def checked(numbered: Iterator[Numbered], numbers: frozenset[int]) -> Iterator[Numbered]:
    """Pass batches on in which all numbers are finite: text such as `inf` has reasons of its own to be refused."""
    for batch, rows in numbered:
        odd = {one for one in numbers if not _finite(batch.column(one))}
        if odd:
            raise NotNumbersError(frozenset(odd))
        yield batch, rows


def _finite(column: pa.Array) -> bool:
    return all_finite(column) or bool(pc.all(pc.is_finite(column), min_count=0).as_py())


def without_unclosed(
    partitions: Iterator[Partition], read: Path | Utf8Stream, dialect: Dialect, numbers: frozenset[int]
) -> Iterator[Partition]:
    """Set the last record aside if a quote in it is never closed, which Arrow lets pass.

    Its last field has then swallowed the line end of the file, where a field that ends so by right ends in a quote.
    """
    for partition in partitions:
        if partition.last:
            yield _without_unclosed(partition, read, dialect, numbers)
        else:
            yield partition


def _without_unclosed(
    following: Partition, read: Path | Utf8Stream, dialect: Dialect, numbers: frozenset[int]
) -> Partition:
    last = following.table.slice(len(following.rows) - 1) if len(following.rows) else following.table
    end = last.columns[-1][0].as_py() if last.num_rows else ""
    if not isinstance(end, str) or not end.endswith(("\n", "\r")) or _ends_in(dialect.quote, read):
        return following
    if numbers:
        raise NotNumbersError(numbers)  # its very text is wanted
    text = dialect.delimiter.join(column[0].as_py() for column in last.columns)
    malformed = [*following.malformed, Malformed(int(following.rows[-1]), text, UNCLOSED)]
    return Partition(
        following.table.slice(0, len(following.rows) - 1),
        following.rows[:-1],
        tuple(sorted(malformed, key=lambda row: row.row)),
    )


def _ends_in(quote: str, read: Path | Utf8Stream) -> bool:
    if isinstance(read, Path):
        with read.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _CHUNK))
            tail = file.read()
    else:
        tail = read.tail
    return tail.rstrip(b"\r\n").endswith(quote.encode())
