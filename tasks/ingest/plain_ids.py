"""Ids of some rows of a partition, read from where they lie.

Readers of Parquet go through a whole column. Ids stand there as plain text of one length, so it can be told where each
of them is; what is found there is believed if its mark is the one that was noted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.tracks import ID_LENGTH
from tasks.ingest.groups import marks_of_words, words_at

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pyarrow import parquet as pq

ROWS_A_PAGE = 20_000
# Before each text stands its length, the lowest of four bytes first: Parquet's encoding PLAIN.
_LENGTH = ID_LENGTH.to_bytes(4, "little")
_STEP = len(_LENGTH) + ID_LENGTH
_HEADER = 128  # bytes, which the header of a page has at most


def ids_at(
    part: Path, metadata: pq.FileMetaData, positions: NDArray[np.int64], marks: NDArray[np.uint64]
) -> NDArray[np.uint64] | None:
    """Return the ids of some rows.

    Parameters
    ----------
    part : Path
        A partition, as `writing.write_tracks` writes them.
    metadata : pyarrow.parquet.FileMetaData
        Its own.
    positions : ndarray of int64, shape (n,)
        Rows that have an id.
    marks : ndarray of uint64, shape (n,)
        Of these ids.

    Returns
    -------
    ndarray of uint64, shape (n, 3), or None
        The ids, as `groups.words_of` has them; None where they do not lie as expected: not all rows have one, say.
    """
    if metadata.num_row_groups != 1:
        return None
    row_group = metadata.row_group(0)
    column = next(
        column for at in range(row_group.num_columns) if (column := row_group.column(at)).path_in_schema == "track_id"
    )
    if column.compression != "UNCOMPRESSED" or column.has_dictionary_page:
        return None
    with part.open("rb") as file:
        file.seek(column.data_page_offset)
        data = file.read(column.total_compressed_size)
    pages = _pages(data, metadata.num_rows)
    if pages is None:
        return None
    page, row = np.divmod(positions, ROWS_A_PAGE)
    # Any place may be the first byte of one.
    texts = np.ndarray(len(data) - _STEP + 1, np.dtype((np.void, _STEP)), data, 0, (1,))[pages[page] + row * _STEP]
    words = words_at(texts.view(np.uint8), len(texts), len(_LENGTH), _STEP)
    return words if np.array_equal(marks_of_words(words), marks) else None


def _pages(data: bytes, rows: int) -> NDArray[np.int64] | None:
    """Return where in a column the first text of each page begins."""
    begins, end = [], 0
    for first in range(0, rows, ROWS_A_PAGE):
        begin = data.find(_LENGTH, end, end + _HEADER)
        if begin < 0:
            return None
        begins.append(begin)
        end = begin + _STEP * min(ROWS_A_PAGE, rows - first)
    return np.array(begins) if end == len(data) else None
