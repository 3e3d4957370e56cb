"""What a later fold asks of a partition, beside it: to read so little of Parquet would take many times as long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.arrays import arrays_in, file_of
from tasks.changes import UNIONS, Texts, narrow, summed
from tasks.ingest.groups import marks_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Positions = NDArray[np.int64]

_MARK, _POPULARITY = "mark", "popularity"
_ALL_BUT_MARKS = range(1, 2 + 2 * len(UNIONS))
_MOST = np.iinfo(np.uint8).max
_MOST_WORDS = 10_000


def notes_of(tracks: pa.Table) -> memoryview:
    """Return what is noted of canonical tracks, as a file.

    Popularity is, where it is in whole points; and the genres of each level, unless there are very many.
    """
    popularity = tracks["popularity"].to_numpy()
    whole = popularity.astype(np.uint8)
    arrays: dict[str, pa.Array | None] = {
        _MARK: pa.array(marks_of(tracks["track_id"].combine_chunks())),
        _POPULARITY: pa.array(whole) if np.array_equal(whole, popularity) else None,
    }
    for name in UNIONS:
        arrays |= {name: None, _counts(name): None} | _noted(name, tracks[name])
    return file_of(arrays)


def marks_in(file: Path) -> NDArray[np.uint64]:
    """Return only the marks of what `notes_of` returned; see `groups.marks_of`."""
    marks: NDArray[np.uint64] = arrays_in(file, range(1))[_MARK].to_numpy()
    return marks


@dataclass(frozen=True)
class Notes:
    """What is noted of a partition, besides marks."""

    _found: Mapping[str, pa.Array]

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read what `notes_of` returned."""
        return cls(arrays_in(file, _ALL_BUT_MARKS))

    def popularity(self, rows: Positions) -> NDArray[np.float64] | None:
        """Return that of some rows; None if it was not noted."""
        whole = self._found.get(_POPULARITY)
        return None if whole is None else whole.to_numpy()[rows].astype(np.float64)

    def texts(self, name: str, rows: Positions) -> Texts | None:
        """Return the genres of some rows; None if they were not noted."""
        codes = self._found.get(name)
        if codes is None:
            return None
        if not len(codes):
            return Texts.none(len(rows))
        counts = self._found.get(_counts(name))
        if counts is None:
            ends = np.arange(len(rows) + 1, dtype=np.int32)
            return Texts(ends, codes.indices.to_numpy()[rows], codes.dictionary)
        return Texts(summed(counts.to_numpy()), codes.indices.to_numpy(), codes.dictionary).of(rows)


def _noted(name: str, lists: pa.ChunkedArray) -> dict[str, pa.Array]:
    """Return codes, and how many each row has, unless that is one."""
    if lists.null_count == len(lists):
        return {name: _codes(np.empty(0, dtype=np.uint8), pa.array([], pa.string()))}
    counts = pc.list_value_length(lists).fill_null(0).to_numpy()
    if counts.max(initial=0) > _MOST:
        return {}
    found = pc.list_flatten(lists).combine_chunks().dictionary_encode()
    if len(found.dictionary) > _MOST_WORDS:
        return {}
    codes = {name: _codes(found.indices.to_numpy(), found.dictionary)}
    return codes if (counts == 1).all() else codes | {_counts(name): pa.array(counts.astype(np.uint8))}


def _codes(codes: NDArray[np.integer], words: pa.StringArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(narrow(codes, words)), words)


def _counts(name: str) -> str:
    return f"number of {name}"
