"""From a source to the reader of what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from schemas.errors import CorpusRejected
from schemas.parameters import IngestParameters
from tasks.ingest.formats import table_kind
from tasks.ingest.partitions import Malformed, Partition, Reader
from tasks.ingest.text import Utf8Stream
from tasks.ingest.unfolding import unfolded

if TYPE_CHECKING:
    from schemas.references import Source

__all__ = ["Malformed", "Partition", "Reader", "open_reader"]

_MAX_UNFOLD: float = IngestParameters().max_unfold


def open_reader(source: Source, max_unfold: float = _MAX_UNFOLD) -> Reader:
    """Return a reader of a source, having looked at its first bytes and its columns.

    Parameters
    ----------
    source : Source
    max_unfold : float
        How many times its size it may unfold to, if it is compressed.

    Raises
    ------
    CorpusRejected
        If it is no table, is damaged, or unfolds to too much.
    """
    stream = unfolded(source, max_unfold)
    try:
        head = stream.head()
        if not head:
            message = f"{source.name} has no header and no rows: fetch it again or leave it out"
            raise CorpusRejected(message)
        kind = table_kind(source.name, head)
        if kind == "parquet":
            from tasks.ingest.parquet_reader import ParquetReader

            return ParquetReader(source, stream if stream.packed else None)
    finally:
        stream.close()

    def opened() -> Utf8Stream:
        return Utf8Stream(cast("BinaryIO", unfolded(source, max_unfold)))

    if kind == "json":
        from tasks.ingest.json_reader import JsonReader

        return JsonReader(source, opened)
    from tasks.ingest.csv_reader import CsvReader

    # What is UTF-8 as it lies Arrow reads by itself, which is fastest.
    direct = source.utf8 and not stream.packed
    return CsvReader(source, (lambda: Path(source.path)) if direct else opened)
