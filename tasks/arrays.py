"""Arrays of several lengths in one file of Arrow's IPC format: one record, whose fields are lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


def file_of(arrays: Mapping[str, pa.Array | None]) -> memoryview:
    """Return arrays as the bytes of a file, the same for the same arrays.

    Parameters
    ----------
    arrays : mapping of str to pyarrow.Array
        None for one that is not there.
    """
    lists = [
        pa.nulls(1) if array is None else pa.ListArray.from_arrays(pa.array([0, len(array)], pa.int32()), array)
        for array in arrays.values()
    ]
    record = pa.record_batch(lists, names=list(arrays))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, record.schema) as writer:
        writer.write_batch(record)
    return memoryview(sink.getvalue())


def arrays_in(file: Path, places: range) -> dict[str, pa.Array]:
    """Return some of the arrays that `file_of` was given.

    Parameters
    ----------
    file : Path
    places : range
        Theirs, of all; others are not read.
    """
    options = pa.ipc.IpcReadOptions(included_fields=list(places), use_threads=False)
    with pa.OSFile(str(file)) as source:
        record = pa.ipc.open_file(source, options=options).get_batch(0)
    found = zip(record.schema.names, record.columns, strict=True)
    return {name: lists.values for name, lists in found if not lists.null_count}


def bits(flags: NDArray[np.bool_]) -> pa.BooleanArray:
    """Return flags as Arrow has them; many times as fast as Arrow does it."""
    packed = pa.py_buffer(np.packbits(flags, bitorder="little"))
    return pa.BooleanArray.from_buffers(pa.bool_(), len(flags), [None, packed])


def flags(column: pa.BooleanArray) -> NDArray[np.bool_]:
    """Return what `bits` was given."""
    packed = np.frombuffer(column.buffers()[1], dtype=np.uint8)
    return np.unpackbits(packed, count=len(column), bitorder="little").view(bool)
