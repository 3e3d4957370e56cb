"""Lines of a file by their number, read once and forward, for the few whose very text is wanted."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_CHUNK = 1 << 18  # stays in the cache
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
        self._count = 0  # how many of them there are
        self._ends: NDArray[np.int64] | None = None  # where they end, once that is asked

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
            while number >= self._first + self._count and self._advance():
                pass
            position = number - self._first
            if not 0 <= position < self._count:
                break
            if self._ends is None:
                self._ends = np.flatnonzero(_newlines(self._chunk))
            start = int(self._ends[position - 1]) + 1 if position else 0
            found.append(self._chunk[start : int(self._ends[position])].rstrip(b"\r"))
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _advance(self) -> bool:
        """Go on to the next chunk of whole lines; False at the end of the file."""
        rest = self._chunk[self._whole :]
        self._first += self._count
        read = self._file.read(_CHUNK)
        if not read and rest and not rest.endswith(b"\n"):
            read = b"\n"  # the last line may have no end
        self._chunk = rest + read
        self._whole = self._chunk.rfind(b"\n") + 1
        self._count, self._ends = int(np.count_nonzero(_newlines(self._chunk))), None
        return bool(read)


def _newlines(chunk: bytes) -> NDArray[np.bool_]:
    return np.equal(np.frombuffer(chunk, dtype=np.uint8), _NEWLINE)
