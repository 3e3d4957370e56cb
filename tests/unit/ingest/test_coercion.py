"""Reading text and foreign types as canonical values."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import CorpusRejected
from schemas.layouts import LISTS, Layout
from tasks.ingest.coercion import coerce
from tasks.ingest.recognition import Recognised


def read(column: str, cells: Any, *, separator: str | None = None, factor: float = 1) -> tuple[list[Any], list[bool]]:
    """Return the values of one column, and which of them could not be read."""
    layout = Layout("test", {column: column}, frozenset(), separator, {column: factor})
    table = pa.table([cells if isinstance(cells, pa.Array) else pa.array(cells)], names=["0"])
    values, unreadable = coerce("x.csv", table, Recognised(layout, {column: 0}, ""))
    return values[column].to_pylist(), unreadable[column].to_pylist()


@pytest.mark.parametrize("text", ["", " ", "NA", "N/A", "NaN", "nan", "null", "NULL", " NA "])
@pytest.mark.parametrize("column", ["track_name", "artists", "popularity", "key", "explicit", "genres"])
def test_what_stands_for_no_value_is_missing_and_not_unreadable(column: str, text: str) -> None:
    assert read(column, [text, None]) == ([None, None], [False, False])


@pytest.mark.parametrize("name", ["Na", "None", "Null", "nan da", "0"])
def test_artists_whose_names_look_like_nothing_are_artists(name: str) -> None:
    assert read("artists", [name]) == ([[name]], [False])


@pytest.mark.parametrize(
    ("text", "value"),
    [("50", 50), (" 50.5 ", 50.5), ("0", 0), ("-1", -1), ("+3", 3), ("1e2", 100), (".5", 0.5), ("5.", 5)],
)
def test_numbers_are_read(text: str, value: float) -> None:
    assert read("popularity", [text]) == ([value], [False])
    assert read("popularity", [text, "x"]) == ([value, None], [False, True])


@pytest.mark.parametrize(
    "text",
    ["x", "1,5", "1 000", "inf", "-Infinity", "1e999", "0x10", "1_0", "\N{ARABIC-INDIC DIGIT ONE}", "-", "5 pts", "1e"],
)
def test_what_is_no_finite_number_is_unreadable(text: str) -> None:
    assert read("popularity", [text]) == ([None], [True])
    assert read("popularity", [text, "7"]) == ([None, 7], [True, False])


@given(st.lists(st.text(st.sampled_from("0123456789+-.eE xinfa_"), max_size=7), max_size=6))
def test_a_number_is_read_the_same_whatever_stands_beside_it(texts: list[str]) -> None:
    alone = [read("popularity", pa.array([text]))[0][0] for text in texts]
    together, _ = read("popularity", pa.array(texts, pa.string()))
    assert together == alone
    for text, value in zip(texts, alone, strict=True):
        if value is not None:
            assert value == float(text)
            assert math.isfinite(value)
        elif re.fullmatch(r"\s*-?[0-9]+\s*", text):
            pytest.fail(f"{text!r} is a number")


def test_whole_numbers_may_be_written_with_a_fraction_of_zero() -> None:
    assert read("key", ["10", "10.0", "-1", "10.5", "x", "3e10", ""]) == (
        [10, 10, -1, None, None, None, None],
        [False, False, False, True, True, True, False],
    )


def test_yes_and_no_in_many_ways() -> None:
    assert read("explicit", ["True", "FALSE", "1", "0", "yes", "No", "maybe", "2", ""]) == (
        [True, False, True, False, True, False, None, None, None],
        [False, False, False, False, False, False, True, True, False],
    )


def test_credits_are_split_trimmed_and_named_once() -> None:
    cells = ["Ann; Bob;Ann;;", "Tyler, The Creator", ";", "[:SITD:]"]
    assert read("artists", cells, separator=";")[0] == [["Ann", "Bob"], ["Tyler, The Creator"], None, ["[:SITD:]"]]


def test_a_layout_without_a_separator_leaves_names_whole() -> None:
    assert read("artists", ["Crosby, Stills & Nash", "A;B"])[0] == [["Crosby, Stills & Nash"], ["A;B"]]


def test_genres_are_not_credits() -> None:
    assert read("genres", ["drum;bass"], separator=";")[0] == [["drum;bass"]]


def test_factors_change_units() -> None:
    assert read("energy", ["100", "0", "50"], factor=0.01)[0] == [1, 0, 0.5]


@pytest.mark.parametrize(
    "address",
    [
        "6rqhFgbbKwnb9MLmUQDhG6",
        " 6rqhFgbbKwnb9MLmUQDhG6 ",
        "spotify:track:6rqhFgbbKwnb9MLmUQDhG6",
        "https://open.spotify.com/track/6rqhFgbbKwnb9MLmUQDhG6",
        "http://open.spotify.com/intl-de/track/6rqhFgbbKwnb9MLmUQDhG6?si=1",
    ],
)
def test_ids_are_taken_out_of_addresses(address: str) -> None:
    assert read("track_id", [address])[0] == ["6rqhFgbbKwnb9MLmUQDhG6"]


def test_other_addresses_stay_as_they_are() -> None:
    assert read("track_id", ["spotify:album:6rqhFgbbKwnb9MLmUQDhG6"])[0] == ["spotify:album:6rqhFgbbKwnb9MLmUQDhG6"]


@pytest.mark.parametrize(
    ("column", "cells", "values"),
    [
        ("popularity", pa.array([5, None], pa.int16()), [5, None]),
        ("popularity", pa.array([5.5, math.nan], pa.float32()), [5.5, None]),
        ("popularity", pa.array(["5", "6"]).dictionary_encode(), [5, 6]),
        ("key", pa.array([5.0, math.nan]), [5, None]),
        ("explicit", pa.array([True, None]), [True, None]),
        ("explicit", pa.array([1, 0]), [True, False]),
        ("track_name", pa.array([b"Song"]), ["Song"]),
        ("track_name", pa.array(["Song"], pa.large_string()), ["Song"]),
        ("release_date", pa.array([dt.date(2019, 6, 14)]), ["2019-06-14"]),
        ("artists", pa.array([["Ann ", "Bob", "Ann", None], [], None]), [["Ann", "Bob"], None, None]),
        ("artists", pa.array(["Ann", "Ann"]).dictionary_encode(), [["Ann"], ["Ann"]]),
        ("album_name", pa.nulls(1), [None]),
    ],
)
def test_parquet_types_are_read(column: str, cells: pa.Array, values: list[Any]) -> None:
    assert read(column, cells)[0] == values


def test_an_infinite_number_is_unreadable() -> None:
    assert read("popularity", [math.inf, 1.0]) == ([None, 1], [True, False])


@pytest.mark.parametrize(
    ("column", "cells"),
    [("popularity", pa.array([[1]])), ("track_name", pa.array([{"a": 1}])), ("track_name", pa.array([b"\xff"]))],
)
def test_a_type_that_cannot_hold_it_rejects_the_corpus(column: str, cells: pa.Array) -> None:
    with pytest.raises(CorpusRejected, match=f"x.csv has {column} of type"):
        read(column, cells)


@pytest.mark.parametrize(
    ("column", "cells", "values"),
    [
        ("energy", pa.array([55, 0], pa.int8()), [55, 0]),
        ("mode", pa.array([True, False, None]), [1, 0, None]),
        ("release_date", pa.array([2019, 1999], pa.int32()), ["2019", "1999"]),
        ("release_date", pa.array([2019.0, None]), ["2019", None]),
        ("release_date", pa.array([dt.datetime(2019, 6, 14, tzinfo=dt.UTC)]), ["2019-06-14"]),
        ("track_name", pa.array([1975, None]), ["1975", None]),
        ("popularity", pa.array([None, None], pa.null()), [None, None]),
        ("artists", pa.array([["Ann; Bob", "C"], ["Ann"]]).slice(1), [["Ann"]]),
        ("artists", pa.array([["Ann; Bob", "C"]], pa.large_list(pa.string())), [["Ann; Bob", "C"]]),
        ("artists", pa.array([[{"name": "Ann", "id": 1}], None]), [["Ann"], None]),
        ("artists", pa.array([1975]), [["1975"]]),
    ],
)
def test_types_that_a_reader_has_told_are_read(column: str, cells: pa.Array, values: list[Any]) -> None:
    assert read(column, cells) == (values, [False] * len(values))


def test_lists_written_as_text_are_credits_in_every_layout() -> None:
    cells = ["['Ann', 'Bob']", '["Guns N\' Roses"]', "[Alexandros]", "[]"]
    for separator in (None, ";", LISTS):
        expected = [["Ann", "Bob"], ["Guns N' Roses"], ["[Alexandros]"], None]
        assert read("artists", cells, separator=separator) == (expected, [False] * 4)


def test_a_list_that_was_cut_is_unreadable_where_credits_are_lists() -> None:
    assert read("artists", ["['Ann', 'Bo", None], separator=LISTS) == ([None, None], [True, False])


def test_dates_are_normalised_and_what_is_none_becomes_null() -> None:
    cells = ["2019", "2019-02", "2019-02-28", "2020-02-29", "2019-02-29", "2019-6-1", "soon", ""]
    expected = ["2019", "2019-02", "2019-02-28", "2020-02-29", None, "2019-06-01", None, None]
    assert read("release_date", cells) == (expected, [cell in {"2019-02-29", "soon"} for cell in cells])


def test_explicit_in_words() -> None:
    cells = ["E", "explicit", "Clean", "y", "N", "not explicit"]
    assert read("explicit", cells)[0] == [True, True, False, True, False, False]


@given(st.lists(st.text(st.sampled_from("0123456789+-.,eE :/%'\u00a0msdbC#"), max_size=8), max_size=6))
@pytest.mark.parametrize("column", ["duration_ms", "energy", "key", "time_signature", "release_date", "artists"])
def test_a_cell_is_read_the_same_whatever_stands_beside_it(column: str, texts: list[str]) -> None:
    alone = [read(column, pa.array([text]))[0][0] for text in texts]
    assert read(column, pa.array(texts, pa.string()))[0] == alone
