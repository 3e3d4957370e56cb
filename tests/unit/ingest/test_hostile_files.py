"""What is no table, is damaged, or was made to do harm: a sentence, soon, in little memory."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import CorpusRejected
from tasks.ingest import archives, partitions, unfolding
from tasks.ingest.readers import open_reader
from tasks.ingest.sources import find_sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    Ingest = Callable[..., Any]

HEADER = b"track_id,artists,popularity\n"
MEGABYTE = 1_000_000


def read(path: Path, max_unfold: float = 100) -> int:
    """Read all there is and return the number of records."""
    count = 0
    for source in find_sources([str(path)], max_unfold=max_unfold):
        for partition in open_reader(source, max_unfold).partitions(10_000):
            count += len(partition.rows) + len(partition.malformed)
    return count


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"SQLite format 3\0" + b"\0" * 84, "is an SQLite database, not a table of tracks: export the table as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        (b"%PDF-1.7", "a PDF"),
        (b"\n <!DOCTYPE html>\n<html>", "an HTML page"),
        ("\ufeff<html>".encode("utf-16-le"), "an HTML page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"x" * 257 + b"ustar\0", "a tar archive"),
        (b"ARROW1\0\0", "an Arrow or Feather file"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (bytes(range(1, 33)) * 20, "neither text nor Parquet"),
        (gzip.compress(gzip.compress(b"a,b\n", mtime=0), mtime=0), "compressed twice over"),
        (gzip.compress(b"PK\x03\x04", mtime=0), "compressed twice over"),
        (b"\0" * 1000, "no header and no rows"),
        (gzip.compress(b"", mtime=0), "no header and no rows"),
        (b"[[1, 2], [3]]", "holds no JSON objects"),
        (b"{}", "holds no JSON objects|"),
        (b'{"a": 1,\n "b":\n 2}', "holds no JSON objects"),
        (b'[{"a": 1}]\n[{"a": 2}]', "goes on after its array"),
    ],
)
def test_what_it_is_instead_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    if said.endswith("|"):
        assert read(tmp_path / "x.csv") == 1
        return
    with pytest.raises(CorpusRejected, match=said):
        read(tmp_path / "x.csv")


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, lambda data: pa.compress(data, "zstd", asbytes=True)]
)
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_compressed_file_that_is_cut_is_refused(tmp_path: Path, pack: Callable[[bytes], bytes], kept: float) -> None:
    data = HEADER + b"".join(f"{number * 7919},Ann,{number % 100}\n".encode() for number in range(50_000))
    whole = pack(data)
    (tmp_path / "x.csv").write_bytes(whole)
    assert read(tmp_path / "x.csv") == 50_000
    (tmp_path / "x.csv").write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(CorpusRejected, match="is cut short or damaged"):
        read(tmp_path / "x.csv")


def test_several_compressed_parts_in_a_row_are_one_file(tmp_path: Path) -> None:
    for pack in (gzip.compress, lambda data: pa.compress(data, "zstd", asbytes=True)):
        (tmp_path / "x.csv").write_bytes(pack(HEADER + b"1,Ann,50\n") + pack(b"2,Bob,60\n"))
        assert read(tmp_path / "x.csv") == 2


ENDLESS = {
    "zeros": (HEADER, b"\0" * 100),
    "rows": (HEADER, b"1,Ann,50\n"),
    "short rows": (HEADER, b"1\n"),
    "blank lines": (HEADER, b"\n"),
    "quoted line breaks": (HEADER + b'"', b'"\n"'),
    "lines of JSON": (b"", b'{"track_id": "1"}\n'),
    "an array": (b"[", b'{"track_id": "1"},'),
    "brackets": (b"[", b"["),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_unfolds_without_end_stops_at_the_limit(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfolding, "_ALWAYS", 10 * MEGABYTE)
    head, unit = ENDLESS[what]
    path = tmp_path / "bomb.csv.gz"
    piece = unit * (MEGABYTE // len(unit))
    with gzip.open(path, "wb") as file:
        file.write(head)
        for _ in range(40):
            file.write(piece)
    with pytest.raises(CorpusRejected, match=r"bomb.csv.gz") as caught:
        read(path)
    assert len(str(caught.value)) < 300


def test_the_limit_says_how_to_raise_it_and_can_be_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfolding, "_ALWAYS", 10_000)
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(HEADER + b"1,Ann,50\n" * 10_000))
    with pytest.raises(CorpusRejected, match=r"unfolds to more than .*--max-unfold"):
        read(tmp_path / "x.csv.gz")
    assert read(tmp_path / "x.csv.gz", 10_000) == 10_000


def test_a_bomb_is_read_in_bounded_memory(tmp_path: Path) -> None:
    # Ten megabytes that would be ten gigabytes.
    with gzip.open(tmp_path / "bomb.csv.gz", "wb", compresslevel=1) as file:
        for _ in range(400):
            file.write(b"\0" * MEGABYTE)
    code = """
