"""Canonical tracks as ingest leaves them, for whoever reads them.

A partition is never written again. What has changed since - rows that were folded into another, genres that grew -
stands beside it under the same name, and is carried out when it is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

TRACKS = "tracks"
CHANGES = "changes"
UNIONS = ("genres", "subgenres")
OF_CHANGES = ("position", "stays", "conflict", *UNIONS)


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
    import pyarrow.parquet as pq

    tracks = pq.read_table(partition, columns=list(columns))
    changes = read_changes(partition)
    return tracks if changes is None else changed(tracks, changes)


def count_tracks(ingested: Path) -> int:
    """Return how many tracks count."""
    import pyarrow.parquet as pq

    partitions = partitions_of(ingested)
    changes = [read_changes(part, ["stays"]) for part in partitions]
    gone = sum(int((~one["stays"].to_numpy()).sum()) for one in changes if one is not None)
    rows: int = sum(pq.read_metadata(part).num_rows for part in partitions)
    return rows - gone


def changes_of(partition: Path) -> Path:
    """Return where the changes of a partition are, if it has any."""
    return partition.parents[1] / CHANGES / f"{partition.stem}.arrow"


def read_changes(partition: Path, columns: Sequence[str] | None = None) -> pa.Table | None:
    """Return the changes of a partition, or some columns of them; None if it has none."""
    import pyarrow as pa

    file = changes_of(partition)
    if not file.is_file():
        return None
    chosen = [OF_CHANGES.index(name) for name in columns or OF_CHANGES]
    options = pa.ipc.IpcReadOptions(included_fields=chosen, use_threads=False)
    with pa.OSFile(str(file)) as source:
        return pa.ipc.open_file(source, options=options).read_all()


def changed(tracks: pa.Table, changes: pa.Table) -> pa.Table:
    """Carry out changes.

    Parameters
    ----------
    tracks : pyarrow.Table, n rows
        A whole partition, with any of its columns.
    changes : pyarrow.Table
        ``position`` in the partition, ascending; ``stays``, whether the row does; and its ``genres`` and
        ``subgenres`` if so.

    Returns
    -------
    pyarrow.Table
    """
    import pyarrow as pa

    position, stays = changes["position"].to_numpy(), changes["stays"].to_numpy()
    # Where a row stays for several, its lists are taken from behind those of the table.
    source = np.arange(tracks.num_rows)
    source[position[stays]] = tracks.num_rows + np.flatnonzero(stays)
    for name in UNIONS:
        if name in tracks.column_names:
            field = tracks.schema.field(name)
            lists = pa.chunked_array([*tracks[name].chunks, *changes[name].cast(field.type).chunks], field.type)
            tracks = tracks.set_column(tracks.schema.get_field_index(name), field, lists.take(pa.array(source)))
    kept = np.ones(tracks.num_rows, dtype=bool)
    kept[position[~stays]] = False
    return tracks.filter(pa.array(kept))
