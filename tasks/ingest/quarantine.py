"""Where bad rows go: each as it came, with everything that is wrong with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from schemas.expectations import NOTED
from schemas.quarantine import quarantine_schema
from tasks.ingest.buffers import bytes_of
from tasks.ingest.coercion import as_text
from tasks.ingest.partitions import joined, picked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tasks.ingest.partitions import Partition, Reader

# Of one source, whose name is not known here: the same file under another name is not read again.
SCHEMA = pa.schema([field for field in quarantine_schema() if field.name != "source"])

_MANY = 2000  # bad rows that are held


class Quarantine:
    """Writes ``quarantine.parquet`` and counts; a context manager.

    Attributes
    ----------
    rows : int
    reasons : dict of str to int
        Reason to number of rows; those that would not have cost a row are in the file, but not counted.
    first : dict of str to int
        Reason to the row where it was met first.
    """

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self.reasons: dict[str, int] = {}
        self.first: dict[str, int] = {}
        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")
        # Bad rows alone, as pieces of a source.
        self._held: list[tuple[Partition, list[Sequence[str]]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add(self, reader: Reader, piece: Partition, reasons: Mapping[int, Sequence[str]]) -> None:
        """Put away the bad rows of a piece, which are held till there are many: their text is found at once.

        Parameters
        ----------
        reader : Reader
            Where it came from.
        piece : Partition
        reasons : mapping of int to sequence of str
            Record number to what is wrong with it. The malformed ones come on top.
        """
        if not reasons and not piece.malformed:
            return
        numbers = np.array(sorted(reasons), dtype=np.int64)
        bad = picked(piece, np.searchsorted(piece.rows, numbers))
        if self._held and self._held[-1][0].table.schema != bad.table.schema:
            self.put(reader)
        self._held.append((bad, [reasons[row] for row in numbers.tolist()]))
        if sum(len(held.rows) + len(held.malformed) for held, _ in self._held) >= _MANY:
            self.put(reader)

    def put(self, reader: Reader) -> None:
        """Write what is held; to be called at the end, too."""
        if not self._held:
            return
        bad = joined([piece for piece, _ in self._held])
        whys = [why for _, of_piece in self._held for why in of_piece]
        self._held = []
        numbered = [*bad.rows.tolist(), *(row.row for row in bad.malformed)]
        whys += [[row.reason] for row in bad.malformed]
        texts = reader.as_text(bad, np.arange(len(bad.rows)))
        raw = pa.chunked_array([_raw(texts, reader.names), pa.array([row.text for row in bad.malformed], pa.string())])
        order = np.argsort(numbered, kind="stable")
        for at in order.tolist():
            for why in whys[at]:
                if why in NOTED:  # alone it would not have cost the row
                    continue
                self.reasons[why] = self.reasons.get(why, 0) + 1
                self.first.setdefault(why, numbered[at])
        self.rows += len(numbered)
        columns = [numbered, [reader.lines.get(row) for row in numbered], whys, raw.combine_chunks()]
        self._writer.write_table(pa.table(columns, schema=SCHEMA).take(pa.array(order)))


def _raw(table: pa.Table, names: Sequence[str]) -> pa.Array:
    """Return rows as JSON objects, by the names of their columns."""
    if not table.num_rows:
        return pa.array([], pa.string())
    keys = [name if name not in names[:position] else f"{name} ({position + 1})" for position, name in enumerate(names)]
    pieces: list[pa.Array | pa.Scalar] = []
    for key, column in zip(keys, table.columns, strict=True):
        said = json.dumps(key, ensure_ascii=False)
        pieces += [pa.scalar(f"{', ' if pieces else '{'}{said}: "), _json(_texts(column))]
    return pc.binary_join_element_wise(*pieces, pa.scalar("}"), "")


def _texts(column: pa.ChunkedArray) -> pa.StringArray:
    try:
        text = as_text(column)
    except pa.ArrowException:  # lists and structs have no text of their own
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text


def _json(text: pa.StringArray) -> pa.StringArray:
    """Return texts as they stand in JSON."""
    data = bytes_of(text)
    if ((data < ord(" ")) | (data == ord('"')) | (data == ord("\\"))).any():
        cells = text.dictionary_encode()
        said = [json.dumps(one, ensure_ascii=False) for one in cells.dictionary.to_pylist()]
        quoted = pa.array(said, pa.string()).take(cells.indices)
    else:
        quoted = pc.binary_join_element_wise('"', text, '"', "")
    return quoted.fill_null("null")
