"""Files of requests, read some thousands of rows at a time."""

from __future__ import annotations

import csv
import io
import json
import sys
from itertools import batched, chain
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tasks.predict.requests import Columns

STDIN = "-"
ROWS = 4096
_READ = (".csv", ".parquet", ".jsonl", ".ndjson")


def read_columns(source: str, size: int = ROWS) -> Iterator[Columns]:
    """Yield the requests in a file, some at a time, column by column.

    Parameters
    ----------
    source : str
        CSV with a header, Parquet or JSON lines, by its ending; ``-`` is standard input, CSV or JSON lines.
    size : int
        How many at a time, at most.

    Raises
    ------
    InvalidParameter
        If it is not there, or not what its ending says.
    """
    try:
        if source == STDIN:
            yield from _text(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline=""), size)
            return
        path = Path(source)
        ending = path.suffix.lower()
        if ending not in _READ:
            message = f"{path} ends in {ending or 'nothing'}: requests are read from {', '.join(_READ)}"
            raise InvalidParameter(message)
        if ending == ".parquet":
            yield from _parquet(path, size)
            return
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from (_csv if ending == ".csv" else _json_lines)(file, path.name, size)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        message = f"cannot read {source}: {error.strerror}"
        raise InvalidParameter(message) from None
    except UnicodeDecodeError:
        message = f"{source} is not UTF-8 text; save it as UTF-8"
        raise InvalidParameter(message) from None


def _text(file: io.TextIOWrapper, size: int) -> Iterator[Columns]:
    """Read standard input: CSV or JSON lines, told apart by the first line."""
    first = file.readline()
    yield from (_json_lines if first.lstrip().startswith("{") else _csv)(chain([first], file), "standard input", size)


def _csv(lines: Iterable[str], name: str, size: int) -> Iterator[Columns]:
    records = csv.reader(lines, strict=True)
    try:
        header = [column.strip() for column in next(records, [])]
        if not any(header):
            message = f"{name} is empty: its first line names the columns, such as artist,energy,genres"
            raise InvalidParameter(message)
        for column in header:
            if header.count(column) > 1:
                message = f"{name} has two columns {column!r}; leave one out"
                raise InvalidParameter(message)
        yield from _together(_records(records, len(header), name), header, size)
    except csv.Error as error:
        message = f"{name}, line {records.line_num:,}, cannot be read as CSV ({error}); mend it there"
        raise InvalidParameter(message) from None


def _records(records: Iterator[list[str]], width: int, name: str) -> Iterator[list[object]]:
    row = 0
    for record in records:
        if not record:  # an empty line
            continue
        row += 1
        if len(record) != width:
            message = f"row {row:,} of {name} has {len(record)} fields, and the header {width}; mend it there"
            raise InvalidParameter(message)
        yield [cell or None for cell in record]


def _together(records: Iterable[list[object]], header: Sequence[str], size: int) -> Iterator[Columns]:
    empty = True
    for part in batched(records, size):
        empty = False
        yield dict(zip(header, (list(column) for column in zip(*part, strict=True)), strict=True))
    if empty:
        yield {name: [] for name in header}


def _json_lines(lines: Iterable[str], name: str, size: int) -> Iterator[Columns]:
    names: dict[str, None] = {}
    for part in batched(_objects(lines, name), size):
        names |= dict.fromkeys(key for each in part for key in each)
        yield {key: [each.get(key) for each in part] for key in names} if names else {"artist": [None] * len(part)}


def _objects(lines: Iterable[str], name: str) -> Iterator[dict[str, object]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            message = f"{name}, line {number:,}, is no JSON ({error.msg}); give one object a line"
            raise InvalidParameter(message) from None
        if not isinstance(record, dict):
            message = f'{name}, line {number:,}, is no JSON object; give one a line, such as {{"artist": "Eminem"}}'
            raise InvalidParameter(message)
        yield record


def _parquet(path: Path, size: int) -> Iterator[Columns]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield {name: [] for name in file.schema_arrow.names}
            for batch in file.iter_batches(batch_size=size):
                yield batch.to_pydict()
    except pa.ArrowException as error:
        message = f"{path.name} is not a whole Parquet file ({str(error).splitlines()[0][:200]}); fetch it again"
        raise InvalidParameter(message) from None
