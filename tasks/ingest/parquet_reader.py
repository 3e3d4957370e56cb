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
from tasks.ingest.partitions import numbered, rebatched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

    import numpy as np
    from numpy.typing import NDArray

    from schemas.references import Source
    from tasks.ingest.partitions import Partition
    from tasks.ingest.unfolding import Bytes


class ParquetReader:
    """Reads Parquet.

    Parameters
    ----------
    source : Source
    packed : Bytes, optional
        Where it is packed in something: what that unfolds to, which is closed. It is put into a temporary file, for
        Parquet is read from its end.
    """

    note = ""
    lines: Mapping[int, int] = MappingProxyType({})

    def __init__(self, source: Source, packed: Bytes | None = None) -> None:
        self._source = source
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
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None

    def _open(self) -> pq.ParquetFile:
        return pq.ParquetFile(self._unpacked or self._source.path)

    def partitions(self, size: int, numbers: frozenset[int] = frozenset()) -> Iterator[Partition]:  # noqa: ARG002 - values have a type
        """Yield the rows, `size` at a time."""
        try:
            with self._open() as file:
                yield from rebatched(numbered(file.iter_batches(batch_size=size)), size, [])
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None

    def as_text(self, partition: Partition, positions: NDArray[np.int64]) -> pa.Table:
        """Return rows of a partition."""
        return partition.table.take(pa.array(positions))

    def close(self) -> None:
        """Remove what was unpacked."""
        if self._unpacked is not None:
            self._unpacked.close()

    def _unreadable(self, error: Exception) -> Exception:
        if isinstance(error, OSError) and error.errno is not None:
            return error  # the disk's trouble, not the file's: Arrow gives no errno when it cannot decode
        said = (str(error).splitlines() or [""])[0][:200].rstrip(". ")
        message = f"{self._source.name} is not a whole Parquet file ({said}): fetch it again"
        return CorpusRejected(message)
