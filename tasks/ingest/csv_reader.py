"""Separated text, as it came: commas, tabs, whatever, quoted or not."""

from __future__ import annotations

import codecs
import io
import re
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
from pyarrow import csv

from schemas.errors import CorpusRejected
from schemas.expectations import MALFORMED
from tasks.ingest.csv_checks import LongRecordError, NotNumbersError, checked, without_unclosed
from tasks.ingest.dialects import sniff
from tasks.ingest.lines import Lines
from tasks.ingest.partitions import Malformed, Partition, after_row, flooded, is_flood, last_row, numbered, rebatched
from tasks.ingest.wording import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from schemas.references import Source
    from tasks.ingest.text import Utf8Stream

# A record has to fit in a block. What is made of a smaller one stays in the cache, so those are tried first.
_BLOCK = 8 << 20
_SMALL_BLOCK = 4 << 20
_FEW_ROWS = 5_000  # of which no more may be wanted: less is read for them
_CHUNK = 1 << 20
_BEGIN, _ENOUGH = 1 << 16, 20  # bytes, which hold the header if there are so many lines in them
_ATTEMPTS = 2
_NOT_A_NUMBER = re.compile(r"^In CSV column #(\d+): .*conversion error")
_DOES_NOT_FIT = re.compile("straddling|Empty CSV")  # a record, the header
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
        self._attempts = self._size = 0
        # What `as_text` reads: lines of the file, or else all of it as text, and a partition it is not done with.
        self._lines: Lines | None = None
        self._texts: Generator[Partition] | None = None
        self._held: Partition | None = None
        self.lines: Mapping[int, int] = {}
        text = opened()
        with text.open("rb") if isinstance(text, Path) else text as file:
            head = file.read(_CHUNK)
            whole = len(head) < _CHUNK
            head += b"\n" * whole  # a header that is all there is, may have no end
            head = head[: codecs.utf_8_decode(head, "replace", whole)[1]]  # no letter cut in two
        self._note_encoding(text)
        self._dialect = sniff(source.name, head.decode("utf-8-sig", "ignore"), whole=whole)
        if head.count(b"\n", 0, _BEGIN) >= _ENOUGH:
            head = head[: head.rindex(b"\n", 0, _BEGIN) + 1]
        try:
            with self._open(io.BytesIO(head), [], width=0) as reader:
                self._width = len(reader.schema)
            with self._open(io.BytesIO(head), [], self._width) as reader:
                header = next(batch for batch in reader if batch.num_rows)
                self.names: tuple[str, ...] = tuple(column[0].as_py() for column in header.columns)
        except (pa.ArrowInvalid, StopIteration) as error:
            raise self._unreadable(error) from None
        self._swallowing = None  # it was no more than the head that ended within quotes

    @property
    def note(self) -> str:
        """How it was read, where that is worth a word; to be asked at the end."""
        return " and ".join(filter(None, [self._dialect.note, self._encoding]))

    def partitions(self, size: int, numbers: frozenset[int] = frozenset()) -> Iterator[Partition]:
        """Yield the rows, a piece at a time; columns of plain numbers come as such.

        Arrow parses numbers many times as fast as text, but gives up at the first cell that is none. The column is then
        read as text from there on; and in larger blocks from the first record on that is longer than a small one.
        """
        self._size, last, filled = size, 0, 0
        block = min(_SMALL_BLOCK if size > _FEW_ROWS else _CHUNK, _BLOCK)
        while True:
            try:
                for piece in self._pieces(size, numbers, block, last, filled):
                    yield piece
                    last, filled = last_row(piece, last), (filled + len(piece.rows)) % size
            except LongRecordError:
                block = _BLOCK
            except NotNumbersError as found:
                # Two columns with words in them are many: no more attempts.
                numbers = numbers - found.columns if self._attempts < _ATTEMPTS else frozenset()
                self._attempts += 1
            else:
                return

    def as_text(self, partition: Partition, positions: NDArray[np.int64]) -> pa.Table:
        """Return rows of a partition as they came."""
        rows = partition.table.take(pa.array(positions))
        numbers = partition.rows[positions]
        found = self._from_lines(numbers, rows, partition.malformed) if self._texts is None else None
        if found is not None:
            return found
        if not _typed(rows) or not len(positions):
            return rows
        if self._texts is None:
            # Line and record numbers differ, for a line end in a field or an empty line.
            self._texts = self._pieces(self._size, frozenset(), _BLOCK)
        return self._from_texts(self._texts, numbers, rows.column_names)

    def close(self) -> None:
        """Close the files from which the text of rows was read."""
        if self._lines is not None:
            self._lines.close()
        if self._texts is not None:
            self._texts.close()

    def _from_lines(
        self, numbers: NDArray[np.int64], rows: pa.Table, malformed: Sequence[Malformed]
    ) -> pa.Table | None:
        """Return the rows with the text of their lines, or None if those are not the lines of these records."""
        self.lines = {}
        if self._lines is None:
            text = self._opened()
            self._lines = Lines(cast("IO[bytes]", text.open("rb") if isinstance(text, Path) else text))
        broken = {one.row: one.text for one in malformed}
        wanted = sorted({*numbers.tolist(), *broken})
        # The header is line 0.
        taken = dict(zip(wanted, self._lines.take([row + self._dialect.skip for row in wanted]), strict=False))
        known = {row: line for row, line in taken.items() if row in broken and line.decode() == broken[row]}
        lines = [taken[row] for row in numbers.tolist() if row in taken]
        # Lines that are not as many records are not theirs: those may end otherwise.
        texts = self._table_of(lines) if len(lines) == len(numbers) else None
        typed = _typed(rows)
        if texts is None or not texts.drop_columns(typed).equals(rows.drop_columns(typed).combine_chunks()):
            texts = None
        if texts is not None or not len(numbers):
            known |= {row: taken[row] for row in numbers.tolist()}
        self.lines = {row: row + self._dialect.skip + 1 for row in known}
        return texts

    def _table_of(self, lines: Sequence[bytes]) -> pa.Table | None:
        """Return lines as text, or None if they are no records."""
        if not lines:
            return None
        try:
            read = csv.read_csv(
                io.BytesIO(b"\n".join([*lines, b""])),
                csv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=self._columns),
                self._parsing(None),
                csv.ConvertOptions(column_types=dict.fromkeys(self._columns, pa.string()), strings_can_be_null=False),
            )
        except pa.ArrowInvalid:
            return None
        return read.combine_chunks() if read.num_rows == len(lines) else None

    @property
    def _columns(self) -> list[str]:
        return [str(position) for position in range(self._width)]

    def _parsing(self, set_aside: Callable[[csv.InvalidRow], str] | None) -> csv.ParseOptions:
        return csv.ParseOptions(
            delimiter=self._dialect.delimiter,
            quote_char=self._dialect.quote,
            escape_char=self._dialect.escape or False,
            newlines_in_values=True,
            invalid_row_handler=set_aside,
        )

    def _from_texts(self, texts: Iterator[Partition], numbers: NDArray[np.int64], names: list[str]) -> pa.Table:
        found = [pa.table({name: pa.array([], pa.string()) for name in names})]
        while len(numbers):
            partition = self._held or next(texts)
            here = numbers[numbers <= last_row(partition, 0)]
            positions = np.searchsorted(partition.rows, here)
            found.append(partition.table.take(pa.array(positions)))
            numbers = numbers[len(here) :]
            self._held = None if len(numbers) else partition
        return pa.concat_tables(found)

    def _pieces(
        self, size: int, numbers: frozenset[int], block: int, after: int = 0, filled: int = 0
    ) -> Generator[Partition]:
        malformed: list[Malformed] = []
        text = self._opened()
        try:
            with self._open(text, malformed, self._width, numbers, block, skip=1) as reader:
                rows = after_row(checked(numbered(reader, malformed), numbers), after)
                held = rebatched(rows, size, malformed, after, filled)
                yield from without_unclosed(held, text, self._dialect, numbers)
            if self._swallowing is not None:
                message = (
                    f"a quote that opens in row {self._swallowing:,} of {self._source.name} is never closed and "
                    "swallows the rows after it: close or remove it"
                )
                raise CorpusRejected(message)
        except pa.ArrowInvalid as error:
            if column := _NOT_A_NUMBER.search(str(error)):
                raise NotNumbersError(frozenset({int(column[1])})) from None
            if block < _BLOCK and _DOES_NOT_FIT.search(str(error)):
                raise LongRecordError from None
            raise self._unreadable(error) from None
        finally:
            self._note_encoding(text)
            if not isinstance(text, Path):
                text.close()

    def _note_encoding(self, text: Path | Utf8Stream) -> None:
        if not isinstance(text, Path):
            self._encoding = text.note

    def _open(
        self,
        text: Path | Utf8Stream | io.BytesIO,
        malformed: list[Malformed],
        width: int,
        numbers: frozenset[int] = frozenset(),
        block: int | None = None,
        skip: int = 0,
    ) -> csv.CSVStreamingReader:
        quote = self._dialect.quote
        bad = 0

        def set_aside(row: csv.InvalidRow) -> str:
            nonlocal bad
            bad += 1
            number = row.number - 1 - self._dialect.skip
            malformed.append(Malformed(number, row.text, MALFORMED))
            if is_flood(bad, number):
                self._flood = flooded(self._source.name, malformed[0], number)
                return "error"
            if _LINE_END.search(row.text.rstrip("\r\n")) and row.text.count(quote) % 2:
                self._swallowing = number
            return "skip"

        types = {f"f{position}": pa.float64() if position in numbers else pa.string() for position in range(width)}
        return csv.open_csv(
            # Of a path Arrow believes the ending, and what is called .gz may well be plain.
            pa.OSFile(str(text)) if isinstance(text, Path) else text,
            # With threads Arrow does not know the numbers of the rows it cannot split. Names are not taken from the
            # header, so that names given twice, or none, do no harm.
            read_options=csv.ReadOptions(
                use_threads=False,
                block_size=block or _BLOCK,
                autogenerate_column_names=True,
                skip_rows=self._dialect.skip,
                skip_rows_after_names=skip,
            ),
            parse_options=self._parsing(set_aside),
            convert_options=csv.ConvertOptions(
                column_types=types,
                strings_can_be_null=False,
                null_values=list(MISSING),
                # It has been found to be UTF-8 when it was hashed, or is made so by the stream.
                check_utf8=isinstance(text, io.BytesIO),
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


def _typed(rows: pa.Table) -> list[str]:
    return [name for name in rows.column_names if not pa.types.is_string(rows[name].type)]
