"""Which artists the report holds, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from schemas.reports import Design
from tasks.publish import board
from tasks.publish.artist_genres import genres_of
from tasks.publish.board import choose, columns
from tasks.publish.visible import embedded, visible

if TYPE_CHECKING:
    from tasks.publish.publisher import Inputs


def test_all_are_there_while_they_fit() -> None:
    choice = choose(np.ones(50, dtype=np.int64), most=50)
    assert choice.places.tolist() == list(range(50))
    assert (choice.top, choice.bottom, choice.busiest) == (0, 0, 0)


def test_of_many_the_ends_and_the_busiest_are_there() -> None:
    tracks = np.ones(1000, dtype=np.int64)
    tracks[500:530] = 9
    tracks[600:700] = 3
    choice = choose(tracks, most=100)
    places = set(choice.places.tolist())
    assert len(places) == len(choice.places) == 100
    assert (choice.places[1:] > choice.places[:-1]).all()
    assert places >= set(range(40)) | set(range(980, 1000)) | set(range(500, 530))
    # Everybody with more than so many tracks is among them.
    assert set(np.flatnonzero(tracks > choice.fewest).tolist()) <= places


def table(names: list[str]) -> pa.Table:
    count = len(names)
    points = np.full(count, 12.34)
    values = dict.fromkeys(("raw_mean", "mean", "low", "high", "next_low", "next_high"), points)
    change = pa.array([None, *[-0.06] * (count - 1)], pa.float64())
    return pa.table({"artist": names, "tracks": np.arange(1, count + 1), **values, "change": change})


def test_numbers_are_tenths_of_a_point() -> None:
    found = columns(table(["A", "B"]), choose(np.array([1, 2])), [[3], [1, 0]])
    assert found["a"] == ["A", "B"]
    assert found["m"] == [123, 123]
    assert found["c"] == [None, -1]
    assert found["g"] == [3, [1, 0]]
    assert found["r"] == [1, 2]


def test_long_names_are_cut_further_where_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["x" * 10_000, "y" * 10_000]
    assert {len(name) for name in columns(table(names), choose(np.array([1, 2])), [[], []])["a"]} == {200}
    monkeypatch.setattr(board, "_MOST_LETTERS", 130)
    assert {len(name) for name in columns(table(names), choose(np.array([1, 2])), [[], []])["a"]} == {60}
    monkeypatch.setattr(board, "_MOST_LETTERS", 10)
    assert {len(name) for name in columns(table(names), choose(np.array([1, 2])), [[], []])["a"]} == {30}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Beyoncé", "Beyoncé"),
        ("", "(no name)"),
        ("   ", "(blank: U+0020 U+0020 U+0020)"),
        ("\u200b\u2060", "(blank: U+200B U+2060)"),
        ("\u3164" * 9, "(blank: U+3164 U+3164 U+3164 U+3164 ...)"),
        ("\u0301", "(blank: U+0301)"),
        ("🎵", "🎵"),
        ("!!!", "!!!"),
        ("a\u200bb", "a\u200bb"),
        ("\u202eevil", "�evil"),
    ],
)
def test_a_name_with_nothing_to_see_is_written_as_what_it_is(name: str, shown: str) -> None:
    assert visible(name) == shown


def test_nothing_ends_a_block_of_data() -> None:
    text = embedded(["</script><!--", "a&b", "\u2028\u202e", "__proto__", 1.5, None])
    assert text == ('["\\u003c/script\\u003e\\u003c!--","a\\u0026b","\\u2028\\u202e","__proto__",1.5,null]')


def test_a_number_that_json_does_not_know_is_a_bug() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        embedded([float("nan")])


def test_genres_of_artists_come_with_the_largest_share_first(inputs: Inputs) -> None:
    design = Design.model_validate_json((inputs.group / "design.json").read_text(encoding="utf-8"))
    names = pa.chunked_array([["Artist 00003", "東京事変"]])
    # The statistics of these inputs share every artist out evenly, so the order is that of the design.
    assert genres_of(inputs.group, design, names) == [[0, 1, 2], [0, 1, 2]]
    bare = design.model_copy(update={"columns": tuple(each for each in design.columns if each.kind != "genre")})
    assert genres_of(inputs.group, bare, names) == [[], []]
