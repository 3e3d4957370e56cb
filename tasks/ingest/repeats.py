"""Folding rows with the same track id, across partitions and sources, out of core."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow import parquet as pq

from schemas.tracks import arrow_schema
from tasks.tracks import UNIONS, changed, changes_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MEMORY = "600MB"
_THREADS = 2  # each wants its share of that
_READERS = 2
_COLUMNS = ("source", "row", "track_id", "popularity", *UNIONS)

# Two passes: the ids that come more than once are found first, so that lists are gathered for those alone.
# A row of an earlier fold stands for all that were folded into it then, and knows whether those were in conflict.
_FOLD = """
create temp table repeated as
    select track_id from tracks where track_id is not null group by track_id having count(*) > 1;
create temp table ranked as
    select source, "row", track_id, popularity, genres, subgenres, conflict,
        row_number() over (partition by track_id order by popularity desc, source, "row") as place
    from tracks semi join repeated using (track_id);
create temp table folded as
    select track_id,
        list_sort(list_distinct(flatten(list(genres) filter (genres is not null)))) as genres,
        list_sort(list_distinct(flatten(list(subgenres) filter (subgenres is not null)))) as subgenres,
        min(popularity) <> max(popularity) or bool_or(conflict) as conflict,
        bool_or(conflict) as known
    from ranked group by track_id;
"""
_COUNTS = """
select
    (select count(*) from ranked where place > 1),
    (select count(*) from folded where conflict and not known)
"""
_CHANGES = """
select "row", place = 1 as stays, place = 1 and folded.conflict as conflict,
    case when place = 1 then folded.genres end as genres,
    case when place = 1 then folded.subgenres end as subgenres
from ranked join folded using (track_id)
where source = ? and "row" between ? and ? order by "row"
"""


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


def fold(fresh: Sequence[Path], scratch: Path, folded: Sequence[Path] = ()) -> Fold:
    """Fold rows with the same track id: of each, the most popular stays, and of such the first by source and row.

    Its genres and subgenres become those of all of them, sorted. The result is the same whether partitions are folded
    at once or one after the other.

    Parameters
    ----------
    fresh : sequence of Path
        Partitions that have not been folded; each has rows of one source, and at least one.
    scratch : Path
        A folder for what does not fit in memory.
    folded : sequence of Path
        Partitions that have been, with their changes beside them.

    Returns
    -------
    Fold
        What is new. The changes of all partitions are written beside them; see `tasks.tracks`.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "threads": _THREADS,
        "temp_directory": str(scratch),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if not fresh:
        return Fold(0, 0)
    with duckdb.connect(":memory:", config=settings) as connection:
        # Arrow reads the files: DuckDB would take brackets in their path for a pattern.
        connection.register("fresh", ds.dataset([str(part) for part in fresh], schema=arrow_schema()))
        again = _met_again(folded, _ids(fresh)) if folded else []
        met = [table for table, _ in again if table.num_rows]
        connection.register("earlier", pa.concat_tables(met) if met else _empty())
        columns = ", ".join(f'"{name}"' for name in _COLUMNS)
        connection.execute(
            f"create temp view tracks as select {columns}, false as conflict from fresh "  # noqa: S608 - our own names
            f"union all by name select {columns}, conflict from earlier"
        )
        connection.execute(_FOLD)
        repeats, conflicts = connection.execute(_COUNTS).fetchall()[0]
        if repeats:
            touched = [part for part, (table, _) in zip(folded, again, strict=True) if table.num_rows]
            for part in (*fresh, *touched):
                _write_changes(part, connection)
    return Fold(repeats, conflicts)


def _ids(parts: Sequence[Path]) -> pa.Array:
    """Return all ids of partitions, each once."""
    columns = [pq.read_table(part, columns=["track_id"])["track_id"] for part in parts]
    return pc.drop_null(pa.chunked_array([chunk for column in columns for chunk in column.chunks]).unique())


def _met_again(parts: Sequence[Path], ids: pa.Array) -> list[tuple[pa.Table, Path]]:
    """Return the rows of each partition that count and have one of `ids`, and the partition."""

    def look(part: Path) -> tuple[pa.Table, Path]:
        here = pc.is_in(pq.read_table(part, columns=["track_id"])["track_id"], value_set=ids)
        if not pc.any(here, min_count=0).as_py():
            return _empty(), part
        tracks = pq.read_table(part, columns=list(_COLUMNS)).append_column("met", here)
        tracks = tracks.append_column("conflict", pa.array(np.zeros(len(tracks), dtype=bool)))
        file = changes_of(part)
        if file.is_file():
            changes = pq.read_table(file)
            conflict = np.zeros(len(tracks), dtype=bool)
            conflict[changes["position"].to_numpy()] = changes["conflict"].to_numpy()
            tracks = tracks.set_column(len(tracks.column_names) - 1, "conflict", pa.array(conflict))
            tracks = changed(tracks, changes)
        return tracks.filter(tracks["met"]).drop_columns(["met"]).cast(_empty().schema), part

    with ThreadPoolExecutor(_READERS) as readers:
        return list(readers.map(look, parts))


def _empty() -> pa.Table:
    schema = arrow_schema()
    fields = [schema.field(name) for name in _COLUMNS]
    return pa.schema([*fields, pa.field("conflict", pa.bool_())]).empty_table()


def _write_changes(part: Path, connection: duckdb.DuckDBPyConnection) -> None:
    rows = pq.read_table(part, columns=["source", "row"])
    row = rows["row"].to_numpy()
    here = [rows["source"][0].as_py(), int(row[0]), int(row[-1])]
    changes = connection.sql(_CHANGES, params=here).to_arrow_table()
    if not changes.num_rows:
        return
    position = np.searchsorted(row, changes["row"].to_numpy()).astype(np.int32)
    changes = changes.drop_columns(["row"]).add_column(0, "position", pa.array(position)).cast(CHANGED)
    file = changes_of(part)
    if file.is_file():
        before = pq.read_table(file)
        same = pc.is_in(before["position"], value_set=changes["position"].combine_chunks())
        stay = before.filter(pc.invert(same)).cast(CHANGED)
        changes = pa.concat_tables([stay, changes]).sort_by("position")
        file.unlink()  # it may be shared with an earlier result
    file.parent.mkdir(exist_ok=True)
    pq.write_table(changes.combine_chunks(), file, compression="zstd")


CHANGED = pa.schema(
    [
        pa.field("position", pa.int32()),
        pa.field("stays", pa.bool_()),
        pa.field("conflict", pa.bool_()),
        *(arrow_schema().field(name).remove_metadata() for name in UNIONS),
    ]
)
