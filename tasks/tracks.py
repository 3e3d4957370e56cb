"""Canonical tracks as ingest leaves them, for whoever reads them.

A partition is never written again. What has changed since - rows that were folded into another, genres that grew -
stands beside it under the same name, and is carried out when it is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from tasks.changes import CHANGES, UNIONS, Changes, rows_that_stay

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TRACKS = "tracks"


def partitions_of(ingested: Path) -> list[Path]:
    """Return the partitions of what ingest wrote, in order."""
    return sorted((ingested / TRACKS).glob("*.parquet"))


def read_tracks(partition: Path, columns: Sequence[str]) -> pa.Table:
    """Return the tracks of a partition that count.

    Parameters
    ----------
    partition : Path
        One of `partitions_of`.
    columns : sequence of str
        Canonical columns.

    Returns
    -------
    pyarrow.Table
    """
    tracks = pq.read_table(partition, columns=list(columns))
    changes = read_changes(partition)
    return tracks if changes is None else changed(tracks, changes)


def count_tracks(ingested: Path) -> int:
    """Return how many tracks count."""
    counts = 0
    for partition in partitions_of(ingested):
        changes = changes_of(partition)
        of_it = rows_that_stay(changes).sum() if changes.is_file() else pq.read_metadata(partition).num_rows
        counts += int(of_it)
    return counts


def changes_of(partition: Path) -> Path:
    """Return where the changes of a partition are, if it has any."""
    return partition.parents[1] / CHANGES / f"{partition.stem}.arrow"


def read_changes(partition: Path) -> Changes | None:
    """Return the changes of a partition; None if it has none."""
    file = changes_of(partition)
    return Changes.read(file) if file.is_file() else None


def changed(tracks: pa.Table, changes: Changes) -> pa.Table:
    """Carry out changes.

    Parameters
    ----------
    tracks : pyarrow.Table, n rows
        A whole partition, with any of its columns.
    changes : Changes
        Of it.

    Returns
    -------
    pyarrow.Table
    """
    # Where a row stays for others, its lists are taken from behind those of the table.
    source = np.arange(tracks.num_rows)
    source[changes.position] = tracks.num_rows + np.arange(len(changes.position))
    for name in UNIONS:
        if name in tracks.column_names:
            field = tracks.schema.field(name)
            behind = changes.texts[name].plain().cast(field.type)
            lists = pa.chunked_array([*tracks[name].chunks, behind], field.type)
            tracks = tracks.set_column(tracks.schema.get_field_index(name), field, lists.take(pa.array(source)))
    return tracks.filter(pa.array(changes.stays))
