"""Lists of texts out of cells that join several, all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
    split = pc.split_pattern(cells, separator)
    texts = pc.utf8_trim_whitespace(pc.list_flatten(split))
    counts = pc.list_value_length(split).fill_null(0).to_numpy(zero_copy_only=False)
    going = ~pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    going[_again(texts, counts)] = True
    if going.any():
        cell = np.repeat(np.arange(len(cells)), counts)
        counts = np.bincount(cell[~going], minlength=len(cells)).astype(np.int32)
        texts = texts.filter(pa.array(~going))
    return _lists(texts, counts)


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
