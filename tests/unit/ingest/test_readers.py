"""Rows as they came, with their right numbers."""

from __future__ import annotations

import csv
import io
import itertools
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import CorpusRejected
from schemas.expectations import MALFORMED, UNCLOSED
from schemas.references import Source
from tasks.ingest import csv_reader, partitions
from tasks.ingest.readers import open_reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.ingest.readers import Reader

    Write = Callable[..., Path]


def opened(path: Path) -> Reader:
    return open_reader(Source(path=str(path), name=path.name, sha256=""))


def read(path: Path, size: int = 1000) -> tuple[dict[int, list[Any]], dict[int, tuple[str, str]]]:
    """Return the good records and the malformed ones, by number."""
    good: dict[int, list[Any]] = {}
    malformed = {}
    for partition in opened(path).partitions(size):
        assert len(partition.rows) <= size
        assert partition.table.num_rows == len(partition.rows)
        rows = zip(*(column.to_pylist() for column in partition.table.columns), strict=True)
        good |= dict(zip(partition.rows.tolist(), map(list, rows), strict=True))
        malformed |= {row.row: (row.text, row.reason) for row in partition.malformed}
    return good, malformed


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes, name: str = "x.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_any_line_end_and_a_byte_order_mark(write: Write, end: str, mark: str) -> None:
    path = write(mark + end.join(["a,b", '1,"x, y"', "2,Zoë", ""]))
    assert opened(path).names == ("a", "b")
    assert read(path) == ({1: ["1", "x, y"], 2: ["2", "Zoë"]}, {})


@pytest.mark.parametrize("header", ["a,b\n", "a,bc\n"])
@pytest.mark.parametrize("text", ["é" * 500, '"' + "é,\n" * 150 + '"'], ids=["letters", "quoted lines"])
@pytest.mark.parametrize("rows", [300, 3000])
def test_where_the_begin_of_a_long_file_is_cut_does_not_matter(write: Write, header: str, text: str, rows: int) -> None:
    path = write(header + "".join(f"{text},{number}\n" for number in range(rows)))
    assert ",".join(opened(path).names) == header.strip()
    good, malformed = read(path)
    assert [row[1] for row in good.values()] == [f"{number}" for number in range(rows)]
    assert not malformed


def test_a_quoted_line_break_is_part_of_a_field_and_of_one_record(write: Write) -> None:
    assert read(write('a,b\n1,"x\ny"\n2,z\n')) == ({1: ["1", "x\ny"], 2: ["2", "z"]}, {})


def test_everything_is_text_unless_numbers_are_asked_for(write: Write) -> None:
    good, _ = read(write("a,b\n007,NA\n1.50,true\n"))
    assert list(good.values()) == [["007", "NA"], ["1.50", "true"]]


def test_names_given_twice_and_empty_ones_do_no_harm(write: Write) -> None:
    path = write(",a,a\n1,2,3\n")
    assert opened(path).names == ("", "a", "a")
    assert read(path)[0] == {1: ["1", "2", "3"]}


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_malformed_records_keep_their_numbers(write: Write, size: int) -> None:
    good, malformed = read(write('a,b\n1,2\n"x\ny",3\n1,2,3\n\n5\n6,7\n8\n'), size)
    assert good == {1: ["1", "2"], 2: ["x\ny", "3"], 5: ["6", "7"]}
    assert malformed == {3: ("1,2,3", MALFORMED), 4: ("5", MALFORMED), 6: ("8", MALFORMED)}


def test_a_quote_that_is_never_closed_is_no_row(write: Write) -> None:
    good, malformed = read(write('a,b\n1,2\n3,"open\n4,5\n'))
    assert good == {1: ["1", "2"]}
    assert malformed == {2: ("3,open\n4,5\n", UNCLOSED)}


def test_a_last_field_that_ends_in_a_line_break_by_right_is_a_row(write: Write) -> None:
    assert read(write('a,b\n3,"closed\n"\n')) == ({1: ["3", "closed\n"]}, {})


def test_only_a_header_gives_no_rows(write: Write) -> None:
    assert read(write("a,b\n")) == ({}, {})


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ("\n\n", "x.csv", "x.csv has no header and no rows"),
        (b"PAR1 is not enough PAR1", "x.parquet", "x.parquet is not a whole Parquet file"),
    ],
)
def test_what_cannot_be_read_is_rejected_in_a_sentence(
    write: Write, content: str | bytes, name: str, said: str
) -> None:
    with pytest.raises(CorpusRejected, match=said):
        read(write(content, name))


