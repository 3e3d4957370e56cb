"""Lists of texts out of cells that join several, all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.ingest.blanks import any_begins, any_ends
from tasks.ingest.buffers import cells_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int32]
    Positions = NDArray[np.int64]

_PAIR = 2


def split_cells(cells: pa.Array, separator: str | None) -> pa.Array:
    """Return cells as lists of distinct, trimmed, non-empty texts, in the order in which they stand there.

    Parameters
    ----------
    cells : pyarrow.StringArray, n
        Trimmed; null where there is nothing.
    separator : str, optional
        What stands between two texts. None where a cell is one text.

    Returns
    -------
    pyarrow.ListArray, n
        Null where no text is left.
    """
    if separator is None:
        return _lists(pc.drop_null(cells), pc.is_valid(cells).to_numpy(zero_copy_only=False).astype(np.int32))
    cut = _cut(cells, separator)
    texts, counts = cut or _split(cells, separator)
    again = _again(texts, counts)
    if len(again):
        going = np.zeros(len(texts), dtype=bool)
        going[again] = True
        texts, counts = _without(texts, counts, going)
    return _lists(texts, counts)


def _cut(cells: pa.Array, separator: str) -> tuple[pa.Array, Counts] | None:
    """Return the texts of all cells, and how many each has, by cutting separators out of the bytes.

    None where that cannot be done so: a text is empty or to be trimmed, or a null cell has bytes.
    """
    data, ends = cells_of(cells)
    if not separator.isascii() or len(separator) != 1:
        return None
    there = np.flatnonzero(data == ord(separator))
    cell = np.searchsorted(ends, there, side="right") - 1
    counts = np.bincount(cell, minlength=len(cells))
    before = np.concatenate([[0], np.cumsum(counts)])
    # A text ends where a cell does, and before each separator.
    offsets = np.empty(len(ends) + len(there), dtype=np.int32)
    offsets[np.arange(len(ends)) + before] = ends - before
    offsets[np.arange(len(there)) + cell + 1] = there - np.arange(len(there))
    counts += 1
    if cells.null_count:
        null = np.flatnonzero(pc.is_null(cells).to_numpy(zero_copy_only=False))
        if (offsets[null + before[null] + 1] > offsets[null + before[null]]).any() or (counts[null] > 1).any():
            return None
        offsets = np.delete(offsets, null + before[null])
        counts[null] = 0
    if not (offsets[1:] > offsets[:-1]).all() or any_begins(data, there + 1) or any_ends(data, there):
        return None
    cut = bytes(data).replace(separator.encode(), b"")
    texts = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(cut))
    return texts, counts.astype(np.int32)


def _split(cells: pa.Array, separator: str) -> tuple[pa.Array, Counts]:
    """Return the texts of all cells, trimmed and not empty, and how many each has."""
    split = pc.split_pattern(cells, separator)
    texts = pc.utf8_trim_whitespace(pc.list_flatten(split))
    counts = pc.list_value_length(split).fill_null(0).to_numpy(zero_copy_only=False)
    going = ~pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    return _without(texts, counts, going) if going.any() else (texts, counts)


def _without(texts: pa.Array, counts: Counts, going: NDArray[np.bool_]) -> tuple[pa.Array, Counts]:
    """Leave some texts out."""
    cell = np.repeat(np.arange(len(counts)), counts)
    counts = np.bincount(cell[~going], minlength=len(counts)).astype(np.int32)
    return texts.filter(pa.array(~going)), counts


def _again(texts: pa.Array, counts: Counts) -> Positions:
    """Return the positions of texts that stood in their cell before."""
    firsts = np.cumsum(counts, dtype=np.int64) - counts
    # Most cells with several texts have two, which are soon compared: equal ones are equally long.
    lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    pairs = firsts[counts == _PAIR]
    pairs = pairs[lengths[pairs] == lengths[pairs + 1]]
    same = pc.equal(texts.take(pa.array(pairs)), texts.take(pa.array(pairs + 1))).to_numpy(zero_copy_only=False)
    more = np.flatnonzero(counts > _PAIR)
    sizes = counts[more].astype(np.int64)
    within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    several = np.repeat(firsts[more], sizes) + within
    encoded = texts.take(pa.array(several)).dictionary_encode()
    numbered = np.repeat(more, sizes) * (len(encoded.dictionary) + 1) + encoded.indices.to_numpy()
    again = np.ones(len(several), dtype=bool)
    again[np.unique(numbered, return_index=True)[1]] = False
    return np.concatenate([pairs[same] + 1, several[again]])


def _lists(texts: pa.Array, counts: Counts) -> pa.Array:
    """Cut texts into lists of so many each; null for none."""
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), texts, mask=pa.array(counts == 0))
