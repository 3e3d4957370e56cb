"""Text in whatever encoding it came in, as UTF-8; decided from the bytes while they pass."""

from __future__ import annotations

import codecs
import io
import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 1 << 20
_MUCH = 64 << 20
# The longer ones first: UTF-32's begins with UTF-16's.
_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SHOWN = {
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
    "cp1252": "Windows-1252 (Latin-1)",
}
DAMAGED = "\N{REPLACEMENT CHARACTER}"


def _as_latin1(error: UnicodeError) -> tuple[str, int]:
    # Five bytes mean nothing in Windows-1252; Latin-1, of which it is an extension, has control characters there.
    if isinstance(error, UnicodeDecodeError):
        return error.object[error.start : error.end].decode("latin-1"), error.end
    raise error


codecs.register_error("encore.latin1", _as_latin1)


class Utf8Check:
    """Finds out, chunk by chunk, whether bytes are UTF-8 text throughout, and may be read as they lie."""

    def __init__(self) -> None:
        self._tail = b""
        self._clean = True
        self._begun = False
        self._seen = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes into account."""
        if not self._begun:
            self._begun = bool(chunk)
            self._clean = b"\0" not in chunk[:_CHUNK]  # UTF-16 of English is valid UTF-8, NULs and all
        if not self._clean or (not self._tail and chunk.isascii()):
            return
        data = self._tail + chunk
        self._seen += len(chunk)
        if self._seen > _MUCH:
            whole = len(data) - _begun(data)
            self._clean = _is_utf8(data, whole)
            self._tail = data[whole:]
            return
        try:
            _, used = codecs.utf_8_decode(data, "strict", False)  # noqa: FBT003 - the codec's signature
        except UnicodeDecodeError:
            self._clean = False
        else:
            self._tail = data[used:]

    @property
    def clean(self) -> bool:
        """Whether all bytes so far, taken as a whole, were."""
        return self._clean and not self._tail


def _begun(data: bytes) -> int:
    """Return how many bytes at the end begin a character that may go on after it."""
    for back in range(1, min(len(data), 3) + 1):
        byte = data[-back]
        if byte >= 0xC0:  # noqa: PLR2004 - the first byte of several
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4  # noqa: PLR2004 - by how many ones it begins with
            return back if needed > back else 0
        if byte < 0x80:  # noqa: PLR2004 - ASCII
            break
    return 0


def _is_utf8(data: bytes, size: int) -> bool:
    """Say whether the first `size` bytes are UTF-8 throughout; Arrow tells in half the time, once it is imported."""
    import pyarrow as pa

    ends = pa.py_buffer(struct.pack("=ii", 0, size))
    text = pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(data)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


class Utf8Stream(io.RawIOBase):
    """Bytes of text, read as UTF-8 without a byte order mark.

    A byte order mark decides. Without one it is UTF-8 as long as that fits; else, from the first byte on that is not
    ASCII, UTF-8 with damaged characters in it where most sequences are whole, and Windows-1252 where they are not.

    Parameters
    ----------
    raw : binary file
        Closed with this.

    Attributes
    ----------
    encoding : str
        As decided so far.
    damaged : int
        Characters of UTF-8 that were not whole, and are given as U+FFFD.
    tail : bytes
        The last bytes that were read, about a megabyte; to see how a file ends.
    """

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__()
        self._raw = raw
        self._held = b""
        self._decode: Callable[[bytes, bool], bytes] | None = None
        self.encoding = "ascii"
        self.damaged = 0
        self.tail = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def close(self) -> None:
        """Close what it reads, too."""
        if not self.closed:
            self._raw.close()
        super().close()

    def read(self, size: int | None = -1, /) -> bytes:
        """Return `size` bytes: fewer at the end only, none after it. All that are left where `size` is negative."""
        if size is None or size < 0:
            pieces = [self._held]
            self._held = b""
            while piece := self._next():
                pieces.append(piece)
            data = b"".join(pieces)
        else:
            pieces, have = [self._held], len(self._held)
            while have < size and (piece := self._next()):
                pieces.append(piece)
                have += len(piece)
            joined = b"".join(pieces)
            data, self._held = joined[:size], joined[size:]
        if data:
            self.tail = data[-_CHUNK:] if len(data) >= _CHUNK else (self.tail + data)[-_CHUNK:]
        return data

    @property
    def note(self) -> str:
        """What was decided, where that is worth a word; to be asked at the end."""
        if self.damaged:
            return f"read as UTF-8, with {self.damaged:,} damaged characters"
        return f"read as {_SHOWN[self.encoding]}" if self.encoding in _SHOWN else ""

    def _next(self) -> bytes:
        """Return some more bytes of UTF-8; none at the end."""
        if self._decode is None:
            return self._begin()
        while chunk := self._raw.read(_CHUNK):
            if self.encoding == "ascii" and not chunk.isascii():
                more = self._raw.read(_CHUNK) or b""
                chunk += more
                self._decide(chunk, at_end=not more)
            if text := self._decode(chunk, False):  # noqa: FBT003 - the codec's signature
                return text
        return self._decode(b"", True)  # noqa: FBT003 - the codec's signature

    def _begin(self) -> bytes:
        head = self._raw.read(_CHUNK) or b""
        while len(head) < len(codecs.BOM_UTF32_LE) and (more := self._raw.read(_CHUNK)):
            head += more
        mark, name = next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", _without_mark(head)))
        head = head[len(mark) :]
        if name in {"", "utf-8"}:
            self._decode = self._as_it_is
            if not head.isascii():
                more = self._raw.read(_CHUNK) or b""
                head += more
                self._decide(head, at_end=not more, marked=bool(mark))
        else:
            self._use(name, "replace")
        text = self._decode(head, False)  # type: ignore[misc]  # noqa: FBT003 - the codec's signature
        return text or self._next() if head else b""

    def _decide(self, chunk: bytes, *, at_end: bool, marked: bool = False) -> None:
        """Choose between UTF-8 and Windows-1252 by the first bytes that tell."""
        text, used = codecs.utf_8_decode(chunk, "replace", at_end)
        odd = text.count(DAMAGED) - chunk[:used].count(DAMAGED.encode())
        whole = len(text) - len(text.encode("ascii", "ignore")) - odd
        if marked or odd <= whole:
            self.encoding = "utf-8"
            self._pending = b""
            self._decode = self._utf8
        else:
            self._use("cp1252", "encore.latin1")

    def _use(self, name: str, errors: str) -> None:
        self.encoding = name
        decoder = codecs.getincrementaldecoder(name)(errors)
        # A lone half of a surrogate pair has no place in UTF-8.
        self._decode = lambda chunk, final: decoder.decode(chunk, final).encode("utf-8", "replace")

    def _as_it_is(self, chunk: bytes, _final: bool) -> bytes:  # noqa: FBT001 - as codecs have it
        return chunk

    def _utf8(self, chunk: bytes, final: bool) -> bytes:  # noqa: FBT001 - as codecs have it
        data = self._pending + chunk
        try:
            _, used = codecs.utf_8_decode(data, "strict", final)
        except UnicodeDecodeError:
            text, used = codecs.utf_8_decode(data, "replace", final)
            self.damaged += text.count(DAMAGED) - data[:used].count(DAMAGED.encode())
            self._pending = data[used:]
            return text.encode()
        self._pending = data[used:]
        return data[:used]


def _without_mark(head: bytes) -> str:
    """Return UTF-16 if every other byte of what is mostly Latin script is NUL; else nothing."""
    sample = head[:4096]
    half = len(sample) // 2
    if half == 0 or b"\0" not in sample:
        return ""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.6 and even < half * 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.6 and odd < half * 0.1 else ""