def test_a_field_without_end_is_rejected(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "_BLOCK", 1000)
    with pytest.raises(CorpusRejected, match="a quote is probably never closed"):
        read(write("a,b\n" + '1,"' + "x\n" * 1000 + '",2\n'))


@pytest.mark.parametrize("size", [1, 4, 5, 100])
def test_parquet_is_read_with_its_types(tmp_path: Path, size: int) -> None:
    pq.write_table(pa.table({"a": range(5), "b": list("abcde")}), tmp_path / "x.parquet", row_group_size=2)
    reader = opened(tmp_path / "x.parquet")
    assert (reader.names, reader.total) == (("a", "b"), 5)
    good, _ = read(tmp_path / "x.parquet", size)
    assert good == {number + 1: [number, letter] for number, letter in enumerate("abcde")}


def test_a_parquet_text_may_end_in_a_line_break(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": ["x\n"]}), tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet") == ({1: ["x\n"]}, {})


FIELD = st.text(st.sampled_from('ab,"\n é0'), max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    records=st.lists(st.lists(FIELD, min_size=1, max_size=4), max_size=25),
    size=st.integers(1, 9),
    small=st.sampled_from([16, 64, 1000]),
    piece=st.integers(1, 9),
)
def test_records_are_numbered_as_python_numbers_them(
    tmp_path_factory: pytest.TempPathFactory, records: list[list[str]], size: int, small: int, piece: int
) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([["a", "b", "c"], *records])
    path = tmp_path_factory.getbasetemp() / "records.csv"
    path.write_bytes(buffer.getvalue().encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_reader, "_BLOCK", 100)
        patch.setattr(csv_reader, "_SMALL_BLOCK", small)
        patch.setattr(partitions, "_PIECE_ROWS", piece)
        good, malformed = read(path, size)
        ends = [(len(one.rows), one.ends) for one in opened(path).partitions(size)]
    # Whatever the pieces, partitions are as long as they should be.
    filled = list(itertools.accumulate(count for count, _ in ends))
    assert [end for end, (_, is_last) in zip(filled, ends, strict=True) if is_last] == [
        *range(size, len(good), size),
        len(good),
    ]
    assert good == {number: record for number, record in enumerate(records, 1) if len(record) == 3}
    assert set(malformed) == {number for number, record in enumerate(records, 1) if len(record) != 3}


@pytest.mark.parametrize("place", [0, 1, 40, 80])
@pytest.mark.parametrize("number", ["2.5", "much"])
def test_a_record_longer_than_a_small_block_is_read_as_any_other(
    write: Write, monkeypatch: pytest.MonkeyPatch, place: int, number: str
) -> None:
    monkeypatch.setattr(csv_reader, "_SMALL_BLOCK", 200)
    monkeypatch.setattr(partitions, "_PIECE_ROWS", 7)
    lines = ["name,number", *(f"n{row},{row}" for row in range(1, 81))]
    name = "x\n" * 1000
    lines[place] = f'"{name}",{number}'
    lines[20] += ",more"
    path = write("\n".join(lines) + "\n")
    pieces = list(opened(path).partitions(10, frozenset({1})))
    expected = {row: [f"n{row}", float(row)] for row in range(1, 81) if row != 20}
    if place:
        expected[place] = [name, number]
    found = {
        row: [text, float(value) if row != place else str(value)]
        for piece in pieces
        for row, text, value in zip(
            piece.rows.tolist(), *map(pa.ChunkedArray.to_pylist, piece.table.columns), strict=True
        )
    }
    assert found == expected
    assert [one.row for piece in pieces for one in piece.malformed] == [20]
    assert opened(path).names[0] == (name if not place else "name")
    filled = itertools.accumulate(len(piece.rows) for piece in pieces)
    assert [end for end, piece in zip(filled, pieces, strict=True) if piece.ends] == [10, 20, 30, 40, 50, 60, 70, 79]


def test_a_quote_that_swallows_the_rest_of_a_file_is_no_bad_row(tmp_path: Path) -> None:
    # Were it one, thousands of rows would vanish in it, and the counts would still add up.
    lines = ["track_id,title,artist,popularity", *(f"{number},song,artist,{number % 100}" for number in range(500))]
    lines[200] = '"' + lines[200]
    path = tmp_path / "swallowed.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    reader = open_reader(Source(path=str(path), name=path.name, sha256=""))
    with pytest.raises(CorpusRejected, match=r"a quote that opens in row 200 of swallowed\.csv is never closed"):
        list(reader.partitions(1000))
