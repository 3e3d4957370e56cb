"""Whatever a table of text is written in, it comes back."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.expectations import MALFORMED, NOT_JSON, NOT_OBJECT
from tasks.ingest import text as texts
from tasks.ingest.readers import open_reader
from tasks.ingest.sources import find_sources
from tasks.ingest.text import Utf8Stream

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
LETTER = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])
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
    reader.close()
    return good, malformed, reader.note


WRITTEN = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",\t;|"),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r"]),
        "quoting": st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    }
)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=12),
    written=WRITTEN,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252"]),
    packing=st.sampled_from(list(PACKED)),
    ended=st.sampled_from([True, False]),
)
def test_any_dialect_encoding_packing_and_line_end(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    rows: list[tuple[str, ...]],
    written: dict[str, Any],
    encoding: str,
    packing: str,
    ended: bool,
) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, **written)
    writer.writerow(HEADER)
    writer.writerows(rows)
    text = buffer.getvalue() if ended or not rows else buffer.getvalue().removesuffix(written["lineterminator"])
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


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(content: str | bytes, name: str = "x.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("a,b\nÉ,1\n".encode(), ""),
        ("a;b\nÉ;1\n".encode(), "separated by semicolons"),
        ("a,b\nÉ,1\n".encode("latin-1"), "read as Windows-1252 (Latin-1)"),
        ("a\tb\nÉ\t1\n".encode("utf-16"), "separated by tabs and read as UTF-16"),
        ("a,b\nÉ,1\n".encode("utf-16-le"), "read as UTF-16"),
        ("a,b\nÉ,1\n".encode("utf-32"), "read as UTF-32"),
    ],
)
def test_the_reader_says_what_it_found(write: Callable[..., Path], content: bytes, note: str) -> None:
    assert read(write(content)) == ([["É", "1"]], {}, note)


def test_damaged_utf8_stays_utf8_and_is_counted(write: Callable[..., Path]) -> None:
    # A program cut each name after so many bytes, in the middle of a letter now and then.
    content = "a,b\nZoë,1\nÉlan,2\n".encode() + b"caf\xc3,3\n" + "Ünal,4\n".encode()
    good, malformed, note = read(write(content))
    assert [row[0] for row in good] == ["Zoë", "Élan", "caf\ufffd", "Ünal"]
    assert (malformed, note) == ({}, "read as UTF-8, with 1 damaged characters")


def test_a_replacement_character_that_was_there_is_no_damage(write: Callable[..., Path]) -> None:
    assert read(write("a,b\nZo\ufffd,1\n")) == ([["Zo\ufffd", "1"]], {}, "")


@pytest.mark.parametrize("place", [0, 10, 1 << 20, (1 << 20) + 3])
def test_the_encoding_is_decided_where_the_first_letter_says(write: Callable[..., Path], place: int) -> None:
    lines = b"a,b\n" + b"x,1\n" * (place // 4)
    for encoding in ("latin-1", "utf-8"):
        good, _, _ = read(write(lines + "é,1\n".encode(encoding)), 1_000_000)
        assert good[-1] == ["é", "1"]


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_letters_survive_the_seams_between_reads(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(texts, "_CHUNK", 5)
    text = "ab€déf日本語" * 20
    for encoding in ("utf-8", "utf-16", "utf-8-sig"):
        with Utf8Stream(io.BytesIO(text.encode(encoding))) as stream:
            assert b"".join(iter(lambda: stream.read(size), b"")).decode() == text


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("artists;popularity\nA, B;1\nC, D;2\n", [["A, B", "1"], ["C, D", "2"]]),
        ("artists,popularity\nA;B;C;D,1\nC;D;E;F,2\n", [["A;B;C;D", "1"], ["C;D;E;F", "2"]]),
        ('"a,b,c,d";"e"\n1;2\n', [["1", "2"]]),
        ('a,b\n"x ""y"", z",1\n', [['x "y", z', "1"]]),
        ('a,b\n"x \\"y\\", z",1\n"w",2\n', [['x "y", z', "1"], ["w", "2"]]),
        ("'a','b'\n'x, y','1'\n", [["x, y", "1"]]),
        ("sep=;\na;b\n1;2\n", [["1", "2"]]),
        ("\n\na|b\n1|2\n", [["1", "2"]]),
        ("a,b\n12\" mix,1\nRock 'n' Roll,2\n", [['12" mix', "1"], ["Rock 'n' Roll", "2"]]),
        ("a,b\n1,x\0y\n", [["1", "x\0y"]]),
    ],
)
def test_separators_and_quotes_as_people_write_them(
    write: Callable[..., Path], text: str, rows: list[list[str]]
) -> None:
    assert read(write(text))[:2] == (rows, {})


def test_a_cut_last_row_is_malformed(write: Callable[..., Path]) -> None:
    good, malformed, _ = read(write("a;b;c\n1;2;3\n4;5"))
    assert (good, malformed) == ([["1", "2", "3"]], {2: ("4;5", MALFORMED)})


OBJECTS = [{"id": "1", "artists": ["A", "B"], "popularity": 5, "x": None}, {"id": "2", "popularity": 7.5, "y": True}]
LINES = "\n".join(map(json.dumps, OBJECTS))


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
@pytest.mark.parametrize(
    "text",
    [LINES, LINES + "\n", LINES.replace("\n", "\r\n\r\n"), json.dumps(OBJECTS), json.dumps(OBJECTS, indent=2) + "\n"],
)
@pytest.mark.parametrize("size", [1, 2])
def test_json_lines_and_an_array_of_objects(write: Callable[..., Path], text: str, packing: str, size: int) -> None:
    (source,) = find_sources([str(write(PACKED[packing](text.encode()), f"x.json{packing}"))])
    reader = open_reader(source)
    assert reader.names == ("id", "artists", "popularity", "x", "y")
    rows = []
    for partition in reader.partitions(size):
        rows += list(zip(*(column.to_pylist() for column in partition.table.columns), strict=True))
    assert rows == [("1", ["A", "B"], 5, None, None), ("2", None, 7.5, None, True)]


def test_json_of_mixed_types_is_text(write: Callable[..., Path]) -> None:
    good, _, _ = read(
        write('{"a": 1, "b": {"c": [1]}}\n{"a": "x", "b": NaN}\n{"a": 99999999999999999999}\n', "x.jsonl")
    )
    assert good == [["1", '{"c": [1]}'], ["x", "NaN"], ["1e+20", None]]


def test_lines_that_are_no_json_keep_their_numbers(write: Callable[..., Path]) -> None:
    good, malformed, _ = read(write('{"a": 1}\nnot\n[1]\n\n{"a": 2}\n{"a": ', "x.jsonl"))
    assert good == [[1], [2]]
    assert malformed == {2: ("not", NOT_JSON), 3: ("[1]", NOT_OBJECT), 5: ('{"a": ', NOT_JSON)}


def test_a_cut_array_loses_its_last_object_alone(write: Callable[..., Path]) -> None:
    good, malformed, _ = read(write('[{"a": 1}, {"a": 2}, {"a": 3', "x.json"))
    assert (good, malformed) == ([[1], [2]], {3: ('{"a": 3', NOT_JSON)})


def test_an_array_longer_than_a_block_is_read_in_pieces(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.ingest.json_reader._CHUNK", 64)
    objects = [{"id": str(n), "name": "é日" * (n % 7)} for n in range(500)]
    good, malformed, _ = read(write(json.dumps(objects, ensure_ascii=False), "x.json"), 100)
    assert (good, malformed) == ([list(one.values()) for one in objects], {})


def test_what_is_packed_or_named_otherwise_is_told_from_its_content(tmp_path: Path) -> None:
    table = pa.table({"a": ["x"], "b": [1]})
    pq.write_table(table, tmp_path / "plain.parquet")
    parquet = (tmp_path / "plain.parquet").read_bytes()
    for name, data in {
        "really_parquet.csv": parquet,
        "packed.parquet.gz": gzip.compress(parquet),
        "really_gzip.csv": gzip.compress(b"a,b\nx,1\n"),
        "no_ending": b"a,b\nx,1\n",
        "really_csv.parquet": b"a,b\nx,1\n",
    }.items():
        (tmp_path / name).write_bytes(data)
        good, _, _ = read(tmp_path / name)
        assert [[str(cell) for cell in row] for row in good] == [["x", "1"]], name


@pytest.mark.parametrize("start", ["", "sep=;\n", "\n\n", "sep=;\r\n\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_bad_rows_are_given_with_their_text_and_their_line(
    write: Callable[..., Path], start: str, encoding: str
) -> None:
    path = write((start + "a;b\n1.50;x\n2;y;z\n3;w\n").encode(encoding))
    reader = open_reader(find_sources([str(path)])[0])
    (partition,) = reader.partitions(10, frozenset({0}))
    assert partition.table["0"].to_pylist() == [1.5, 3]
    assert [(one.row, one.text) for one in partition.malformed] == [(2, "2;y;z")]
    assert reader.as_text(partition, np.array([0, 1])).to_pylist() == [{"0": "1.50", "1": "x"}, {"0": "3", "1": "w"}]
    before = len(start.splitlines())
    # An empty line among the first leaves the numbers right, too.
    assert reader.lines == {1: before + 2, 2: before + 3, 3: before + 4}
    reader.close()


def test_lines_are_not_told_where_records_span_several(write: Callable[..., Path]) -> None:
    path = write('a,b\n1,"x\ny"\n2,z\n3\n4,w\n')
    reader = open_reader(find_sources([str(path)])[0])
    (partition,) = reader.partitions(10, frozenset({0}))
    assert reader.as_text(partition, np.array([1, 2])).to_pylist() == [{"0": "2", "1": "z"}, {"0": "4", "1": "w"}]
    assert reader.lines == {}
    reader.close()
