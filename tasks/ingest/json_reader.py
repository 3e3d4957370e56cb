"""JSON, as it came: one object a line, or one array of objects; never more than a block of it in memory."""

from __future__ import annotations

import codecs
import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa

from schemas.errors import CorpusRejected
from schemas.expectations import NOT_JSON, NOT_OBJECT
from tasks.ingest.dialects import MOST_COLUMNS
from tasks.ingest.partitions import Malformed, Partition, flooded, is_flood

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from schemas.references import Source
    from tasks.ingest.text import Utf8Stream

    Record = dict[str, Any] | Malformed

# A record has to fit in a block.
_BLOCK = 8 << 20
_CHUNK = 1 << 20
_SAMPLE = 10_000
_SPACE = re.compile(r"[\s\x00]*")
_BETWEEN = re.compile(r"[\s\x00]*,?[\s\x00]*")


class JsonReader:
    """Reads JSON Lines, and an array of objects. Its columns are the keys of the first 10,000 objects.

    Parameters
    ----------
    source : Source
    opened : callable
        Returns a stream of UTF-8.
    """

    lines: Mapping[int, int] = MappingProxyType({})

    def __init__(self, source: Source, opened: Callable[[], Utf8Stream]) -> None:
        self._source = source
        self._opened = opened
        self._encoding = ""
        self.total: int | None = None
        names: dict[str, None] = {}
        objects = 0
        for number, record in enumerate(self._records(), 1):
            if isinstance(record, dict):
                objects += 1
                names |= dict.fromkeys(record)
            if number == _SAMPLE or len(names) > MOST_COLUMNS:
                break
        if not objects:
            message = f"{source.name} holds no JSON objects, one a line or in one array: write a track a line"
            raise CorpusRejected(message)
        if len(names) > MOST_COLUMNS:
            message = f"{source.name} has more than {MOST_COLUMNS:,} columns: fetch a table of tracks, a row a track"
            raise CorpusRejected(message)
        self.names: tuple[str, ...] = tuple(map(_clean, names))
        self._keys = tuple(names)

    @property
    def note(self) -> str:
        """How it was read, where that is worth a word; to be asked at the end."""
        return self._encoding

    def partitions(self, size: int, numbers: frozenset[int] = frozenset()) -> Iterator[Partition]:  # noqa: ARG002 - values have a type
        """Yield the rows, `size` at a time."""
        held: list[dict[str, Any]] = []
        rows: list[int] = []
        malformed: list[Malformed] = []
        bad = 0
        for number, record in enumerate(self._records(), 1):
            if isinstance(record, Malformed):
                malformed.append(record)
                bad += 1
                if is_flood(bad, number):
                    raise flooded(self._source.name, record, number)
                continue
            if len(held) == size or len(malformed) >= size:
                yield self._partition(held, rows, malformed)
                held, rows, malformed = [], [], []
            held.append(record)
            rows.append(number)
        yield self._partition(held, rows, malformed)

    def as_text(self, partition: Partition, positions: NDArray[np.int64]) -> pa.Table:
        """Return rows of a partition."""
        return partition.table.take(pa.array(positions))

    def close(self) -> None:
        """Do nothing: no file is open between partitions."""

    def _partition(self, held: list[dict[str, Any]], rows: list[int], malformed: list[Malformed]) -> Partition:
        columns = {str(n): _column([record.get(key) for record in held]) for n, key in enumerate(self._keys)}
        return Partition(pa.table(columns), np.array(rows, dtype=np.int64), tuple(malformed))

    def _records(self) -> Iterator[Record]:
        with self._opened() as text:
            try:
                head = text.read(_CHUNK)
                if head.lstrip(b"\0 \t\r\n").startswith(b"["):
                    yield from self._elements(head, text)
                else:
                    yield from self._lines(head, text)
            finally:
                self._encoding = text.note

    def _lines(self, head: bytes, text: Utf8Stream) -> Iterator[Record]:
        number, rest, more = 0, b"", head
        while more:
            *lines, rest = (rest + more).replace(b"\r", b"\n").split(b"\n")
            if len(rest) > _BLOCK:
                raise self._too_long(number + 1)
            for line in filter(bytes.strip, lines):
                number += 1
                yield _parsed(number, line)
            more = text.read(_CHUNK)
        if rest.strip(b"\0 \t"):
            yield _parsed(number + 1, rest)

    def _elements(self, head: bytes, text: Utf8Stream) -> Iterator[Record]:
        """Yield the elements of an array, cutting each out of what has been read so far."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        scan = json.JSONDecoder().raw_decode
        buffer, at, number, ended = decoder.decode(head), 0, 0, False
        at = _end(_SPACE, buffer, 0) + 1
        while True:
            at = _end(_BETWEEN if number else _SPACE, buffer, at)
            try:
                if buffer[at : at + 1] == "]":
                    break
                element, end = scan(buffer, at)
                # A number may go on in the next block.
                whole = ended or end < len(buffer)
            except (ValueError, RecursionError):
                whole = False
            if whole:
                number, at = number + 1, end
                yield element if isinstance(element, dict) else Malformed(number, _text(element) or "", NOT_OBJECT)
                continue
            if ended or len(buffer) - at > _BLOCK:
                if len(buffer) - at > _CHUNK:
                    raise self._too_long(number + 1)
                if buffer[at:].strip():  # the file is cut, or broken here
                    yield Malformed(number + 1, buffer[at:], NOT_JSON)
                return
            more = text.read(_CHUNK)
            ended = not more
            buffer, at = buffer[at:] + decoder.decode(more, ended), 0
        if (buffer[at + 1 :] + text.read(_CHUNK).decode("utf-8", "replace")).strip("\0 \t\r\n"):
            message = f"{self._source.name} goes on after its array, which has {number:,} objects: write a track a line"
            raise CorpusRejected(message)

    def _too_long(self, row: int) -> CorpusRejected:
        message = (
            f"row {row:,} of {self._source.name} is not JSON, or longer than {_BLOCK >> 20} MB: mend it there, "
            "or write a track a line"
        )
        return CorpusRejected(message)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _parsed(number: int, line: bytes) -> Record:
    try:
        value = orjson.loads(line)
    except ValueError:
        try:  # Python writes NaN, which is no JSON but no mistake either
            value = json.loads(line)
        except (ValueError, RecursionError):
            return Malformed(number, line.decode("utf-8", "replace"), NOT_JSON)
    if isinstance(value, dict):
        return value
    return Malformed(number, line.decode("utf-8", "replace"), NOT_OBJECT)


def _column(values: list[Any]) -> pa.Array:
    """Return values with their type where they all have one, and else as text."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds and kinds <= {int, float}:
        try:
            return pa.array(values, pa.int64() if kinds == {int} else pa.float64())
        except (pa.ArrowException, OverflowError):
            pass  # larger than any number of a track
    if list in kinds and kinds <= {list, str}:
        lists = [[value] if isinstance(value, str) else value for value in values]
        texts = [None if one is None else [_text(item) for item in one] for one in lists]
        return pa.array(texts, pa.list_(pa.string()))
    return pa.array(list(map(_text, values)), pa.string())


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _clean(value)
    try:
        return _clean(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):
        return None


def _clean(text: str) -> str:
    """Replace the lone halves of surrogate pairs that JSON can spell and UTF-8 cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
