"""Columns as Arrow keeps them, looked at as they lie: text, one cell after the other, and numbers."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

_A, _LETTERS, _ZERO, _DIGITS = np.uint8(ord("a")), np.uint8(26), np.uint8(ord("0")), np.uint8(10)


def cells_of(text: pa.StringArray) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return the bytes of all cells, and where in them each begins and the last one ends, without a copy of the bytes.

    Those of null cells may be among them.
    """
    _, offsets, data = text.buffers()
    if not len(text) or data is None:
        return np.empty(0, dtype=np.uint8), np.zeros(len(text) + 1, dtype=np.int32)
    ends = np.frombuffer(offsets, dtype=np.int32, count=text.offset + len(text) + 1)[text.offset :]
    return np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]], ends - ends[0] if ends[0] else ends


def bytes_of(text: pa.StringArray) -> NDArray[np.uint8]:
    """Return the bytes of all cells, without a copy; those of null cells may be among them."""
    return cells_of(text)[0]


def may_hold(text: pa.StringArray, part: bytes) -> bool:
    """Say whether some bytes are in a cell, or where two meet; a hundred times as fast as to ask of each cell."""
    data = bytes_of(text)
    if len(part) == 1:
        return bool((data == part[0]).any()) if part != b"\0" else bool(len(data) and data.min() == 0)
    return re.search(re.escape(part), memoryview(data)) is not None


def all_long(text: pa.StringArray, length: int) -> bool:
    """Say whether all cells that are not null have so many bytes."""
    return set(pc.min_max(pc.binary_length(text)).as_py().values()) <= {length, None}


def all_alphanumeric(text: pa.StringArray) -> bool:
    """Say whether there are only digits and letters of ASCII in the cells; not for sure where some are null."""
    data = bytes_of(text)
    folded = data | np.uint8(0x20)  # lower case; no other byte becomes a letter by it
    return bool((((folded - _A) < _LETTERS) | ((data - _ZERO) < _DIGITS)).all())  # what is below wraps around


def span(column: pa.Array | pa.ChunkedArray) -> tuple[float, float] | None:
    """Return the smallest and the largest of a column of doubles, each NaN if any of them is.

    NumPy finds them in a tenth of the time that Arrow takes. None where there are none, or some are null.
    """
    if column.null_count or not len(column) or not pa.types.is_float64(column.type):
        return None
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    arrays = [chunk.to_numpy() for chunk in chunks if len(chunk)]
    least = float(np.minimum.reduce([array.min() for array in arrays]))
    return least, float(np.maximum.reduce([array.max() for array in arrays]))


def all_finite(column: pa.Array | pa.ChunkedArray) -> bool:
    """Say whether a column is known to hold finite numbers, and nothing else; False where that would take longer."""
    ends = span(column)
    return ends is not None and all(map(math.isfinite, ends))
