"""Blanks at the ends of texts, seen from their bytes, where Arrow takes each text apart to find nothing to trim."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from tasks.ingest.buffers import cells_of

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Positions = NDArray[np.int32] | NDArray[np.int64]

# What Unicode calls white space, as `pyarrow.compute.utf8_trim_whitespace` does.
BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_BEYOND_ASCII = 0x80
_ENCODED = [blank.encode() for blank in BLANKS]
_BLANKS = {length: {int.from_bytes(blank, "big") for blank in _ENCODED if len(blank) == length} for length in (1, 2, 3)}
_MAY_BEGIN, _MAY_END = np.zeros(256, dtype=bool), np.zeros(256, dtype=bool)
_MAY_BEGIN[[blank[0] for blank in _ENCODED]] = True
_MAY_END[[blank[-1] for blank in _ENCODED]] = True


def trimmed(text: pa.StringArray) -> pa.StringArray:
    """Return texts without blanks at their ends."""
    data, ends = cells_of(text)
    starts, ends = ends[:-1], ends[1:]
    going = starts < ends
    if not going.all():
        starts, ends = starts[going], ends[going]
    return pc.utf8_trim_whitespace(text) if any_begins(data, starts) or any_ends(data, ends) else text


def any_begins(data: Bytes, starts: Positions) -> bool:
    """Say whether a blank begins at one of some places.

    Parameters
    ----------
    data : ndarray of uint8
        UTF-8.
    starts : ndarray of int
        Where letters begin in it.
    """
    found = _among(data[starts], _MAY_BEGIN)
    return bool(len(found)) and any(_any_blank(data, starts[found], length) for length in _BLANKS)


def any_ends(data: Bytes, ends: Positions) -> bool:
    """Say whether a blank ends before one of some places; as `any_begins`, but of where letters end."""
    found = _among(data[ends - 1], _MAY_END)
    return bool(len(found)) and any(_any_blank(data, ends[found] - length, length) for length in _BLANKS)


def _among(found: Bytes, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return where the bytes are that are wanted."""
    if not len(found) or (found.min() > ord(" ") and found.max() < _BEYOND_ASCII):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(wanted.take(found))


def _any_blank(data: Bytes, starts: Positions, length: int) -> bool:
    """Say whether a blank of so many bytes stands at one of some places."""
    starts = starts[(starts >= 0) & (starts <= len(data) - length)]
    starts = starts[_MAY_BEGIN.take(data.take(starts))]  # few of those that may end one
    numbers = np.zeros(len(starts), dtype=np.int32)
    for at in range(length):
        numbers = numbers << 8 | data[starts + at]
    return not _BLANKS[length].isdisjoint(numbers.tolist())
