"""Rows as they came, a partition at a time; a corpus is never in memory as a whole."""

from __future__ import annotations

import codecs
import csv as python_csv
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from pyarrow import parquet as pq

from schemas.errors import CorpusRejected
from schemas.expectations import MALFORMED, UNCLOSED
from tasks.ingest.lines import Lines
from tasks.ingest.wording import MISSING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from schemas.references import Source

# A record has to fit in a block.
_BLOCK = 8 << 20
_CHUNK = 1 << 20
_ATTEMPTS = 2
_NOT_A_NUMBER = re.compile(r"^In CSV column #(\d+): .*conversion error")


class _NotNumbersError(Exception):
    """Some columns hold other things than numbers."""

    def __init__(self, columns: frozenset[int]) -> None:
        super().__init__(f"columns {sorted(columns)}")
        self.columns = columns


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


class Reader(Protocol):
    """What both formats offer: the names of the columns, the number of rows where it is known, and the rows."""

    names: tuple[str, ...]
    total: int | None

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


def open_reader(source: Source) -> Reader:
    """Return a reader of a source, having looked at its columns.

    Raises
    ------
    CorpusRejected
        If it is not what its ending says, or not UTF-8.
    """
    return ParquetReader(source) if source.path.lower().endswith(".parquet") else CsvReader(source)


class ParquetReader:
    """Reads Parquet."""

    def __init__(self, source: Source) -> None:
        self._source = source
        try:
            with pq.ParquetFile(source.path) as file:
                self.names: tuple[str, ...] = tuple(file.schema_arrow.names)
                self.total: int | None = file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None

    def partitions(self, size: int, numbers: frozenset[int] = frozenset()) -> Iterator[Partition]:  # noqa: ARG002 - values have a type
        """Yield the rows, `size` at a time."""
        try:
            with pq.ParquetFile(self._source.path) as file:
                numbered = _numbered(file.iter_batches(batch_size=size))
                yield from _rebatched(numbered, size, [])
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None

    def as_text(self, partition: Partition, positions: NDArray[np.int64]) -> pa.Table:
        """Return rows of a partition."""
        return partition.table.take(pa.array(positions))

    def close(self) -> None:
        """Do nothing: no file is open between partitions."""

    def _unreadable(self, error: Exception) -> Exception:
        if isinstance(error, OSError) and error.errno is not None:
            return error  # the disk's trouble, not the file's: Arrow gives no errno when it cannot decode
        message = f"{self._source.name} is not a whole Parquet file ({_first_line(error)}): fetch it again"
        return CorpusRejected(message)


class CsvReader:
    """Reads CSV: UTF-8 with or without a byte order mark, commas, a header, any line ends, quoted line breaks."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.total: int | None = None
        # The record that a quote without an end has made of all that follows it.
        self._swallowing: int | None = None
        self._attempts = self._size = 0
        # What `as_text` reads: lines of the file, or else all of it as text, and a partition it is not done with.
        self._lines: Lines | None = None
        self._texts: Generator[Partition] | None = None
        self._held: Partition | None = None
        _check_utf8(source)
        try:
            with self._open([], width=0) as reader:
                self._width = len(reader.schema)
            with self._open([], self._width) as reader:
                header = next(batch for batch in reader if batch.num_rows)
                self.names: tuple[str, ...] = tuple(column[0].as_py() for column in header.columns)
        except (pa.ArrowInvalid, StopIteration) as error:
            raise self._unreadable(error) from None

    def partitions(self, size: int, numbers: frozenset[int] = frozenset()) -> Iterator[Partition]:
        """Yield the rows, `size` at a time; columns of plain numbers come as such.

        Arrow parses numbers many times as fast as text, but gives up at the first cell that is none. The column is then
        read as text from there on.
        """
        self._size, last = size, 0
        while True:
            try:
                for partition in self._partitions(size, numbers, last):
                    yield partition
                    last = _last_row(partition, last)
            except _NotNumbersError as found:
                # Two columns with words in them are many: no more attempts.
                numbers = numbers - found.columns if self._attempts < _ATTEMPTS else frozenset()
                self._attempts += 1
            else:
                return

    def as_text(self, partition: Partition, positions: NDArray[np.int64]) -> pa.Table:
        """Return rows of a partition as they came."""
        rows = partition.table.take(pa.array(positions))
        typed = [name for name in rows.column_names if not pa.types.is_string(rows[name].type)]
        if not typed or not len(positions):
            return rows
        numbers = partition.rows[positions]
        if self._texts is None:
            found = self._from_lines(numbers, rows, typed)
            if found is not None:
                return found
            # Line and record numbers differ, for a line end in a field or an empty line.
            self._texts = self._partitions(self._size, frozenset(), 0)
        return self._from_texts(self._texts, numbers, rows.column_names)

    def close(self) -> None:
        """Close the files from which the text of rows was read."""
        if self._lines is not None:
            self._lines.close()
        if self._texts is not None:
            self._texts.close()

    def _from_lines(self, numbers: NDArray[np.int64], rows: pa.Table, typed: list[str]) -> pa.Table | None:
        """Return the rows with the text of their lines, or None if those are not the lines of these records."""
        if self._lines is None:
            self._lines = Lines(Path(self._source.path).open("rb"))  # noqa: SIM115 - read on for each partition
        lines = self._lines.take(numbers.tolist())
        try:
            records = list(python_csv.reader(line.decode() for line in lines))
        except python_csv.Error:
            return None
        if len(records) != len(numbers) or {len(record) for record in records} != {self._width}:
            return None
        texts = pa.table(dict(zip(rows.column_names, map(pa.array, zip(*records, strict=True)), strict=True)))
        same = texts.drop_columns(typed).equals(rows.drop_columns(typed).combine_chunks())
        return texts if same else None

    def _from_texts(self, texts: Iterator[Partition], numbers: NDArray[np.int64], names: list[str]) -> pa.Table:
        found = [pa.table({name: pa.array([], pa.string()) for name in names})]
        while len(numbers):
            partition = self._held or next(texts)
            here = numbers[numbers <= _last_row(partition, 0)]
            positions = np.searchsorted(partition.rows, here)
            found.append(partition.table.take(pa.array(positions)))
            numbers = numbers[len(here) :]
            self._held = None if len(numbers) else partition
        return pa.concat_tables(found)

    def _partitions(self, size: int, numbers: frozenset[int], after: int) -> Generator[Partition]:
        malformed: list[Malformed] = []
        try:
            with self._open(malformed, self._width, numbers, skip=1) as reader:
                numbered = _after(_checked(_numbered(reader, malformed), numbers), after)
                held = _rebatched(numbered, size, malformed, after)
                yield from _without_unclosed(held, self._source, numbers)
            if self._swallowing is not None:
                message = (
                    f"a quote that opens in row {self._swallowing:,} of {self._source.name} is never closed and "
                    "swallows the rows after it: close or remove it"
                )
                raise CorpusRejected(message)
        except pa.ArrowInvalid as error:
            if column := _NOT_A_NUMBER.search(str(error)):
                raise _NotNumbersError(frozenset({int(column[1])})) from None
            raise self._unreadable(error) from None

    def _open(
        self, malformed: list[Malformed], width: int, numbers: frozenset[int] = frozenset(), skip: int = 0
    ) -> csv.CSVStreamingReader:
        def set_aside(row: csv.InvalidRow) -> str:
            malformed.append(Malformed(row.number - 1, row.text, MALFORMED))
            if "\n" in row.text.rstrip("\r\n") and row.text.count('"') % 2:
                self._swallowing = row.number - 1
            return "skip"

        types = {f"f{position}": pa.float64() if position in numbers else pa.string() for position in range(width)}
        return csv.open_csv(
            self._source.path,
            # With threads Arrow does not know the numbers of the rows it cannot split. Names are not taken from the
            # header, so that names given twice, or none, do no harm.
            read_options=csv.ReadOptions(
                use_threads=False, block_size=_BLOCK, autogenerate_column_names=True, skip_rows_after_names=skip
            ),
            parse_options=csv.ParseOptions(newlines_in_values=True, invalid_row_handler=set_aside),
            convert_options=csv.ConvertOptions(
                column_types=types, strings_can_be_null=False, null_values=list(MISSING)
            ),
        )

    def _unreadable(self, error: Exception) -> CorpusRejected:
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


def _check_utf8(source: Source) -> None:
    """Read the file through once: Arrow would notice as late as in the middle of the corpus, and not say where."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with Path(source.path).open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                line += decoder.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                message = (
                    f"{source.name} is not UTF-8 text (the first other byte is in line {line}): save it as UTF-8, "
                    "for example with `iconv -f LATIN1 -t UTF-8`"
                )
                raise CorpusRejected(message) from None
            if not chunk:
                return


