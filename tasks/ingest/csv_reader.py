"""Separated text, as it came: commas, tabs, whatever, quoted or not."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv

from schemas.errors import CorpusRejected
from schemas.expectations import MALFORMED, UNCLOSED
from tasks.ingest.dialects import sniff
from tasks.ingest.partitions import Malformed, Numbered, Partition, flooded, is_flood, numbered, rebatched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemas.references import Source
    from tasks.ingest.dialects import Dialect
    from tasks.ingest.text import Utf8Stream

# A record has to fit in a block.
_BLOCK = 8 << 20
_CHUNK = 1 << 20
_LINE_END = re.compile(r"[\r\n]")


class CsvReader:
    """Reads CSV and its relatives: a header, any line ends, quoted line breaks.

    Parameters
    ----------
    source : Source
    opened : callable
        Returns what Arrow is to read: the path of a file that is UTF-8 as it lies, or else a stream of UTF-8.
    """

    def __init__(self, source: Source, opened: Callable[[], Path | Utf8Stream]) -> None:
        self._source = source
        self._opened = opened
        self._encoding = ""
        self.total: int | None = None
        # The record that a quote without an end has made of all that follows it.
        self._swallowing: int | None = None
        self._flood: CorpusRejected | None = None
        text = opened()
        with text.open("rb") if isinstance(text, Path) else text as file:
            head = file.read(_CHUNK)
            whole = len(head) < _CHUNK
        self._note_encoding(text)
        self._dialect = sniff(source.name, head.decode("utf-8-sig", "ignore"), whole=whole)
        try:
            with self._open(io.BytesIO(head), [], width=0) as reader:
                self._width = len(reader.schema)
            with self._open(io.BytesIO(head), [], self._width) as reader:
                header = next(batch for batch in reader if batch.num_rows)
                self.names: tuple[str, ...] = tuple(column[0].as_py() for column in header.columns)
        except (pa.ArrowInvalid, StopIteration) as error:
            raise self._unreadable(error) from None

    @property
    def note(self) -> str:
        """How it was read, where that is worth a word; to be asked at the end."""
        return " and ".join(filter(None, [self._dialect.note, self._encoding]))

    def partitions(self, size: int) -> Iterator[Partition]:
        """Yield the rows, `size` at a time."""
        malformed: list[Malformed] = []
        text = self._opened()
        try:
            with self._open(text, malformed, self._width) as reader:
                rows = _without_header(numbered(reader, malformed))
                yield from _without_unclosed(rebatched(rows, size, malformed), text, self._dialect)
            if self._swallowing is not None:
                message = (
                    f"a quote that opens in row {self._swallowing:,} of {self._source.name} is never closed and "
                    "swallows the rows after it: close or remove it"
                )
                raise CorpusRejected(message)
        except pa.ArrowInvalid as error:
            raise self._unreadable(error) from None
        finally:
            self._note_encoding(text)
            if not isinstance(text, Path):
                text.close()

    def _note_encoding(self, text: Path | Utf8Stream) -> None:
        if not isinstance(text, Path):
            self._encoding = text.note

    def _open(
        self, text: Path | Utf8Stream | io.BytesIO, malformed: list[Malformed], width: int
    ) -> csv.CSVStreamingReader:
        quote = self._dialect.quote
        bad = 0

        # The header is read as record 0, so that names given twice, or none, do no harm.
        def set_aside(row: csv.InvalidRow) -> str:
            nonlocal bad
            bad += 1
            malformed.append(Malformed(row.number - 1, row.text, MALFORMED))
            if is_flood(bad, row.number):
                self._flood = flooded(self._source.name, malformed[0], row.number)
                return "error"
            if _LINE_END.search(row.text.rstrip("\r\n")) and row.text.count(quote) % 2:
                self._swallowing = row.number - 1
            return "skip"

        return csv.open_csv(
            text,
            # With threads Arrow does not know the numbers of the rows it cannot split.
            read_options=csv.ReadOptions(
                use_threads=False, block_size=_BLOCK, autogenerate_column_names=True, skip_rows=self._dialect.skip
            ),
            parse_options=csv.ParseOptions(
                delimiter=self._dialect.delimiter,
                quote_char=quote,
                escape_char=self._dialect.escape or False,
                newlines_in_values=True,
                invalid_row_handler=set_aside,
            ),
            convert_options=csv.ConvertOptions(
                column_types={f"f{position}": pa.string() for position in range(width)}, strings_can_be_null=False
            ),
        )

    def _unreadable(self, error: Exception) -> CorpusRejected:
        if self._flood is not None:
            return self._flood
        if "straddling" in str(error):
            said = f"has a field of more than {_BLOCK >> 20} MB: a quote is probably never closed, so close it"
        elif "Empty CSV" in str(error) or isinstance(error, StopIteration):
            said = "has no header and no rows: fetch it again or leave it out"
        else:
            said = f"cannot be read as CSV ({_first_line(error)}): mend it there"
        message = f"{self._source.name} {said}"
        return CorpusRejected(message)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200].rstrip(". ")


def _without_header(numbered: Iterator[Numbered]) -> Iterator[Numbered]:
    for batch, rows in numbered:
        first = int(rows[0] == 0)
        yield batch.slice(first), rows[first:]


def _without_unclosed(
    partitions: Iterator[Partition], read: Path | Utf8Stream, dialect: Dialect
) -> Iterator[Partition]:
    """Set the last record aside if a quote in it is never closed, which Arrow lets pass.

    Its last field has then swallowed the line end of the file, where a field that ends so by right ends in a quote.
    """
    following = next(partitions)
    for partition in partitions:
        yield following
        following = partition
    last = following.table.slice(len(following.rows) - 1) if len(following.rows) else following.table
    if not last.num_rows or not last.columns[-1][0].as_py().endswith(("\n", "\r")) or _ends_in(dialect.quote, read):
        yield following
        return
    text = dialect.delimiter.join(column[0].as_py() for column in last.columns)
    malformed = [*following.malformed, Malformed(int(following.rows[-1]), text, UNCLOSED)]
    yield Partition(
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
