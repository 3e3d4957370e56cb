"""The tables of a publication: artists with their rank and change, coefficients, genres."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import PublicationConflict
from schemas.publication import artists_schema, coefficients_schema
from tasks.publish.evidence import ARTISTS
from tasks.publish.parquet import read_table
from tasks.published import published_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from tasks.publish.coefficients import Coefficient
    from tasks.stores import Store


@dataclasses.dataclass(frozen=True)
class Previous:
    """The publication before this one.

    Parameters
    ----------
    version : str
    artists : pyarrow.Table
        Its columns ``artist`` and ``mean``.
    """

    version: str
    artists: pa.Table


def previous_publication(store: Store, name: str, key: str) -> Previous | None:
    """Return what readers have that was made from something else than `key`, or None.

    That is the current version; where that was made from `key` too, the newest other one that was ever current. One
    whose table of artists cannot be trusted any more is passed over.
    """
    current = store.current(name)
    newest_first = [version for version in reversed(store.versions(name)) if version != current]
    for version in [*([current] if current else []), *newest_first]:
        try:
            manifest = store.manifest(name, version)
            if manifest.key == key or (version != current and manifest.held_back):
                continue
            folder = store.folder(name, version, [ARTISTS])
            table = read_table(published_file(folder, manifest, ARTISTS), ["artist", "mean"])
        except PublicationConflict:
            continue
        return Previous(version, table)
    return None


def published_artists(sampled: pa.Table, previous: Previous | None) -> pa.Table:
    """Add rank and change to the artists, and sort them by rank.

    Parameters
    ----------
    sampled : pyarrow.Table
        `artists_schema` but for ``rank`` and ``change``, in any order.
    previous : Previous, optional

    Returns
    -------
    pyarrow.Table
        `artists_schema`; rank 1 has the highest posterior mean, and equal means are ranked by name.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    table = sampled.sort_by([("mean", "descending"), ("artist", "ascending")])
    if previous is None:
        change = pa.nulls(table.num_rows, pa.float64())
    else:
        before = previous.artists.combine_chunks()
        at = pc.index_in(table["artist"], value_set=before["artist"])
        change = pc.subtract(table["mean"], before["mean"].take(at))
    table = table.append_column("rank", pa.array(np.arange(1, table.num_rows + 1, dtype=np.int32)))
    table = table.append_column("change", change)
    schema = artists_schema()
    return table.select(schema.names).cast(schema).combine_chunks()


def coefficient_table(rows: Sequence[Coefficient]) -> pa.Table:
    """Return rows of `coefficients_schema`."""
    import pyarrow as pa

    return pa.Table.from_pylist([dataclasses.asdict(row) for row in rows], schema=coefficients_schema())