import resource, sys
from schemas.errors import CorpusRejected
from tasks.ingest.readers import open_reader
from tasks.ingest.sources import find_sources
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    for partition in open_reader(find_sources(sys.argv[1:])[0]).partitions(1000):
        pass
except CorpusRejected:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "bomb.csv.gz")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 150_000  # kilobytes, most of them libraries


def test_a_member_of_an_archive_is_a_source_of_its_own(tmp_path: Path) -> None:
    members = {
        "b/two.csv": HEADER + b"2,Bob,60\n3,Eve,70\n",
        "one.csv.gz": gzip.compress(HEADER + b"1,Ann,50\n"),
        "lines.jsonl": b'{"track_id": "4"}\n',
        "README.txt": b"about",
        "__MACOSX/._two.csv": b"nothing",
        ".hidden.csv": b"nothing",
    }
    found = find_sources([str(zipped(tmp_path / "x.zip", **members))])
    assert [source.name for source in found] == ["x.zip/b/two.csv", "x.zip/lines.jsonl", "x.zip/one.csv.gz"]
    assert read(tmp_path / "x.zip") == 4


def test_the_same_table_packed_otherwise_counts_once(tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_bytes(HEADER + b"1,Ann,50\n")
    zipped(tmp_path / "x.zip", **{"inner.csv": HEADER + b"1,Ann,50\n"})
    assert len(find_sources([str(tmp_path)])) == 1


def test_names_in_an_archive_never_become_paths(tmp_path: Path) -> None:
    evil = {"../../escaped.csv": HEADER, "/absolute.csv": HEADER + b"1,A,1\n", "a\x1b[31m.csv": HEADER + b"2,B,2\n"}
    (tmp_path / "in").mkdir()
    zipped(tmp_path / "in" / "x.zip", **evil)
    before = set(tmp_path.rglob("*"))
    assert read(tmp_path / "in" / "x.zip") == 2
    assert set(tmp_path.rglob("*")) == before
    assert all(source.name.isprintable() for source in find_sources([str(tmp_path / "in")]))


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"inner.zip": b"PK"}, "holds another archive, inner.zip: unpack it first"),
        ({"notes.txt": b"x"}, "holds no table"),
        ({"[Content_Types].xml": b"x", "xl/sheet.csv": b"x"}, "is an Excel workbook.*save it as CSV"),
        ({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}, "is a spreadsheet"),
    ],
)
def test_archives_that_hold_something_else(tmp_path: Path, members: dict[str, bytes], said: str) -> None:
    with pytest.raises(CorpusRejected, match=said):
        read(zipped(tmp_path / "x.zip", **members))


def test_a_member_that_is_an_archive_under_another_name_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", HEADER)
    with pytest.raises(CorpusRejected, match="compressed twice over"):
        read(zipped(tmp_path / "x.zip", **{"really_zip.csv": buffer.getvalue()}))


def test_a_zip_bomb_is_refused_before_it_is_unfolded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfolding, "_ALWAYS", MEGABYTE)
    path = zipped(tmp_path / "x.zip", **{"a.csv": b"\0" * 30 * MEGABYTE, "b.csv": HEADER})
    with pytest.raises(CorpusRejected, match=r"x.zip unfolds to more than"):
        find_sources([str(path)])


def test_archives_that_are_damaged_or_encrypted_are_refused(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "x.zip", **{"a.csv": HEADER + b"1,Ann,50\n" * 1000}).read_bytes()
    for damaged in (whole[:60], whole[:-30], whole[:45] + b"\xff\xff\xff" + whole[48:]):
        (tmp_path / "y.zip").write_bytes(damaged)
        with pytest.raises(CorpusRejected, match=r"y.zip"):
            read(tmp_path / "y.zip")
    locked = bytearray(whole)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[whole.index(signature) + offset] |= 1
    (tmp_path / "y.zip").write_bytes(bytes(locked))
    with pytest.raises(CorpusRejected, match="is encrypted: unpack it with its password"):
        read(tmp_path / "y.zip")


def test_an_archive_of_very_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 3)
    with pytest.raises(CorpusRejected, match="holds 5 files, more than 3"):
        read(zipped(tmp_path / "x.zip", **{f"{n}.csv": HEADER for n in range(5)}))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b",".join(b"c%d" % n for n in range(300_000)) + b"\n", "more than 10,000 columns"),
        (b"\t".join(b"c%d" % n for n in range(12_000)) + b"\n1\n", "more than 10,000 columns"),
        (json.dumps([{str(n): n for n in range(12_000)}]).encode(), "more than 10,000 columns"),
        (HEADER + b'1,"' + b"x" * 20_000_000 + b'",50\n', "a field of more than 8 MB"),
        (b"x" * 3_000_000, "begins with a line of more than"),
        (b'{"a": 1}\n{"a": "' + b"x" * 9_000_000, "row 2 of x.csv is not JSON, or longer than 8 MB"),
        (b"[" * 3_000_000, "row 1 of x.csv is not JSON"),
        (b'[{"a": 1}, ' + b'{"a": ' * 2_000_000, "row 2 of x.csv is not JSON"),
    ],
)
def test_too_many_columns_and_fields_that_are_too_large(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(CorpusRejected, match=said):
        read(tmp_path / "x.csv")


def test_deep_json_is_a_bad_row(tmp_path: Path) -> None:
    deep = b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    (tmp_path / "x.jsonl").write_bytes(b'{"a": 1}\n' + deep + b'\n{"a": 2}\n')
    (source,) = find_sources([str(tmp_path / "x.jsonl")])
    (partition,) = open_reader(source).partitions(10)
    assert partition.rows.tolist() == [1, 3]
    assert [one.row for one in partition.malformed] == [2]


@pytest.mark.parametrize("unit", [b"1\n", b'"\n"\n'])
def test_a_flood_of_malformed_rows_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: bytes) -> None:
    monkeypatch.setattr(partitions, "_FLOOD", 1000)
    (tmp_path / "x.csv").write_bytes(HEADER + b"1,Ann,50\n" + unit * 5000)
    with pytest.raises(CorpusRejected, match=r"most of the first .* rows of x.csv are malformed"):
        read(tmp_path / "x.csv")


