"""Parquet, as it came."""

from __future__ import annotations

import shutil
import tempfile
from types import MappingProxyType
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet as pq

from schemas.errors import CorpusRejected
from tasks.ingest.dialects import MOST_COLUMNS
from tasks.ingest.partitions import numbered, picked, rebatched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

    import numpy as np
    from numpy.typing import NDArray

    from schemas.references import Source
    from tasks.ingest.partitions import Partition
    from tasks.ingest.unfolding import Bytes

# Names of columns that are no text Arrow finds only when it hands them over.
_DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)


class ParquetReader:
    """Reads Parquet.

    Parameters
    ----------
    source : Source
    packed : Bytes, optional
        Where it is packed in something: what that unfolds to, which is closed. It is put into a temporary file, for
        Parquet is read from its end.
    """

    lines: Mapping[int, int] = MappingProxyType({})

    def __init__(self, source: Source, packed: Bytes | None = None) -> None:
        self._source = source
        self._has_damaged_text = False
        self._unpacked: IO[bytes] | None = None
        if packed is not None:
            self._unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - kept as long as this reader is
            with packed:
                shutil.copyfileobj(packed, self._unpacked, 1 << 20)
        try:
            with self._open() as file:
                if file.metadata.num_columns > MOST_COLUMNS:
                    message = (
                        f"{source.name} has more than {MOST_COLUMNS:,} columns: fetch a table of tracks, a row a track"
                    )
                    raise CorpusRejected(message)
                self.names: tuple[str, ...] = tuple(file.schema_arrow.names)
                self.total: int | None = file.metadata.num_rows
        except _DAMAGE as error:
            raise self._unreadable(error) from None

    @property
    def note(self) -> str:
        """How it was read, where that is worth a word; to be asked at the end."""
        return "read with damaged characters" if self._has_damaged_text else ""

    def _open(self) -> pq.ParquetFile:
        return pq.ParquetFile(self._unpacked or self._source.path)

    def partitions(self, size: int, numbers: frozenset[int] = frozenset()) -> Iterator[Partition]:  # noqa: ARG002 - values have a type
        """Yield the rows, `size` at a time."""
        try:
            with self._open() as file:
                yield from rebatched(numbered(map(self._whole, file.iter_batches(batch_size=size))), size, [])
        except _DAMAGE as error:
            raise self._unreadable(error) from None

    def as_text(self, partition: Partition, positions: NDArray[np.int64]) -> pa.Table:
        """Return rows of a partition."""
        return picked(partition, positions).table

    def close(self) -> None:
        """Remove what was unpacked."""
        if self._unpacked is not None:
            self._unpacked.close()

    def _whole(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch whose text is UTF-8, which Arrow believes of Parquet without looking."""
        try:
            batch.validate(full=True)
        except pa.ArrowInvalid:
            self._has_damaged_text = True
            batch = pa.RecordBatch.from_arrays([_mended(column) for column in batch.columns], batch.schema.names)
            batch.validate(full=True)
        return batch

    def _unreadable(self, error: Exception) -> Exception:
        if isinstance(error, OSError) and error.errno is not None:
            return error  # the disk's trouble, not the file's: Arrow gives no errno when it cannot decode
        said = (str(error).splitlines() or [""])[0][:200].rstrip(". ")
        message = f"{self._source.name} is not a whole Parquet file ({said}): fetch it again"
        return CorpusRejected(message)


def _mended(column: pa.Array) -> pa.Array:
    """Replace what is no UTF-8 in text."""
    if pa.types.is_dictionary(column.type):
        return pa.DictionaryArray.from_arrays(column.indices, _mended(column.dictionary))
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    values = column.cast(pa.large_binary()).to_pylist()
    return pa.array([None if value is None else value.decode("utf-8", "replace") for value in values], column.type)
