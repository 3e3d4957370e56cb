"""Rows that share an id, found by sorting numbers instead of text.

A track id is 22 letters and digits: three words of eight bytes. Rows are sorted by one number mixed from these, and
where the numbers of two are equal their words are compared, so that nothing depends on how well they are mixed.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.tracks import ID_LENGTH
from tasks.changes import UNIONS, Texts, narrow
from tasks.ingest.buffers import bytes_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    Numbers = NDArray[np.uint64]
    Positions = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_BEGINS = (0, 8, ID_LENGTH - 8)
_SPARE_BITS = 5
_THREADS = 2
_STRETCH = 1 << 15  # rows, whose ids stay in the cache


@dataclass(frozen=True)
class Alike:
    """Rows whose ids may be those of others.

    Parameters
    ----------
    places : list of ndarray of int64
        Where they are in each part, ascending.
    order : ndarray of int64, shape (n,)
        Of all of them, numbered through the parts. Those that may share an id are neighbours, earlier ones first.
    begins : ndarray of bool, shape (n,)
        Whether such a run of neighbours begins there.
    """

    places: list[Positions]
    order: Positions
    begins: Flags


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
    texts : dict of str to Texts
        By column, those of each group, in order.
    """

    group: Positions
    several: Flags
    stays: Flags
    conflict: Flags
    known: Flags
    texts: dict[str, Texts]


def words_of(ids: pa.StringArray) -> tuple[Numbers, Positions]:
    """Return ids as numbers, and where they are; those that are null are left out.

    Parameters
    ----------
    ids : pyarrow.StringArray, n
        Of tracks: each null or 22 letters and digits.

    Returns
    -------
    words : ndarray of uint64, shape (m, 3)
        The bytes of those that are there: the first and the next 8 of each, and the last 8.
    positions : ndarray of int64, shape (m,)
    """
    positions = np.arange(len(ids))
    if ids.null_count:
        positions = np.flatnonzero(pc.is_valid(ids).to_numpy(zero_copy_only=False))
        ids = pc.drop_null(ids)
    data = bytes_of(ids)
    if len(data) != ID_LENGTH * len(ids):
        message = f"not all ids have {ID_LENGTH} bytes"
        raise ValueError(message)
    return words_at(data, len(ids), 0, ID_LENGTH), positions


def words_at(data: NDArray[np.uint8], count: int, begin: int, step: int) -> Numbers:
    """Return ids as `words_of` does: so many of them, the first of which is at `begin`, and each next by `step` on."""
    words = np.empty((count, len(_BEGINS)), dtype=np.uint64)
    for word, within in enumerate(_BEGINS if count else ()):
        words[:, word] = np.ndarray(count, "<u8", data, begin + within, (step,))
    return words


def marks_of(ids: pa.StringArray) -> Numbers:
    """Return one number for each id, in place; equal ids have equal ones, and 0 is none.

    Parameters
    ----------
    ids : pyarrow.StringArray, n
        As for `words_of`.
    """
    words, positions = words_of(ids)
    marks = np.zeros(len(ids), dtype=np.uint64)
    marks[positions] = marks_of_words(words)
    return marks


def marks_of_words(words: Numbers) -> Numbers:
    """Return the marks of ids, given as `words_of` returns them."""
    mixed = words[:, 0].copy()
    for word in words.T[1:]:  # as in MurmurHash3's finaliser
        mixed ^= mixed >> np.uint64(33)
        mixed *= np.uint64(0xFF51AFD7ED558CCD)
        mixed ^= word
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    return np.maximum(mixed, np.uint64(1))


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
        self._begin[self._place(marks)] = True

    def find(self, marks: Numbers) -> Positions:
        """Return where those are that are among the few."""
        places = np.flatnonzero(self._begin.take(self._place(marks)))
        found = marks[places]
        near = np.minimum(np.searchsorted(self._marks, found), len(self._marks) - 1)
        among: Positions = places[self._marks[near] == found]
        return among

    def _place(self, marks: Numbers) -> Positions:
        return (marks >> self._shift).view(np.int64)  # they are small now: no need for another copy


def repeated(parts: Sequence[Numbers]) -> Alike:
    """Return the rows whose ids others may be equal to.

    Parameters
    ----------
    parts : sequence of ndarray of uint64
        The marks of their ids.
    """
    ends = np.cumsum([0, *map(len, parts)])
    # As many bits of a mark as leave room for where it is: sorted by itself, one number goes many times as fast.
    bits = max(int(ends[-1]).bit_length(), 1)
    with ThreadPoolExecutor(_THREADS) as threads:
        halves = zip(*threads.map(lambda part, start: _packed(part, start, bits), parts, ends.tolist()), strict=True)
        runs = list(threads.map(lambda half: _runs(np.concatenate(half), bits), halves))
    chosen, begins = (np.concatenate(found) for found in zip(*runs, strict=True))
    again = np.zeros(ends[-1], dtype=bool)
    again[chosen] = True
    order = np.cumsum(again, dtype=np.int32)[chosen]
    places = [np.flatnonzero(again[start:end]) for start, end in itertools.pairwise(ends)]
    return Alike(places, order.astype(np.int64) - 1, begins)


