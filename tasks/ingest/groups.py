"""Rows that share an id, found by sorting numbers instead of text.

A track id is 22 letters and digits: three words of eight bytes. Rows are sorted by one number mixed from these, and
where the numbers of two are equal their words are compared, so that nothing depends on how well they are mixed.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.tracks import UNIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.uint64]
    Positions = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_WORDS = 3
_BYTES = 8 * _WORDS
_SPARE_BITS = 5


@dataclass(frozen=True)
class Words:
    """Ids as numbers.

    Parameters
    ----------
    words : ndarray of uint64, shape (n, 3)
        Their bytes.
    mixed : ndarray of uint64, shape (n,)
        One number of each; equal ids have equal ones.
    """

    words: Numbers
    mixed: Numbers

    def take(self, places: Positions) -> Words:
        """Return the ids at some places."""
        return Words(self.words[places], self.mixed[places])


@dataclass(frozen=True)
class Rows:
    """Rows with ids that may come more than once, in the order of their parts and positions.

    Parameters
    ----------
    group : ndarray of int64, shape (n,)
        Rows with one id have one number.
    several, stays, conflict, known : ndarray of bool, shape (n,)
        Whether the group of a row has others; whether it is the one of its group that stays; whether the popularity of
        the group differs, or did in what was folded before; and whether the latter is so.
    lists : dict of str to (ndarray of int64, ndarray of int64, pyarrow.Array)
        By column: where the texts of each group begin, and where the last ones end; which they are, in order; and all
        texts.
    """

    group: Positions
    several: Flags
    stays: Flags
    conflict: Flags
    known: Flags
    lists: dict[str, tuple[Positions, Positions, pa.Array]]


def words_of(ids: pa.Array) -> tuple[Words, Positions]:
    """Return ids as numbers, and where they are; those that are null are left out.

    Parameters
    ----------
    ids : pyarrow.StringArray, n
        Each null or no longer than 24 bytes.
    """
    positions = np.flatnonzero(pc.is_valid(ids).to_numpy(zero_copy_only=False)).astype(np.int64)
    there = pc.drop_null(ids)
    padded = pc.utf8_rpad(there, _BYTES, "\0").cast(pa.binary())
    data = b"" if not len(there) else padded.buffers()[2]
    start = padded.offset * _BYTES
    words = np.frombuffer(data, dtype=np.uint64, count=len(there) * _WORDS, offset=start).reshape(-1, _WORDS)
    mixed = words[:, 0].copy()
    for word in range(1, _WORDS):  # as in MurmurHash3's finaliser
        mixed ^= mixed >> np.uint64(33)
        mixed *= np.uint64(0xFF51AFD7ED558CCD)
        mixed ^= words[:, word]
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    return Words(words, mixed ^ (mixed >> np.uint64(33))), positions


def marks_of(ids: pa.Array) -> Numbers:
    """Return one number for each id, in place; equal ids have equal ones, and 0 is none.

    Parameters
    ----------
    ids : pyarrow.StringArray, n
        As for `words_of`.
    """
    words, positions = words_of(ids)
    marks = np.zeros(len(ids), dtype=np.uint64)
    marks[positions] = np.maximum(words.mixed, 1)
    return marks


class Wanted:
    """Some few marks, looked for among many.

    Parameters
    ----------
    marks : ndarray of uint64
        None of them 0.
    """

    def __init__(self, marks: Numbers) -> None:
        self._marks = np.sort(marks)
        # By its first bits, most of the many are soon known to be none of the few.
        bits = len(marks).bit_length() + _SPARE_BITS
        self._shift = np.uint64(64 - bits)
        self._begin = np.zeros(1 << bits, dtype=bool)
        self._begin[(marks >> self._shift).astype(np.intp)] = True

    def find(self, marks: Numbers) -> Positions:
        """Return where those are that are among the few."""
        places = np.flatnonzero(self._begin[(marks >> self._shift).astype(np.intp)])
        found = marks[places]
        near = np.minimum(np.searchsorted(self._marks, found), len(self._marks) - 1)
        among: Positions = places[self._marks[near] == found]
        return among


def repeated(parts: Sequence[Numbers]) -> list[Positions]:
    """Return where the ids are, in each part, that others may be equal to.

    Parameters
    ----------
    parts : sequence of ndarray of uint64
        Ids as mixed numbers.
    """
    ends = np.cumsum([0, *map(len, parts)])
    # As many bits of an id as leave room for where it is: sorted by itself, one number goes many times as fast.
    bits = np.uint64(max(int(ends[-1]).bit_length(), 1))
    packed = np.concatenate(parts)
    packed >>= bits
    packed <<= bits
    packed |= np.arange(len(packed), dtype=np.uint64)
    packed.sort()
    same = (packed[1:] ^ packed[:-1]) >> bits == 0
    again = np.zeros(len(packed), dtype=bool)
    packed &= (np.uint64(1) << bits) - np.uint64(1)
    again[packed[1:][same]] = True
    again[packed[:-1][same]] = True
    return [np.flatnonzero(again[start:end]) for start, end in itertools.pairwise(ends)]


def joined(ids: Sequence[Words], tables: Sequence[pa.Table]) -> Rows:
    """Return what becomes of rows.

    Parameters
    ----------
    ids : sequence of Words
        Of each part, in the order of source and row.
    tables : sequence of pyarrow.Table
        Of each part: popularity, genres, subgenres and known.
    """
    words = np.concatenate([one.words for one in ids])
    order, starts = _grouped(words, np.concatenate([one.mixed for one in ids]))
    sizes = np.diff(np.append(starts, len(order)))
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.repeat(np.arange(len(starts)), sizes)
    table = pa.concat_tables(tables)
    popularity, known = table["popularity"].to_numpy(), table["known"].to_numpy()
    most = np.maximum.reduceat(popularity[order], starts)
    least = np.minimum.reduceat(popularity[order], starts)
    # Rows come by source, and in their order; the first of the most popular ones of a group stays.
    place = np.arange(len(order))
    candidates = np.where(popularity == most[group], place, len(order))
    stays = place == np.minimum.reduceat(candidates[order], starts)[group]
    before = np.bincount(group, weights=known) > 0
    conflict = before | (most != least)
    lists = {name: _lists(table[name].combine_chunks(), group, len(starts)) for name in UNIONS}
    return Rows(group, (sizes > 1)[group], stays, conflict[group], before[group], lists)


def united(rows: Rows, name: str, places: Positions) -> pa.Array:
    """Return all texts of the groups of some rows, sorted, as lists; null for a row that goes, or has none."""
    begins, texts, values = rows.lists[name]
    group = rows.group[places]
    first = begins[group]
    counts = np.where(rows.stays[places], begins[group + 1] - first, 0)
    ends = np.cumsum(counts)
    # The texts of a group lie one after the other.
    taken = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - counts), counts)
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values.take(pa.array(texts[taken])), mask=pa.array(counts == 0))


def _grouped(words: Numbers, mixed: Numbers) -> tuple[Positions, Positions]:
    """Return an order in which equal ids are neighbours, and where each group of them starts in it."""
    order = np.argsort(mixed)
    if not _same(words[order], mixed[order]):
        order = np.lexsort(words.T)  # two ids mixed alike: rare, and slow
        new = (words[order][1:] != words[order][:-1]).any(axis=1)
    else:
        new = mixed[order][1:] != mixed[order][:-1]
    return order, np.append(0, np.flatnonzero(new) + 1)


def _same(words: Numbers, mixed: Numbers) -> bool:
    """Say whether neighbours that are mixed alike are alike."""
    alike = mixed[1:] == mixed[:-1]
    return bool((words[1:][alike] == words[:-1][alike]).all())


def _lists(column: pa.ListArray, group: Positions, groups: int) -> tuple[Positions, Positions, pa.Array]:
    texts = pc.list_flatten(column).dictionary_encode()
    parents = pc.list_parent_indices(column).to_numpy()
    values = texts.dictionary
    sort = pc.sort_indices(values).to_numpy()
    rank = np.empty(len(sort), dtype=np.int64)
    rank[sort] = np.arange(len(sort))
    size = max(len(values), 1)
    pairs = np.sort(group[parents] * size + rank[texts.indices.to_numpy()])  # much faster here than np.unique
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    begins = np.searchsorted(pairs, np.arange(groups + 1) * size)
    return begins, pairs % size, values.take(pa.array(sort))
