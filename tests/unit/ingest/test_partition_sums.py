"""Sums of partitions: exact in any order, and the same however a corpus is cut, folded and summed."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tasks.ingest.sums import MOST_GENRES, Sums, exact_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

POPULARITY = st.floats(0, 100) | st.sampled_from([0.0, 50.0, 100.0, 5e-324, 1e-300, 0.1])


def table(popularity: Sequence[float], **columns: Any) -> pa.Table:
    """Return tracks with what sums look at."""
    lists, nothing = pa.list_(pa.string()), [None] * len(popularity)
    return pa.table(
        {
            "track_id": pa.array(columns.get("track_id", nothing), pa.string()),
            "popularity": pa.array(popularity, pa.float64()),
            "genres": pa.array(columns.get("genres", nothing), lists),
            "subgenres": pa.array(columns.get("subgenres", nothing), lists),
        }
    )


@given(st.lists(POPULARITY | st.floats(allow_nan=False, allow_infinity=False)))
def test_doubles_are_added_up_exactly(values: list[float]) -> None:
    assert exact_sum(np.array(values)) == sum(map(Fraction, values)) * 2**1074


@given(st.lists(st.lists(POPULARITY, min_size=1), min_size=1, max_size=5))
def test_the_mean_is_that_of_all_correctly_rounded(parts: list[list[float]]) -> None:
    every = [value for part in parts for value in part]
    total = sum((Sums.of(table(part)) for part in reversed(parts)), Sums())
    assert total.mean_popularity == float(sum(map(Fraction, every)) / len(every))
    assert math.isclose(total.mean_popularity, np.mean(every), rel_tol=1e-9)
    assert (total.rows, total.zeros) == (len(every), every.count(0))


def test_what_is_there_is_counted_and_kept_in_plain_values() -> None:
    tracks = table(
        [0.0, 1.5, 3.0, 4.0],
        track_id=["a", None, None, "b"],
        genres=[["ska"], None, [], ["dub", "ska"]],
        subgenres=[None, ["two tone"], None, None],
    )
    found = Sums.of(tracks)
    assert (found.rows, found.zeros, found.without_genre, found.without_id) == (4, 1, 1, 2)
    assert found.genres == {"ska", "dub", "two tone"}
    assert Sums.from_plain(found.plain()) == found
    assert found - Sums.of(table([1.5])) + Sums.of(table([1.5])) == found


def test_genres_without_number_are_not_kept() -> None:
    many = Sums.of(table([1.0], genres=[[f"{number}" for number in range(MOST_GENRES)]]))
    assert many.genres is not None
    more = Sums.of(table([1.0], genres=[["another"]]))
    assert (many + more).genres is None
    assert (more + many).genres is None
    assert Sums.from_plain((many + more).plain()).genres is None
