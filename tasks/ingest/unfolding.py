"""The bytes of a source, decompressed as they are read and never more of them than its size allows."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from schemas.errors import CorpusRejected
from tasks.ingest.formats import HEAD, compression, is_zip

if TYPE_CHECKING:
    from schemas.references import Source

# However well it compresses, this much does no harm.
_ALWAYS = 256 << 20
_DAMAGE = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)


def most_bytes(size: int, max_unfold: float) -> int:
    """Return how many bytes a compressed file of `size` bytes may unfold to."""
    return max(_ALWAYS, int(size * max_unfold))


def too_much(name: str, most: int) -> CorpusRejected:
    """Return the error of a file that unfolds to more than `most` bytes."""
    said = f"{most / 1e9:.1f} GB" if most >= 10**9 else f"{most / 1e6:.1f} MB"
    message = (
        f"{name} unfolds to more than {said}, far more than such files do: if that is right, unpack it yourself "
        "or raise --max-unfold"
    )
    return CorpusRejected(message)


class Bytes(io.RawIOBase):
    """What a source holds, unfolded.

    Parameters
    ----------
    name : str
        For the errors.
    raw : binary file
        Closed with this.
    most : int, optional
        How many bytes may come.
    below : binary file, optional
        What `raw` reads, where it does not close that itself.
    packed : bool
        Whether these are not the bytes of the file as it lies.

    Raises
    ------
    CorpusRejected
        When it is read: if more come, or it is damaged.
    """

    def __init__(
        self,
        name: str,
        raw: BinaryIO,
        most: int | None = None,
        below: BinaryIO | None = None,
        *,
        packed: bool = False,
    ) -> None:
        super().__init__()
        self._below = below
        self.packed = packed
        self._name = name
        self._raw = raw
        self._most = most
        self._given = 0
        self._held = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def close(self) -> None:
        """Close what it reads, too."""
        if not self.closed:
            self._raw.close()
            if self._below is not None:
                self._below.close()
        super().close()

    def head(self) -> bytes:
        """Return the first bytes, `HEAD` of them if there are, without taking them away. Before anything is read."""
        while len(self._held) < HEAD and (more := self._more(HEAD)):
            self._held += more
        return self._held[:HEAD]

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most `size` bytes; none at the end. All that are left where `size` is negative."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        if self._held:
            given, self._held = self._held[:size], self._held[size:]
            return given
        return self._more(size)

    def _more(self, size: int) -> bytes:
        try:
            data = self._raw.read(size)
        except _DAMAGE as error:
            raise self._damaged(error) from None
        except OSError as error:
            if error.errno is not None:
                raise  # the disk's trouble, not the file's
            raise self._damaged(error) from None
        self._given += len(data)
        if self._most is not None and self._given > self._most:
            raise too_much(self._name, self._most)
        return data

    def _damaged(self, error: Exception) -> CorpusRejected:
        said = (str(error).splitlines() or [""])[0][:100].rstrip(". ")
        message = f"{self._name} is cut short or damaged ({said or type(error).__name__}): fetch it again"
        return CorpusRejected(message)


def unfolded(source: Source, max_unfold: float) -> Bytes:
    """Open a source and return its bytes, decompressed if they are compressed.

    Parameters
    ----------
    source : Source
        Where it is a member of a zip archive, that is opened.
    max_unfold : float
        How many times its size a compressed file may unfold to.

    Raises
    ------
    CorpusRejected
        If an archive is damaged. See also `Bytes`.
    """
    path = Path(source.path)
    lying = Bytes(source.name, _member(source) if source.member else path.open("rb"), packed=bool(source.member))
    kind = compression(lying.head())
    if kind is None:
        return lying
    stream = cast("BinaryIO", lying)
    if kind == "gzip":
        raw: object = gzip.GzipFile(fileobj=stream)
    elif kind == "bz2":
        raw = bz2.BZ2File(stream)
    elif kind == "xz":
        raw = lzma.LZMAFile(stream)  # noqa: SIM115 - closed by what is returned
    else:
        import pyarrow as pa

        raw = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")
    return Bytes(source.name, cast("BinaryIO", raw), most_bytes(path.stat().st_size, max_unfold), stream, packed=True)


def _member(source: Source) -> BinaryIO:
    try:
        with zipfile.ZipFile(source.path) as archive:  # what is open of it stays open without it
            return cast("BinaryIO", archive.open(source.member))
    except (*_DAMAGE, KeyError, ValueError, RuntimeError) as error:
        message = f"{source.name} cannot be unpacked ({str(error)[:100]}): fetch the archive again"
        raise CorpusRejected(message) from None


def is_archive(path: Path) -> bool:
    """Say whether a file begins as a zip archive does."""
    with path.open("rb") as file:
        return is_zip(file.read(4))
