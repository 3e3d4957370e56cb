"""Folding rows with the same track id, across partitions and sources, a bounded number of them at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from schemas.tracks import arrow_schema
from tasks.ingest.groups import Rows, Wanted, joined, marks_of, repeated, united, words_of
from tasks.tracks import UNIONS, changes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.ingest.groups import Words

# Ids are looked at in passes of so many rows; each row takes some tens of bytes.
_ROWS_A_PASS = 16_000_000
_THREADS = 2
# Of so many new rows at most, each mark is looked for in what was folded before; it takes a table of 32 times that.
_FEW_ROWS = 1 << 20
_COLUMNS = ("popularity", *UNIONS)
CHANGED = pa.schema(
    [
        pa.field("position", pa.int32()),
        pa.field("stays", pa.bool_()),
        pa.field("conflict", pa.bool_()),
        *(arrow_schema().field(name).remove_metadata() for name in UNIONS),
    ]
)


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


def fold(
    fresh: Sequence[Path],
    folded: Sequence[Path] = (),
    rows_a_pass: int = _ROWS_A_PASS,
    marks: Mapping[Path, Path] | None = None,
) -> Fold:
    """Fold rows with the same track id: of each, the most popular stays, and of such the first by source and row.

    Its genres and subgenres become those of all of them, sorted. The result is the same whether partitions are folded
    at once or one after the other.

    Parameters
    ----------
    fresh : sequence of Path
        Partitions that have not been folded; each has rows of one source, and at least one.
    folded : sequence of Path
        Partitions that have been, with their changes beside them.
    rows_a_pass : int
        About how many rows to hold at a time.
    marks : mapping of Path to Path, optional
        Files with the marks of partitions, as `writing.PartWriter` leaves them; others have their ids read.

    Returns
    -------
    Fold
        What is new. The changes of all partitions are written beside them; see `tasks.tracks`.
    """
    if not fresh:
        return Fold(0, 0)
    rows = sum(pq.read_metadata(part).num_rows for part in (*fresh, *folded))
    passes = -(-rows // rows_a_pass)
    found = [_fold_some(fresh, folded, marks or {}, turn, passes) for turn in range(passes)]
    return Fold(sum(one.repeats for one in found), sum(one.conflicts for one in found))


def _fold_some(
    fresh: Sequence[Path], folded: Sequence[Path], marks: Mapping[Path, Path], turn: int, passes: int
) -> Fold:
    """Fold the ids whose turn it is."""
    parts = sorted([*fresh, *folded], key=_begins)
    with ThreadPoolExecutor(_THREADS) as threads:
        new = dict(zip(fresh, threads.map(lambda part: _ids(part, marks.get(part), turn, passes), fresh), strict=True))
        looked_for = _wanted([found for found, _ in new.values()]) if folded else None
        old = threads.map(lambda part: _ids(part, marks.get(part), turn, passes, looked_for), folded)
        by_part = new | dict(zip(folded, old, strict=True))
        ids = [by_part[part] for part in parts]
        del new, old, by_part
        # Of what has been folded before, each id counts once: only those of fresh rows can come again.
        met = repeated([mixed for mixed, _ in ids])
        if not any(len(chosen) for chosen in met):
            return Fold(0, 0)
        places = [positions[chosen] for (_, positions), chosen in zip(ids, met, strict=True)]
        del ids, met
        found = list(threads.map(_rows, parts, places))
        rows = joined([words for words, _ in found], [table for _, table in found])
        del found
        repeats, conflicts = int((~rows.stays).sum()), int((rows.conflict & ~rows.known & rows.stays).sum())
        ends = np.cumsum([0, *map(len, places)])
        work = [
            threads.submit(_write_changes, part, positions, rows, start)
            for part, positions, start in zip(parts, places, ends[:-1].tolist(), strict=True)
        ]
        for one in work:
            one.result()
    return Fold(repeats, conflicts)


def _begins(part: Path) -> tuple[int, int]:
    """Return the source of a partition and its first row."""
    file = pq.read_metadata(part)
    source, row = (file.row_group(0).column(file.schema.names.index(name)) for name in ("source", "row"))
    return source.statistics.min, row.statistics.min


def _wanted(new: Sequence[NDArray[np.uint64]]) -> Wanted | None:
    """Return what to look for in what has been folded before; None where that may as well be taken as a whole."""
    return Wanted(np.concatenate(new)) if 0 < sum(map(len, new)) <= _FEW_ROWS else None


def _ids(
    part: Path, marks: Path | None, turn: int, passes: int, wanted: Wanted | None = None
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the marks of a partition whose turn it is, of rows that count and are wanted, and where they are."""
    if marks is not None and marks.is_file():
        all_marks = np.fromfile(marks, dtype="<u8").astype(np.uint64, copy=False)
    else:
        all_marks = marks_of(pq.read_table(part, columns=["track_id"])["track_id"].combine_chunks())
    positions = wanted.find(all_marks) if wanted else np.flatnonzero(all_marks)
    if passes > 1:
        positions = positions[all_marks[positions] % np.uint64(passes) == turn]
    file = changes_of(part)
    if len(positions) and file.is_file():
        changes = pq.read_table(file, columns=["position", "stays"])
        gone = np.zeros(len(all_marks), dtype=bool)
        gone[changes["position"].to_numpy()] = ~changes["stays"].to_numpy()
        positions = positions[~gone[positions]]
    return all_marks[positions], positions


