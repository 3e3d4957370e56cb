"""The bytes of text columns as Arrow keeps them, one cell after the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def bytes_of(text: pa.StringArray) -> NDArray[np.uint8]:
    """Return the bytes of all cells, without a copy; those of null cells may be among them."""
    _, offsets, data = text.buffers()
    if not len(text) or data is None:
        return np.empty(0, dtype=np.uint8)
    ends = np.frombuffer(offsets, dtype=np.int32, count=text.offset + len(text) + 1)
    return np.frombuffer(data, dtype=np.uint8)[ends[text.offset] : ends[-1]]


def may_hold(text: pa.StringArray, part: bytes) -> bool:
    """Say whether some bytes are in a cell, or where two meet; a hundred times as fast as to ask of each cell."""
    data = bytes_of(text)
    if len(part) == 1:
        return bool((data == part[0]).any()) if part != b"\0" else bool(len(data) and data.min() == 0)
    return re.search(re.escape(part), memoryview(data)) is not None