def test_what_is_plain_under_the_name_of_something_packed_is_read(tmp_path: Path) -> None:
    for name in ("x.csv.gz", "x.csv.zst", "x.csv.bz2"):
        (tmp_path / name).write_bytes(HEADER + b"1,Ann,50\n")
        assert read(tmp_path / name) == 1


def test_a_letter_on_the_border_of_a_block_prints_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unraised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraised.append)
    short = "é\n".encode()  # of one field instead of three
    start = HEADER + b"1,Ann,50\n"
    for shift in range(2):
        padding = b"x" * ((1 << 20) - len(start) - 2 - shift) + b"\n"
        (tmp_path / "x.csv").write_bytes(start + padding + short * 3)
        assert read(tmp_path / "x.csv") == 5
    assert not unraised


def test_a_column_of_parquet_whose_name_is_no_text_is_a_damaged_file(tmp_path: Path) -> None:
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.table({"popularity": [1]}), buffer, store_schema=False)
    (tmp_path / "x.parquet").write_bytes(buffer.getvalue().to_pybytes().replace(b"popularity", b"popul\xffrity"))
    with pytest.raises(CorpusRejected, match="is not a whole Parquet file"):
        read(tmp_path / "x.parquet")


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_text_of_parquet_that_is_no_utf8_is_damaged_characters(tmp_path: Path, kind: pa.DataType) -> None:
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.table({"artists": pa.array(["Zoe", "Ann", None], kind)}), buffer, compression="none")
    (tmp_path / "x.parquet").write_bytes(buffer.getvalue().to_pybytes().replace(b"Zoe", b"Zo\xe9"))
    (source,) = find_sources([str(tmp_path / "x.parquet")])
    reader = open_reader(source)
    (partition,) = reader.partitions(10)
    assert partition.table.column(0).to_pylist() == ["Zo\ufffd", "Ann", None]
    assert reader.note == "read with damaged characters"


@pytest.mark.parametrize("kind", [pa.string_view(), pa.list_(pa.string_view()), pa.struct({"a": pa.string_view()})])
def test_bad_rows_of_parquet_keep_what_arrow_cannot_pick(tmp_path: Path, kind: pa.DataType) -> None:
    text = {"a": "odd"} if pa.types.is_struct(kind) else ["odd"] if pa.types.is_list(kind) else "odd"
    table = pa.table({"popularity": [50, 101, 60], "more": pa.array([text] * 3, kind)})
    pq.write_table(table, tmp_path / "x.parquet")
    (source,) = find_sources([str(tmp_path / "x.parquet")])
    reader = open_reader(source)
    (partition,) = reader.partitions(10)
    assert reader.as_text(partition, np.array([1])).to_pylist() == [{"0": 101, "1": text}]
    assert reader.as_text(partition, np.array([], dtype=np.int64)).num_rows == 0


def test_a_refusal_is_one_printable_line(tmp_path: Path) -> None:
    path = tmp_path / "a\nb\x1b[31m.csv"
    path.write_bytes(b"\n")
    with pytest.raises(CorpusRejected) as caught:
        read(path)
    assert str(caught.value).startswith("a?b?[31m.csv has no header")


def test_a_member_whose_own_name_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("é.csv", "artists,popularity\nA,1\n")
    # The first of its two names, which is marked as UTF-8.
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xb3\xb3", 1))
    with pytest.raises(CorpusRejected, match=r"cannot be unpacked .*: fetch the archive again"):
        find_sources([str(path)])


def test_bad_rows_whose_ends_are_not_those_of_others(tmp_path: Path, ingest: Ingest) -> None:
    corpus = tmp_path / "x.csv"
    corpus.write_bytes(b"artists,track_name,popularity\nAnn,One,50\nBob,Two,101\rCyd,Three,102")
    done = ingest(tmp_path / "out", corpus, max_bad_share=1)
    assert done.report.rows.kept == 1
    assert [(row["row"], json.loads(row["raw"])["popularity"]) for row in done.quarantine] == [(2, "101"), (3, "102")]