def _rows(part: Path, positions: NDArray[np.int64]) -> tuple[Words, pa.Table]:
    """Return the ids of rows of a partition, and what counts of them now.

    Whether they stand for rows in conflict already is there as ``known``.
    """
    if not len(positions):
        schema = pa.schema([arrow_schema().field(name) for name in _COLUMNS])
        ids, _ = words_of(pa.array([], pa.string()))
        return ids, schema.append(pa.field("known", pa.bool_())).empty_table()
    there = pa.array(positions)
    tracks = pq.read_table(part, columns=["track_id", *_COLUMNS]).take(there)
    ids, _ = words_of(tracks["track_id"].combine_chunks())
    tracks = tracks.drop_columns(["track_id"])
    known = np.zeros(len(tracks), dtype=bool)
    file = changes_of(part)
    if file.is_file():
        changes = pq.read_table(file)
        changed_at = changes["position"].to_numpy()
        row = np.searchsorted(changed_at, positions)
        has = np.append(changed_at, -1)[row] == positions
        known[has] = changes["conflict"].to_numpy()[row[has]]
        # What a row stands for lies behind the lists of its own.
        source = np.where(has, len(tracks) + row, np.arange(len(tracks)))
        for name in UNIONS:
            field = tracks.schema.field(name)
            lists = pa.chunked_array([*tracks[name].chunks, *changes[name].cast(field.type).chunks], field.type)
            tracks = tracks.set_column(tracks.schema.get_field_index(name), field, lists.take(pa.array(source)))
    return ids, tracks.append_column("known", pa.array(known))


def _write_changes(part: Path, positions: NDArray[np.int64], rows: Rows, start: int) -> None:
    """Write what becomes of rows of a partition, which are those from `start` on, in order."""
    chosen = np.flatnonzero(rows.several[start : start + len(positions)])
    if not len(chosen):
        return
    here, positions = start + chosen, positions[chosen]
    stays = rows.stays[here]
    lists = {name: united(rows, name, here) for name in UNIONS}
    changes = pa.table(
        [pa.array(positions.astype(np.int32)), pa.array(stays), pa.array(rows.conflict[here] & stays), *lists.values()],
        schema=CHANGED,
    )
    file = changes_of(part)
    if file.is_file():
        before = pq.read_table(file)
        same = pc.is_in(before["position"], value_set=changes["position"].combine_chunks())
        stay = before.filter(pc.invert(same)).cast(CHANGED)
        changes = pa.concat_tables([stay, changes]).sort_by("position")
        file.unlink()  # it may be shared with an earlier result
    file.parent.mkdir(exist_ok=True)
    pq.write_table(changes.combine_chunks(), file, compression="zstd")