def _packed(marks: Numbers, start: int, bits: int) -> tuple[Numbers, Numbers]:
    """Return the first bits of marks with their places behind them; those that begin with 0, and with 1."""
    places = np.arange(start, start + len(marks), dtype=np.uint64)
    packed = places | (marks & ~_ones(bits))
    upper = packed.view(np.int64) < 0
    return packed[~upper], packed[upper]


def _runs(packed: Numbers, bits: int) -> tuple[Positions, Flags]:
    """Return the places of marks that come more than once, in order of both, and where another mark begins."""
    packed.sort()
    same = np.zeros(len(packed) + 1, dtype=bool)  # as the one before
    same[1:-1] = (packed[1:] ^ packed[:-1]) <= _ones(bits)
    several = same[1:] | same[:-1]
    return (packed[several] & _ones(bits)).astype(np.int64), ~same[:-1][several]


def _ones(bits: int) -> np.uint64:
    return np.uint64((1 << bits) - 1)


def joined(ids: Sequence[Numbers], tables: Sequence[pa.Table], alike: Alike) -> Rows:
    """Return what becomes of rows.

    Parameters
    ----------
    ids : sequence of ndarray of uint64, shape (n, 3)
        The words of the ids of each part, in the order of source and row.
    tables : sequence of pyarrow.Table
        Of each part: popularity, known, and genres and subgenres as lists of codes.
    alike : Alike
        Which rows these are.
    """
    with ThreadPoolExecutor(_THREADS) as threads:
        order, begins = _grouped(np.concatenate(ids), alike, threads)
        starts = np.flatnonzero(begins)
        sizes = np.diff(np.append(starts, len(order)))
        number = np.repeat(np.arange(len(starts)), sizes)
        group = np.empty(len(order), dtype=np.int64)
        group[order] = number
        table = pa.concat_tables(tables)
        texts = threads.map(lambda name: _texts(table[name], group, len(starts)), UNIONS)
        popularity, known = table["popularity"].to_numpy()[order], table["known"].to_numpy()
        most = np.maximum.reduceat(popularity, starts)
        # Rows come by source, and in their order; the first of the most popular ones of a group stays.
        top = np.flatnonzero(popularity == most[number])
        first = top[np.append(True, np.diff(number[top]) > 0)]
        before, stays = np.zeros(len(starts), dtype=bool), np.zeros(len(order), dtype=bool)
        before[group[known]], stays[order[first]] = True, True
        conflict = before | (most != np.minimum.reduceat(popularity, starts))
        several, conflict, known = (sizes > 1)[group], conflict[group], before[group]
        return Rows(group, several, stays, conflict, known, dict(zip(UNIONS, texts, strict=True)))


def _grouped(words: Numbers, alike: Alike, threads: Executor) -> tuple[Positions, Flags]:
    """Return an order in which equal ids are neighbours, and where each group of them starts in it."""
    begins = _differ(words, alike.order, threads)
    strangers = begins & ~alike.begins
    if not strangers.any():
        return alike.order, begins
    # Runs in which ids only look alike: few.
    run = np.cumsum(alike.begins)
    order, at = alike.order.copy(), np.flatnonzero(np.isin(run, run[strangers]))
    rows = order[at]
    order[at] = rows[np.lexsort((rows, *words[rows].T, run[at]))]
    return order, _differ(words, order, threads)


def _differ(words: Numbers, order: Positions, threads: Executor) -> Flags:
    """Say of which rows the id is another one than that of the row before."""
    new = np.ones(len(order), dtype=bool)

    def compare(start: int) -> None:
        there = np.take(words, order[start - 1 : start + _STRETCH], axis=0)
        other = there[1:] != there[:-1]
        new[start : start + _STRETCH] = other[:, 0] | other[:, 1] | other[:, 2]

    list(threads.map(compare, range(1, len(order), _STRETCH)))
    return new


def _texts(column: pa.ChunkedArray, group: Positions, groups: int) -> Texts:
    column = column.unify_dictionaries().combine_chunks()
    found = pc.list_flatten(column)
    parents = pc.list_parent_indices(column).to_numpy()
    values = found.dictionary
    sort = pc.sort_indices(values).to_numpy()
    rank = np.empty(len(sort), dtype=np.int64)
    rank[sort] = np.arange(len(sort))
    size = max(len(values), 1)
    pairs = np.sort(group[parents] * size + rank[found.indices.to_numpy()])  # much faster here than np.unique
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    parent = pairs // size
    values = values.take(pa.array(sort))
    ends = np.append(0, np.cumsum(np.bincount(parent, minlength=groups)))
    return Texts(ends.astype(np.int32), narrow(pairs - parent * size, values), values)
