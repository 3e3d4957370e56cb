"""From a draft to files: formats, encodings, damage, packing; and how many rows another reading finds in them."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet as pq

if TYPE_CHECKING:
    from random import Random

    from drafts import Draft

_ENDINGS = {"csv": ".csv", "jsonl": ".jsonl", "array": ".json", "parquet": ".parquet"}
_PACKED_ENDINGS = {"gzip": ".gz", "zstd": ".zst", "bz2": ".bz2", "xz": ".xz", "zip": ".zip"}
_LONGEST_FIELD = 1 << 30
_WIDEST = 12_000  # of Parquet, which takes long to write


@dataclass
class File:
    """A file of a mutated corpus.

    Parameters
    ----------
    name : str
    content : bytes
    rows : int, optional
        How many records are in it, where an independent reading can tell.
    """

    name: str
    content: bytes
    rows: int | None


@dataclass
class Corpus:
    """A mutated corpus: its files, in the order in which they are named, and the parameters of ingestion."""

    files: list[File]
    parameters: dict[str, Any] = field(default_factory=dict)
    whole_folder: bool = False


def write(draft: Draft, random: Random) -> list[File]:
    """Return the files of a draft."""
    if draft.several == 1:
        return [_file(draft, draft.rows, draft.name, random)]
    files = []
    for number in range(draft.several):
        draft.form = random.choice(("csv", "jsonl", "parquet", draft.form))
        rows = random.sample(draft.rows, random.randint(0, len(draft.rows))) if number else draft.rows
        files.append(_file(draft, rows, f"{number}{draft.name}", random))
    return files


def _file(draft: Draft, rows: list[list[str]], name: str, random: Random) -> File:
    if draft.form == "parquet":
        plain, count = _parquet(draft.header, rows, random)
    else:
        text = _csv(draft, rows) if draft.form == "csv" else _json(draft, rows, random)
        for change in draft.text:
            text = change(text, random)
        plain, count = text.encode(draft.encoding, "replace"), None
    for damage in draft.raw:
        plain = damage(plain, random)
    if draft.form == "parquet":
        count = None if draft.raw else count
    else:
        count = lines_of_json(plain) if draft.form == "jsonl" else records_of_csv(plain, draft)
    ending = _ENDINGS[draft.form] if draft.ending is None else draft.ending
    content = _packed(plain, draft.pack, name + ending, random)
    if draft.pack:
        # Where the packing has no check sum of its own, damage may go unseen.
        count = None if draft.packed and draft.pack in {"zstd", "zip"} else count
        ending = (ending if draft.pack != "zip" else "") + _PACKED_ENDINGS[draft.pack]
        for damage in draft.packed:
            content = damage(content, random)
    elif draft.packed:
        count = None
    return File(name + ending, content, count)


# --- formats --------------------------------------------------------------------------------------------------------


def _csv(draft: Draft, rows: list[list[str]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer, delimiter=draft.delimiter, lineterminator=draft.line_end, quoting=draft.quoting,  # type: ignore[arg-type]
        escapechar=None if draft.quoting != csv.QUOTE_NONE else "\\",
    )  # fmt: skip
    for row in (draft.header, *rows):
        if row and (row != [""] or draft.quoting != csv.QUOTE_NONE):
            writer.writerow(row)
        else:
            buffer.write(draft.line_end)  # the writer knows no empty line, which one empty cell is without quotes
    return buffer.getvalue()


def _json(draft: Draft, rows: list[list[str]], random: Random) -> str:
    """Return objects, each a line or all in an array; cells become values where they look like some."""
    lines = []
    for row in rows:
        cells = {name: _value(cell, random) for name, cell in zip(draft.header, row, strict=False)}
        if random.random() < 0.05:
            cells.pop(random.choice(draft.header or [""]), None)
        if random.random() < 0.02:
            cells[random.choice(draft.header or [""])] = random.choice(
                ([], {}, [[1], {"a": None}], {"a": {"b": [1]}}, 10**400)
            )
        lines.append(json.dumps(cells, ensure_ascii=random.random() < 0.5))
    if draft.form == "jsonl":
        return "".join(line + draft.line_end for line in lines)
    return "[" + f",{draft.line_end}".join(lines) + "]"


def _value(cell: str, random: Random) -> object:
    if random.random() < 0.7:
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            pass
    return None if cell == "" and random.random() < 0.5 else cell


def _parquet(header: list[str], rows: list[list[str]], random: Random) -> tuple[bytes, int]:
    header = header[:_WIDEST]
    width = len(header)
    cells = [[*row[:width], *[""] * (width - len(row))] for row in rows]
    columns = [_typed([row[at] for row in cells], random) for at in range(width)]
    table = pa.Table.from_arrays(columns, names=[name.replace("\0", "0") for name in header])
    buffer = pa.BufferOutputStream()
    group = random.choice((1, 10, 100_000)) if width < 1_000 else 100_000
    compression = random.choice(("none", "snappy", "zstd", "gzip"))
    pq.write_table(table, buffer, row_group_size=group, compression=compression)
    return buffer.getvalue().to_pybytes(), len(rows) if width else 0


def _typed(cells: list[str], random: Random) -> pa.Array:
    """Return cells as numbers where they all are; now and then as a type that nobody expects."""
    text = pa.array(cells, pa.string())
    try:
        array = text.cast(random.choice((pa.float64(), pa.int64(), pa.bool_(), pa.float32(), pa.decimal128(30, 9))))
    except pa.ArrowException:
        array = text
    odd = random.random()
    if odd < 0.02:
        return pa.array([None] * len(cells), random.choice((pa.null(), pa.string(), pa.float64(), pa.list_(pa.int8()))))
    if odd < 0.04:
        return pa.array([[one, None] for one in cells], pa.list_(pa.string()))
    if odd < 0.06:
        return pa.array(
            [{"a": one, "b": [1]} for one in cells], pa.struct({"a": pa.string(), "b": pa.list_(pa.int8())})
        )
    if odd < 0.08:
        return text.dictionary_encode()
    if odd < 0.10:
        return pa.array([one.encode() + b"\xff" for one in cells], pa.binary())
    if odd < 0.12:
        kind = random.choice((pa.timestamp("ns", "UTC"), pa.date32(), pa.time64("us"), pa.duration("s"), pa.uint8()))
        return (
            pa.array([random.randrange(200) for _ in cells], pa.int32())
            .cast(pa.int64())
            .cast(pa.int32() if pa.types.is_date32(kind) else pa.int64())
            .cast(kind)
        )
    if odd < 0.14:
        return pa.array([random.choice((float("nan"), float("inf"), 1e308, -0.0, None)) for _ in cells], pa.float64())
    if odd < 0.16:
        return text.cast(random.choice((pa.large_string(), pa.string_view())))
    return array


def _packed(plain: bytes, pack: str, name: str, random: Random) -> bytes:
    if pack == "gzip":
        half = random.randint(0, len(plain))  # several members in a row are one file
        parts = [plain] if random.random() < 0.7 else [plain[:half], plain[half:]]
        return b"".join(gzip.compress(part, random.choice((0, 1, 9)), mtime=0) for part in parts)
    if pack == "zstd":
        return bytes(pa.compress(plain, "zstd", asbytes=True))
    if pack == "bz2":
        return bz2.compress(plain, 1)
    if pack == "xz":
        return lzma.compress(plain, preset=0)
    return _zipped(plain, name, random) if pack == "zip" else plain


def _zipped(plain: bytes, name: str, random: Random) -> bytes:
    """Return an archive with a table under some name, and now and then odd things beside it."""
    inside = random.choice(
        (name, name, name, f"../../{name}", f"/{name}", f"a/{name}", "C:\\x.csv", "é\n.csv", f"{'x' * 300}.csv")
    )
    if random.random() < 0.2:
        inside, plain = f"{name}.gz", gzip.compress(plain, mtime=0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(
        buffer, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    ) as archive:
        archive.writestr(_entry(inside), plain)
        if random.random() < 0.5:
            odd = random.choice(("README.md", "__MACOSX/._x.csv", "folder/", ".hidden.csv", "../..", "link", "a.exe"))
            archive.writestr(_entry(odd), b"anything")
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name.encode("utf-8", "replace").decode(), (1980, 1, 1, 0, 0, 0))


# --- how many rows there are, by another reading -----------------------------------------------------------------


def lines_of_json(content: bytes) -> int | None:
    """Return the number of lines of JSON Lines, or None where it might not be read as such."""
    if not content.startswith(b'{"') or b"\0" in content:
        return None
    return sum(bool(line.strip()) for line in content.replace(b"\r", b"\n").split(b"\n"))


def records_of_csv(content: bytes, draft: Draft) -> int | None:
    """Return the number of records after the header by Python's csv module; None where readings may well differ."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if draft.form != "csv" or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    if draft.encoding.startswith(("utf-16", "utf-32")) or content[:1] in b"[{'" or b"\\" in content or b"\0" in content:
        return None
    text = content.decode("latin-1")
    first = next((line for line in text.replace("\r", "\n").split("\n") if line), "")
    if first.lower().startswith("sep="):
        return None
    written = draft.delimiter.join(draft.header)
    if '"' not in text:
        return max(0, sum(bool(line) for line in text.replace("\r", "\n").split("\n")) - 1)
    if first != written or draft.raw or draft.text:
        return None  # another separator, or a quote that opens anywhere, makes other records
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=draft.delimiter, strict=True))
    except csv.Error:
        return None
    return max(0, sum(bool(record) for record in records) - 1)
