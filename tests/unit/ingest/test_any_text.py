"""Whatever a table of text is written in, it comes back."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import zipfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tasks.ingest.readers import open_reader
from tasks.ingest.sources import find_sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = ["track_id", "artists", "popularity"]


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/tracks.csv", data)
    return buffer.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": lambda data: pa.compress(data, "zstd", asbytes=True),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zip": zipped,
}
MARKS = {"utf-8-sig": b"", "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
LETTER = st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"])
CELL = st.text(st.one_of(st.sampled_from("ab;,|\t\"'\\é€ 日"), LETTER), max_size=6).map(
    lambda cell: cell.replace("\r", "").replace("\n", "")
)


def read(path: Path, size: int = 1000) -> tuple[list[list[Any]], dict[int, tuple[str, str]], str]:
    """Return the good rows, the malformed ones by number, and what the reader notes."""
    good: list[list[Any]] = []
    malformed: dict[int, tuple[str, str]] = {}
    (source,) = find_sources([str(path)])
    reader = open_reader(source)
    for partition in reader.partitions(size):
        good += map(list, zip(*(column.to_pylist() for column in partition.table.columns), strict=True))
        malformed |= {row.row: (row.text, row.reason) for row in partition.malformed}
    return good, malformed, reader.note


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=12),
    delimiter=st.sampled_from(",\t;|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252"]),
    packing=st.sampled_from(list(PACKED)),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    last=st.booleans(),
)
def test_any_dialect_encoding_packing_and_line_end(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, ...]],
    delimiter: str,
    encoding: str,
    packing: str,
    end: str,
    quoting: Any,
    last: bool,
) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(HEADER)
    writer.writerows(rows)
    text = buffer.getvalue() if last or not rows else buffer.getvalue().removesuffix(end)
    try:
        data = MARKS.get(encoding, b"") + text.encode(encoding)
    except UnicodeEncodeError:
        assume(False)  # noqa: FBT003 - what Windows-1252 has no letter for
    if encoding == "cp1252":
        try:
            data.decode()
            assume(data.isascii())
        except UnicodeDecodeError:
            odd = data.decode("utf-8", "replace").count("\ufffd")
            assume(odd > sum(letter > "\x7f" for letter in data.decode("utf-8", "ignore")))
    path = tmp_path_factory.getbasetemp() / f"any.csv{packing}"
    path.write_bytes(PACKED[packing](data))
    good, malformed, _ = read(path, 5)
    assert (good, malformed) == ([list(row) for row in rows], {})
