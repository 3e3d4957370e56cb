"""Folding rows with the same track id, across partitions and sources, out of core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import parquet as pq

from schemas.tracks import arrow_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_MEMORY = "1GB"
_THREADS = 4  # each wants its share of that
_UNIONS = ("genres", "subgenres")

# Two passes: the ids that come more than once are found first, so that lists are gathered for those alone.
_FOLD = """
create temp table repeated as
    select track_id from tracks where track_id is not null group by track_id having count(*) > 1;
create temp table ranked as
    select source, "row", track_id, popularity, genres, subgenres,
        row_number() over (partition by track_id order by popularity desc, source, "row") as place
    from tracks semi join repeated using (track_id);
create temp table folded as
    select min_by(source, place) as source, min_by("row", place) as "row",
        list_sort(list_distinct(flatten(list(genres) filter (genres is not null)))) as genres,
        list_sort(list_distinct(flatten(list(subgenres) filter (subgenres is not null)))) as subgenres,
        min(popularity) <> max(popularity) as conflict
    from ranked group by track_id;
"""
_COUNTS = """
select
    (select count(*) from ranked where place > 1),
    (select count(*) from folded where conflict)
"""
_GONE = 'select "row" from ranked where place > 1 and source = ? and "row" between ? and ? order by "row"'
_STAYS = 'select "row", genres, subgenres from folded where source = ? and "row" between ? and ? order by "row"'


@dataclass(frozen=True)
class Fold:
    """What folding found.

    Parameters
    ----------
    repeats : int
        Rows that were folded into another one.
    conflicts : int
        Ids whose popularity differs between repeats.
    """

    repeats: int
    conflicts: int


def fold(parts: Sequence[Path], scratch: Path, write: Callable[[pa.Table], None]) -> Fold:
    """Fold rows with the same track id: of each, the first one with the highest popularity stays.

    Its genres and subgenres become those of all of them, sorted.

    Parameters
    ----------
    parts : sequence of Path
        Canonical Parquet in the order of (source, row); each part has rows of one source, and at least one.
    scratch : Path
        A folder for what does not fit in memory.
    write : callable
        Given what stays of each part, in order.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "threads": _THREADS,
        "temp_directory": str(scratch),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(":memory:", config=settings) as connection:
        # Arrow reads the files: DuckDB would take brackets in their path for a pattern.
        connection.register("tracks", ds.dataset([str(part) for part in parts], schema=arrow_schema()))
        connection.execute(_FOLD)
        repeats, conflicts = connection.execute(_COUNTS).fetchall()[0]
        for part in parts:
            table = pq.read_table(part)
            write(_folded(table, connection) if repeats else table)
    return Fold(repeats, conflicts)


def _folded(table: pa.Table, connection: duckdb.DuckDBPyConnection) -> pa.Table:
    rows = table["row"].to_numpy()
    here = [table["source"][0].as_py(), int(rows[0]), int(rows[-1])]
    gone = connection.sql(_GONE, params=here).to_arrow_table()["row"].to_numpy()
    stays = connection.sql(_STAYS, params=here).to_arrow_table()
    # Where a row stays for several, its lists are taken from behind those of the table.
    source = np.arange(len(rows))
    source[np.searchsorted(rows, stays["row"].to_numpy())] = len(rows) + np.arange(stays.num_rows)
    for name in _UNIONS:
        field = table.schema.field(name)
        lists = pa.chunked_array([*table[name].chunks, *stays[name].cast(field.type).chunks], field.type)
        table = table.set_column(table.schema.get_field_index(name), field, lists.take(pa.array(source)))
    return table.filter(pa.array(~np.isin(rows, gone, assume_unique=True)))
