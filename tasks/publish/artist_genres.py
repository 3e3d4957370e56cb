"""Which genres an artist's tracks are in, for the report to filter by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.publish.evidence import ARTISTS
from tasks.publish.parquet import read_table

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from schemas.reports import Design

MOST_GENRES = 5
_SLICE = 65_536  # artists


def genres_of(grouped: Path, design: Design, names: pa.ChunkedArray) -> list[list[int]]:
    """Return the genres of some artists: places in ``design.names("genre")``, the largest share first.

    Parameters
    ----------
    grouped : Path
        What group wrote: its artists by name, and the means of the D columns of Z over the tracks of each.
    design : Design
    names : pyarrow.ChunkedArray, length n
        Artists to look up.

    Returns
    -------
    list of list of int, length n
        At most `MOST_GENRES` each; empty lists where the model has no genres.
    """
    import pyarrow.compute as pc

    columns = [place for place, column in enumerate(design.columns) if column.kind == "genre"]
    if not columns:
        return [[] for _ in range(len(names))]
    everybody = read_table(grouped / ARTISTS, ["artist"])["artist"].combine_chunks()
    rows = pc.index_in(names.combine_chunks(), value_set=everybody).to_numpy(zero_copy_only=False)
    # Mapped, not read: 800,000 artists with slopes are more than fits in memory beside the rest of a run.
    means = np.load(grouped / "statistics" / "means.npy", mmap_mode="r", allow_pickle=False)
    first, last = columns[0], columns[-1] + 1  # genres stand together
    order = np.argsort(rows, kind="stable")
    found: list[list[int]] = [[] for _ in range(len(rows))]
    for start in range(0, len(order), _SLICE):
        places = order[start : start + _SLICE]
        shares = np.asarray(means[rows[places], first:last])
        best = np.argsort(-shares, axis=1, kind="stable")[:, :MOST_GENRES]
        there = np.take_along_axis(shares, best, axis=1) > 0
        for place, genres, kept in zip(places.tolist(), best.tolist(), there.tolist(), strict=True):
            found[place] = [genre for genre, keep in zip(genres, kept, strict=True) if keep]
    return found