_Numbered = tuple[pa.RecordBatch, "NDArray[np.int64]"]


def _numbered(batches: Iterable[pa.RecordBatch], malformed: Sequence[Malformed] = ()) -> Iterator[_Numbered]:
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


def _checked(numbered: Iterator[_Numbered], numbers: frozenset[int]) -> Iterator[_Numbered]:
    """Pass batches on in which all numbers are finite: text such as `inf` has reasons of its own to be refused."""
    for batch, rows in numbered:
        odd = {one for one in numbers if not pc.all(pc.is_finite(batch.column(one)), min_count=0).as_py()}
        if odd:
            raise _NotNumbersError(frozenset(odd))
        yield batch, rows


def _after(numbered: Iterator[_Numbered], last: int) -> Iterator[_Numbered]:
    """Leave out rows up to number `last`."""
    for batch, rows in numbered:
        start = int(np.searchsorted(rows, last, side="right"))
        if start < len(rows):
            yield batch.slice(start), rows[start:]


def _last_row(partition: Partition, otherwise: int) -> int:
    ends = [int(partition.rows[-1])] if len(partition.rows) else []
    return max([*ends, *(row.row for row in partition.malformed)], default=otherwise)


def _rebatched(
    numbered: Iterable[_Numbered], size: int, malformed: list[Malformed], after: int = 0
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


def _without_unclosed(partitions: Iterator[Partition], source: Source, numbers: frozenset[int]) -> Iterator[Partition]:
    """Set the last record aside if a quote in it is never closed, which Arrow lets pass.

    Its last field has then swallowed the line end of the file, where a field that ends so by right ends in a quote.
    """
    following = next(partitions)
    for partition in partitions:
        yield following
        following = partition
    last = following.table.slice(len(following.rows) - 1) if len(following.rows) else following.table
    end = last.columns[-1][0].as_py() if last.num_rows else ""
    if not isinstance(end, str) or not end.endswith(("\n", "\r")) or _ends_in_quote(source):
        yield following
        return
    if numbers:
        raise _NotNumbersError(numbers)  # its very text is wanted
    text = ",".join(column[0].as_py() for column in last.columns)
    malformed = [*following.malformed, Malformed(int(following.rows[-1]), text, UNCLOSED)]
    yield Partition(
        following.table.slice(0, len(following.rows) - 1),
        following.rows[:-1],
        tuple(sorted(malformed, key=lambda row: row.row)),
    )


def _ends_in_quote(source: Source) -> bool:
    with Path(source.path).open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _CHUNK))
        return file.read().rstrip(b"\r\n").endswith(b'"')
