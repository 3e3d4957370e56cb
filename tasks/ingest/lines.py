"""Lines of a file by their number, read once and forward, for the few whose very text is wanted."""

from __future__ import annotations

import bisect
import itertools
from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_CHUNK = 1 << 18  # stays in the cache
_STEP = 1 << 15
_NEWLINE = 10


class Lines:
    """The lines of a binary file.

    Parameters
    ----------
    file : file object
        Open for reading, at its beginning.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._first = 0  # number of the first line in the chunk
        self._chunk = b""
        self._whole = 0  # bytes of whole lines in it
        self._newlines = np.zeros(0, dtype=bool)  # whether a byte is the end of one
        self._before = [0]  # how many of them end before each step in it, and in all of it

    def take(self, numbers: Sequence[int]) -> list[bytes]:
        """Return lines without their ends.

        Parameters
        ----------
        numbers : sequence of int
            From 0, ascending, and above those asked for before.

        Returns
        -------
        list of bytes
            Fewer than asked for where the file ends before.
        """
        found = []
        for number in numbers:
            while number >= self._first + self._before[-1] and self._advance():
                pass
            position = number - self._first
            if not 0 <= position < self._before[-1]:
                break
            end = self._end(position)
            start = self._chunk.rfind(b"\n", 0, end) + 1
            found.append(self._chunk[start:end].rstrip(b"\r"))
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _end(self, position: int) -> int:
        """Return where a line of the chunk ends."""
        step = bisect.bisect_right(self._before, position) - 1
        within = np.flatnonzero(self._newlines[step * _STEP : (step + 1) * _STEP])
        return step * _STEP + int(within[position - self._before[step]])

    def _advance(self) -> bool:
        """Go on to the next chunk of whole lines; False at the end of the file."""
        rest = self._chunk[self._whole :]
        self._first += self._before[-1]
        read = self._file.read(_CHUNK)
        if not read and rest and not rest.endswith(b"\n"):
            read = b"\n"  # the last line may have no end
        self._chunk = rest + read
        self._whole = self._chunk.rfind(b"\n") + 1
        self._newlines = np.equal(np.frombuffer(self._chunk, dtype=np.uint8), _NEWLINE)
        steps = range(0, len(self._chunk), _STEP)
        counts = (int(np.count_nonzero(self._newlines[start : start + _STEP])) for start in steps)
        self._before = [0, *itertools.accumulate(counts)]
        return bool(read)
