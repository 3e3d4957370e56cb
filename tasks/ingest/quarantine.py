"""Where bad rows go: each as it came, with everything that is wrong with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from tasks.ingest.coercion import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tasks.ingest.readers import Partition, Reader

SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), metadata={"description": "file name"}),
        pa.field("row", pa.int64(), metadata={"description": "number of the record in it, from 1"}),
        pa.field("reasons", pa.list_(pa.string()), metadata={"description": "what is wrong with it"}),
        pa.field("raw", pa.string(), metadata={"description": "JSON of its columns and text; else its line"}),
    ]
)
# Of one source, whose name is not known here: the same file under another name is not read again.
_OF_A_SOURCE = pa.schema(list(SCHEMA)[1:])


class Quarantine:
    """Writes ``quarantine.parquet`` and counts; a context manager.

    Attributes
    ----------
    rows : int
    reasons : dict of str to int
        Reason to number of rows.
    first : dict of str to int
        Reason to the row where it was met first.
    """

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self.reasons: dict[str, int] = {}
        self.first: dict[str, int] = {}
        self._writer = pq.ParquetWriter(path, _OF_A_SOURCE, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add(self, reader: Reader, partition: Partition, reasons: Mapping[int, Sequence[str]]) -> None:
        """Put away the bad rows of a partition.

        Parameters
        ----------
        reader : Reader
            Where it came from.
        partition : Partition
        reasons : mapping of int to sequence of str
            Record number to what is wrong with it. The malformed ones come on top.
        """
        numbers = np.array(sorted(reasons), dtype=np.int64)
        if not len(numbers) and not partition.malformed:
            return
        bad = reader.as_text(partition, np.searchsorted(partition.rows, numbers))
        raw = _raw(bad, reader.names)
        rows = list(zip(numbers.tolist(), (list(reasons[row]) for row in numbers), raw, strict=True))
        rows += [(row.row, [row.reason], row.text) for row in partition.malformed]
        rows.sort(key=lambda row: row[0])
        for number, whys, _ in rows:
            for why in whys:
                self.reasons[why] = self.reasons.get(why, 0) + 1
                self.first.setdefault(why, number)
        self.rows += len(rows)
        columns = [list(column) for column in zip(*rows, strict=True)]
        self._writer.write_table(pa.table(columns, schema=_OF_A_SOURCE))


def _raw(table: pa.Table, names: Sequence[str]) -> list[str]:
    if not table.num_rows:
        return []
    keys = [name if name not in names[:position] else f"{name} ({position + 1})" for position, name in enumerate(names)]
    columns = [_texts(column) for column in table.columns]
    return [json.dumps(dict(zip(keys, row, strict=True)), ensure_ascii=False) for row in zip(*columns, strict=True)]


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    try:
        return [text for chunk in column.chunks for text in as_text(chunk).to_pylist()]
    except pa.ArrowException:  # lists and structs have no text of their own
        return [None if value is None else str(value) for value in column.to_pylist()]
