"""Text that is looked at as its bytes lie, beside Arrow and Python, which look at each letter."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.ingest import lists
from tasks.ingest.blanks import BLANKS, trimmed
from tasks.ingest.lists import split_cells

# Letters that begin or end in the bytes of blanks, and blanks of one to three bytes.
LETTER = st.sampled_from(
    "ab;é¡©à\u1681\u1a80日\u2019\u3001\u2081\U0001f3b5 \t\x00\x1c\x85\xa0\u1680\u2003\u2029\u205f\u3000"
)
CELL = st.one_of(st.none(), st.text(LETTER, max_size=6))
CELLS = st.lists(CELL, max_size=12)


def sliced(cells: list[str | None], before: list[str | None]) -> pa.Array:
    """Return cells as a part of a longer array."""
    return pa.array([*before, *cells, *before], pa.string()).slice(len(before), len(cells))


def test_what_is_a_blank_to_arrow_is_one() -> None:
    letters = [chr(code) for code in range(0x11000) if not 0xD800 <= code < 0xE000]
    left = pc.binary_length(pc.utf8_trim_whitespace(pa.array(letters))).to_numpy()
    assert [letter for letter, length in zip(letters, left, strict=True) if not length] == sorted(BLANKS)


@given(CELLS, CELLS)
def test_texts_are_trimmed_as_arrow_does(cells: list[str | None], before: list[str | None]) -> None:
    array = sliced(cells, before)
    assert trimmed(array).equals(pc.utf8_trim_whitespace(array))


@pytest.mark.parametrize("blank", BLANKS)
def test_each_blank_is_trimmed_wherever_it_stands(blank: str) -> None:
    for text in (blank, f"{blank}é", f"日{blank}", f"a{blank}b"):
        assert trimmed(pa.array(["é", text, "日"])).to_pylist() == ["é", text.strip(), "日"]


def plainly(cell: str | None, separator: str) -> list[str] | None:
    """Split a cell as its documentation says."""
    texts = [text.strip(BLANKS) for text in (cell or "").split(separator)]
    return list(dict.fromkeys(filter(None, texts))) or None


@given(CELLS, CELLS, st.sampled_from([";", "a", "b", ";b", "é"]))
@example(["a;b", "c", None, "d;e;f"], [], ";")
@example(["a;a", "é;日"], [None], ";")
def test_cells_are_split_as_python_does(cells: list[str | None], before: list[str | None], separator: str) -> None:
    array = pc.utf8_trim_whitespace(sliced(cells, before))
    array = pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array)
    # Cells that are a part of an array, and have texts before them.
    array = pa.concat_arrays([pa.array(["x;y"]), array]).slice(1)
    assert split_cells(array, separator).to_pylist() == [plainly(cell, separator) for cell in array.to_pylist()]


@given(
    st.lists(
        st.lists(st.text(st.sampled_from("ab é日\u2019\U0001f3b5"), min_size=1).map(str.strip), min_size=1), max_size=9
    )
)
def test_separators_are_cut_out_of_the_bytes_where_that_can_be_done(texts: list[list[str]]) -> None:
    cells = [";".join(filter(None, cell)) or None for cell in texts]
    found = lists._cut(pa.array(cells, pa.string()), ";")
    assert found is not None
    assert found[0].to_pylist() == [text for cell in texts for text in cell if text]


def test_a_null_cell_may_have_bytes() -> None:
    data = pa.array(["a;b", "c;d", "e"])
    _, offsets, texts = data.buffers()
    array = pa.StringArray.from_buffers(3, offsets, texts, pa.py_buffer(bytes([0b101])))
    assert array.to_pylist() == ["a;b", None, "e"]
    assert split_cells(array, ";").to_pylist() == [["a", "b"], None, ["e"]]
