"""What has changed of a partition: put together in any order it is the same, to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tasks.changes import UNIONS, Changes, Texts, rows_that_stay, summed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    Fates = dict[int, dict[str, Any] | None]

ROWS = 12
GENRES = st.lists(st.sampled_from(["dub", "pop", "ska", "été"]), max_size=3, unique=True).map(sorted)
# What becomes of a row: None where it goes.
STAYS = st.fixed_dictionaries({"conflict": st.booleans(), "genres": GENRES, "subgenres": st.just([]) | GENRES})
FATES = st.dictionaries(st.integers(0, ROWS - 1), st.none() | STAYS, max_size=ROWS)


def texts_of(lists: list[list[str]]) -> Texts:
    """Return texts as folding has them: with words that others use, in order."""
    words = pa.array(sorted({"a", "zydeco", *(one for each in lists for one in each)}), pa.string())
    codes = [words.to_pylist().index(one) for each in lists for one in each]
    return Texts(
        summed(np.array([len(each) for each in lists], dtype=np.int64)), np.array(codes, dtype=np.uint8), words
    )


def put(changes: Changes, fates: Fates) -> Changes:
    """Return changes with what becomes of some rows."""
    positions = sorted(fates)
    staying = [fate for position in positions if (fate := fates[position]) is not None]
    return changes.put(
        np.array(positions, dtype=np.int32),
        np.array([fates[position] is not None for position in positions], dtype=bool),
        np.array([fate["conflict"] for fate in staying], dtype=bool),
        {name: texts_of([fate[name] for fate in staying]) for name in UNIONS},
    )


def said(changes: Changes) -> Fates:
    """Return what becomes of each row that changes."""
    found: Fates = dict.fromkeys(np.flatnonzero(~changes.stays).tolist())
    lists = {name: changes.texts[name].plain().to_pylist() for name in UNIONS}
    for row, position in enumerate(changes.position.tolist()):
        found[position] = {"conflict": bool(changes.conflict[row]), **{name: lists[name][row] or [] for name in UNIONS}}
    return found


@given(st.lists(FATES, min_size=1, max_size=4))
def test_the_last_word_counts_whatever_was_said_before(turns: list[Fates]) -> None:
    changes, expected = Changes.none(ROWS), dict[int, Any]()
    for fates in turns:
        changes = put(changes, fates)
        expected |= fates
    assert said(changes) == expected
    assert changes.encoded() == put(Changes.none(ROWS), expected).encoded()


@given(FATES)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, fates: Fates) -> None:
    file = tmp_path_factory.mktemp("changes") / "part.arrow"
    changes = put(Changes.none(ROWS), fates)
    file.write_bytes(changes.encoded())
    assert said(Changes.read(file)) == fates
    assert Changes.read(file).encoded() == changes.encoded()
    assert rows_that_stay(file).tolist() == changes.stays.tolist()


def test_many_genres_have_room(tmp_path: Path) -> None:
    genres = [f"genre {number:03}" for number in range(300)]
    changes = Changes.none(400)
    for start in (0, 150):
        fates = {start + i: {"conflict": False, "genres": [genres[start + i]], "subgenres": []} for i in range(150)}
        changes = put(changes, fates)
    (tmp_path / "x").write_bytes(changes.encoded())
    assert [one for [one] in Changes.read(tmp_path / "x").texts["genres"].plain().to_pylist()] == genres
