"""What a file is, told from its first bytes: endings lie, or are missing. Light: nothing here opens a table."""

from __future__ import annotations

import re
from typing import Literal

from schemas.errors import CorpusRejected

TABLES = (".csv", ".tsv", ".tab", ".psv", ".jsonl", ".ndjson", ".json", ".parquet", ".pq")
COMPRESSED = (".gz", ".zst", ".zstd", ".bz2", ".xz")
ENDINGS = (*TABLES, *(table + compressed for table in TABLES for compressed in COMPRESSED), ".zip")
READS = "CSV, TSV, JSON Lines and Parquet files, also in gzip, zstd, bzip2, xz or zip"

Compression = Literal["gzip", "zstd", "bz2", "xz"]

HEAD = 4096  # enough to tell

_COMPRESSIONS: dict[bytes, Compression] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PARQUET = b"PAR1"
_MARKS_OF_TEXT = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")

_UNPACK = "unpack it"
_AS_PARQUET = "write it as Parquet or CSV"
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"SQLite format 3\0", "an SQLite database", "export the table as CSV"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook", "save it as CSV"),
    (b"%PDF", "a PDF", "look for the table it was made from"),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"\x04\x22\x4d\x18", "compressed with LZ4", _UNPACK),
    (b"ARROW1", "an Arrow or Feather file", _AS_PARQUET),
    (b"FEA1", "a Feather file", _AS_PARQUET),
    (b"ORC", "an ORC file", _AS_PARQUET),
    (b"Obj\x01", "an Avro file", _AS_PARQUET),
    (b"\x89HDF", "an HDF5 file", _AS_PARQUET),
    (b"PAR E", "an encrypted Parquet file", "write it without encryption"),
    (b"PARE", "an encrypted Parquet file", "write it without encryption"),
    (b"\x89PNG", "a picture", "leave it out"),
    (b"\xff\xd8\xff", "a picture", "leave it out"),
    (b"GIF8", "a picture", "leave it out"),
)
_MARKUP: tuple[tuple[tuple[bytes, ...], str, str], ...] = (
    (
        (b"<!doctype html", b"<html", b"<head", b"<body"),
        "an HTML page",
        "fetch the file itself, which may need you to be signed in",
    ),
    ((b"<?xml", b"<!--"), "XML", "save it as CSV"),
    ((b"{\\rtf",), "a text document", "save it as CSV"),
)


def compression(head: bytes) -> Compression | None:
    """Return how the bytes that begin so are compressed."""
    return next((name for magic, name in _COMPRESSIONS.items() if head.startswith(magic)), None)


def printable(name: str) -> str:
    """Return the name of a file fit to be shown: a name may hold line ends, control characters, and what is no text."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def is_zip(head: bytes) -> bool:
    """Say whether the bytes begin as a zip archive does."""
    return head.startswith(_ZIP)


def is_table_name(name: str) -> bool:
    """Say whether a name ends as those files do that are taken from a folder or an archive."""
    base = name.rpartition("/")[2].lower()
    return base.endswith(ENDINGS) and not base.startswith((".", "__macosx"))


def table_kind(name: str, head: bytes) -> Literal["parquet", "json", "csv"]:
    """Return what kind of table the (unfolded) bytes are that begin so.

    Parameters
    ----------
    name : str
        The source's, for the error.
    head : bytes
        The first `HEAD` bytes, or all there are.

    Raises
    ------
    CorpusRejected
        If it is no table that can be read, saying what it is.
    """
    if head.startswith(_PARQUET):
        return "parquet"
    if compression(head) or is_zip(head):
        message = f"{name} is compressed twice over: unpack it once"
        raise CorpusRejected(message)
    what = _foreign(head)
    if what:
        message = f"{name} is {what[0]}, not a table of tracks: {what[1]}"
        raise CorpusRejected(message)
    # Names of columns in CSV do not begin so; an object wants a key or nothing in it.
    if re.match(rb'\{\s*["}]|\{$|\[\s*[\[{\]]|\[$', _text_of(head)):
        return "json"
    return "csv"


def _foreign(head: bytes) -> tuple[str, str] | None:
    for magic, what, advice in _FOREIGN:
        if head.startswith(magic):
            return what, advice
    if head[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    text = _text_of(head)[:200].lower()
    for starts, what, advice in _MARKUP:
        if text.startswith(starts):
            return what, advice
    return ("neither text nor Parquet", "export it as CSV") if _is_binary(head) else None


def _text_of(head: bytes) -> bytes:
    """Return how text starts, in any of the encodings that a table may have."""
    return head.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").lstrip(b"\xff\xfe \t\r\n")


def _is_binary(head: bytes) -> bool:
    """Say whether more than a tenth are control characters that no text has; NUL apart, which UTF-16 is full of."""
    if head.startswith(_MARKS_OF_TEXT) or not head:
        return False
    odd = sum(head.count(bytes([code])) for code in range(1, 32) if code not in (7, 8, 9, 10, 11, 12, 13, 27, 31))
    return odd * 10 > len(head)
