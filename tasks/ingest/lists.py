"""Lists of texts out of cells that join several, all at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


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
    cell = pc.list_parent_indices(split).to_numpy()
    kept = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    counts = np.bincount(cell, minlength=len(cells))
    several = np.flatnonzero(counts[cell] > 1)
    encoded = texts.take(pa.array(several)).dictionary_encode()
    pairs = cell[several].astype(np.int64) * (len(encoded.dictionary) + 1) + encoded.indices.to_numpy()
    again = np.ones(len(several), dtype=bool)
    again[np.unique(pairs, return_index=True)[1]] = False
    kept[several[again]] = False
    texts = texts.filter(pa.array(kept))
    return _lists(texts, np.bincount(cell[kept], minlength=len(cells)).astype(np.int32))


def _lists(texts: pa.Array, counts: np.ndarray[tuple[int], np.dtype[np.int32]]) -> pa.Array:
    """Cut texts into lists of so many each; null for none."""
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), texts, mask=pa.array(counts == 0))
