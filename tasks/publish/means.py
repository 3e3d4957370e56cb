"""What was seen of each artist, for predictions: a row an artist, written a few thousand at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.publication import means_schema
from tasks.publish.evidence import ARTISTS
from tasks.publish.parquet import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.reports import Design

    Floats = NDArray[np.float64]

# Numbers in a row group: few enough that one artist is found without reading much, and that memory stays small.
_CELLS = 1_000_000
_MOST_ROWS = 32_768
# Taking a mean away and adding it again leaves 1e-14 where 0 should be.
_DIGITS, _DIGITS_OF_POPULARITY = 12, 9
_ARRAYS = ("counts", "means")


def write_means(grouped: Path, design: Design, path: Path) -> None:
    """Write ``artist_means.parquet``, in the order that `group` left the artists in: by name.

    Parameters
    ----------
    grouped : Path
        What group wrote: J artists, and their means of the D columns of Z and of y.
    design : Design
    path : Path
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    statistics = grouped / "statistics"
    # Mapped, not read: 800,000 artists with slopes are more than fits in memory beside the rest of a run.
    counts, means = (np.load(statistics / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS)
    size = min(_MOST_ROWS, max(1, _CELLS // means.shape[1]))
    chunks = [slice(start, start + size) for start in range(0, len(counts), size)]
    total = np.zeros(means.shape[1])
    for chunk in chunks:  # numpy's own sum: BLAS would add in an order that depends on its threads
        total += (means[chunk] * counts[chunk, None]).sum(axis=0)
    shift, scale = (np.array([getattr(column, name) for column in design.columns]) for name in ("centre", "scale"))
    average = total[:-1] / design.observations * scale + shift
    names = read_table(grouped / ARTISTS, ["artist"])["artist"]
    schema = means_schema(design.columns, average.tolist())
    feature = np.array([column.kind == "feature" for column in design.columns])
    # Shares repeat and pack well as a dictionary; means of features hardly ever do.
    repeated = ["tracks", *(name for name, own in zip(schema.names[3:], feature[1:], strict=True) if not own)]
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=repeated) as writer:
        for chunk in chunks:
            rows = np.array(means[chunk])
            raw_mean = np.round(rows[:, -1] + design.popularity_mean, _DIGITS_OF_POPULARITY)
            rows[:, :-1][:, feature] = np.round(rows[:, :-1][:, feature] * scale[feature] + shift[feature], _DIGITS)
            columns = [names[chunk], *(pa.array(each) for each in (counts[chunk], raw_mean, *rows[:, 1:-1].T))]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=size)
