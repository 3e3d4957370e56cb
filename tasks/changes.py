"""What has changed of a partition since it was written: rows that were folded into others, and the genres of those.

It is kept so that a few more changes cost no more than copying it: which rows stay, a bit for each of them, and genres
as codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.arrays import arrays_in, bits, file_of, flags

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Positions = NDArray[np.int32]
    Codes = NDArray[np.unsignedinteger]

CHANGES = "changes"
UNIONS = ("genres", "subgenres")
_STAYS = "stays"
_ALL = range(3 + len(UNIONS))


@dataclass(frozen=True)
class Texts:
    """Some texts for each of some rows.

    Parameters
    ----------
    ends : ndarray of int32, shape (n + 1,)
        Where those of each row begin, and where the last ones end.
    codes : ndarray of unsigned int
        Which they are, row by row; of as few bytes as there is need for.
    words : pyarrow.StringArray
        What codes stand for.
    """

    ends: Positions
    codes: Codes
    words: pa.StringArray

    @classmethod
    def none(cls, rows: int) -> Self:
        """Return those of rows that have none."""
        return cls(np.zeros(rows + 1, dtype=np.int32), np.empty(0, dtype=np.uint8), pa.array([], pa.string()))

    @classmethod
    def from_coded(cls, lists: pa.ListArray) -> Self:
        """Return those in lists of codes, of which none is null in a list."""
        found: pa.DictionaryArray = pc.list_flatten(lists)
        counts = pc.list_value_length(lists).fill_null(0).to_numpy()
        return cls(summed(counts), narrow(found.indices.to_numpy(), found.dictionary), found.dictionary)

    def coded(self) -> pa.ListArray:
        """Return them as lists of codes; null for a row that has none."""
        return self._lists(pa.DictionaryArray.from_arrays(pa.array(self.codes), self.words))

    def plain(self) -> pa.ListArray:
        """Return them as lists of strings; null for a row that has none."""
        return self._lists(self.words.take(pa.array(self.codes)))

    def _lists(self, items: pa.Array) -> pa.ListArray:
        return pa.ListArray.from_arrays(pa.array(self.ends), items, mask=pa.array(np.diff(self.ends) == 0))

    def of(self, rows: NDArray[np.int64]) -> Self:
        """Return those of some of the rows."""
        return type(self)(summed(self.ends[rows + 1] - self.ends[rows]), self.codes[self._places(rows)], self.words)

    def _places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        first, counts = self.ends[rows], self.ends[rows + 1] - self.ends[rows]
        ends = np.cumsum(counts)
        places: NDArray[np.int64] = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - counts), counts)
        return places

    def put(self, kept: Flags, at: NDArray[np.int64], others: Self) -> Self:
        """Return those of the rows that are kept, with those of others put in before rows `at` of these.

        Words are those in use, in order, if those of both are in order.
        """
        if not len(self.codes) and not len(others.codes):
            return self.none(int(kept.sum()) + len(at))
        if len(others.words) > len(others.codes):  # those of a whole corpus may be many
            others = others.with_words_in_use()
        words, mine, theirs = self._in_common(others)
        counts, added = np.diff(self.ends), np.diff(others.ends)
        mine = np.delete(mine, self._places(np.flatnonzero(~kept)))
        codes = np.insert(mine, np.repeat(summed(counts[kept])[at], added), theirs)
        return type(self)(summed(np.insert(counts[kept], at, added)), codes, words).with_words_in_use()

    def with_words_in_use(self) -> Self:
        """Return the same without words that no row has."""
        used = np.zeros(len(self.words), dtype=bool)
        used[self.codes] = True
        if used.all():
            return self
        words = self.words.filter(pa.array(used))
        return type(self)(self.ends, narrow((np.cumsum(used) - 1)[self.codes], words), words)

    def _in_common(self, others: Self) -> tuple[pa.StringArray, Codes, Codes]:
        """Return words that hold those of both, and the codes of both for them."""
        if others.words.equals(self.words):
            return self.words, self.codes, others.codes
        words, mine = self.words, self.codes
        if pc.index_in(others.words, words).null_count:
            words = pc.unique(pa.chunked_array([words, others.words]))
            words = words.take(pc.sort_indices(words))
            mine = _recoded(self, words)
        return words, mine, _recoded(others, words).astype(mine.dtype, copy=False)


@dataclass(frozen=True)
class Changes:
    """What has changed of a partition.

    Parameters
    ----------
    stays : ndarray of bool, shape (n,)
        Whether each row does; others were folded into some row, of this partition or another.
    position : ndarray of int32, shape (m,)
        Rows that stay for others too, ascending.
    conflict : ndarray of bool, shape (m,)
        Whether these differ in popularity from any that they stay for.
    texts : dict of str to Texts
        ``genres`` and ``subgenres`` of these.
    """

    stays: Flags
    position: Positions
    conflict: Flags
    texts: dict[str, Texts]

    @classmethod
    def none(cls, rows: int) -> Self:
        """Return those of a partition with which nothing has happened yet."""
        empty = np.empty(0, dtype=np.int32)
        return cls(np.ones(rows, dtype=bool), empty, empty.astype(bool), {name: Texts.none(0) for name in UNIONS})

    def row_of(self, positions: NDArray[np.integer]) -> tuple[NDArray[np.int64], Flags]:
        """Return where rows of the partition are, or would be, among those that stay for others; and which are."""
        row = np.searchsorted(self.position, positions)
        return row, np.append(self.position, -1)[row] == positions

    def put(self, positions: Positions, stays: Flags, conflict: Flags, texts: dict[str, Texts]) -> Self:
        """Return these with more.

        Parameters
        ----------
        positions : ndarray of int32, shape (k,)
            Rows of the partition, ascending; what was said of them before no longer counts.
        stays : ndarray of bool, shape (k,)
            Whether each stays for others, or goes.
        conflict : ndarray of bool, shape (number that stay,)
        texts : dict of str to Texts
            Of these.
        """
        of_each = self.stays.copy()
        of_each[positions] = stays
        row, there = self.row_of(positions)
        kept = np.ones(len(self.position), dtype=bool)
        kept[row[there]] = False
        added = positions[stays]
        at = np.searchsorted(self.position[kept], added)
        return type(self)(
            of_each,
            np.insert(self.position[kept], at, added),
            np.insert(self.conflict[kept], at, conflict),
            {name: self.texts[name].put(kept, at, texts[name]) for name in UNIONS},
        )

    def encoded(self) -> memoryview:
        """Return them as a file; see `tasks.arrays`."""
        texts = {name: one.coded() if len(one.codes) else None for name, one in self.texts.items()}
        stays, conflict = bits(self.stays), bits(self.conflict)
        return file_of({_STAYS: stays, "position": pa.array(self.position), "conflict": conflict, **texts})

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read what `encoded` returned."""
        found = arrays_in(file, _ALL)
        position = found["position"].to_numpy()
        texts = {name: _stored(found[name]) if name in found else Texts.none(len(position)) for name in UNIONS}
        return cls(flags(found[_STAYS]), position, flags(found["conflict"]), texts)


def rows_that_stay(file: Path) -> Flags:
    """Read only that of what `Changes.encoded` returned."""
    return flags(arrays_in(file, range(1))[_STAYS])


def summed(counts: NDArray[np.integer]) -> Positions:
    """Return where each of so many begins, one after the other, and where the last one ends."""
    return np.append(np.int32(0), np.cumsum(counts, dtype=np.int32))


def narrow(codes: NDArray[np.integer], words: pa.StringArray) -> Codes:
    """Return codes in as few bytes as there is need for."""
    return codes.astype(np.min_scalar_type(len(words)), copy=False)


def _stored(lists: pa.ListArray) -> Texts:
    """Return what `Texts.coded` was made from: no codes lie before its lists, or between them."""
    codes: pa.DictionaryArray = lists.values
    return Texts(lists.offsets.to_numpy(), codes.indices.to_numpy(), codes.dictionary)


def _recoded(texts: Texts, words: pa.StringArray) -> Codes:
    if not len(texts.codes):
        return narrow(texts.codes, words)
    return narrow(pc.index_in(texts.words, words).to_numpy(), words)[texts.codes]
