"""Folding rows with the same track id, across partitions and sources, a bounded number of them at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from tasks.ingest.groups import Rows, Wanted, joined, marks_of, repeated, united, words_of
from tasks.ingest.sums import Sums, exact_sum, has_some
from tasks.ingest.writing import put
from tasks.tracks import OF_CHANGES, UNIONS, changes_of, read_changes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# Ids are looked at in passes of so many rows; each row takes some tens of bytes.
_ROWS_A_PASS = 16_000_000
_THREADS = 2
# Of so many new rows at most, each mark is looked for in what was folded before; it takes a table of 32 times that.
_FEW_ROWS = 1 << 20
_CODED = pa.list_(pa.field("element", pa.dictionary(pa.int32(), pa.string())))
_ROWS = pa.schema([("popularity", pa.float64()), *((name, _CODED) for name in UNIONS), ("known", pa.bool_())])
_LISTS = pa.list_(pa.field("element", pa.string()))
_CHANGED = pa.schema(
    zip(OF_CHANGES, (pa.int32(), pa.bool_(), pa.bool_(), *(_LISTS for _ in UNIONS)), strict=True),
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
    gone : Sums
        What the partitions have less for it.
    hashes : dict of str to str
        SHA-256 of the files of changes that were written, by name; they are on the disk.
    """

    repeats: int = 0
    conflicts: int = 0
    gone: Sums = field(default_factory=Sums)
    hashes: dict[str, str] = field(default_factory=dict, compare=False)

    def __add__(self, other: Fold) -> Fold:
        return Fold(
            self.repeats + other.repeats,
            self.conflicts + other.conflicts,
            self.gone + other.gone,
            self.hashes | other.hashes,
        )


@dataclass(frozen=True)
class Noted:
    """What is known of a partition, and need not be read.

    Parameters
    ----------
    begins : (int, int)
        The number of its source, and a number that grows with its rows.
    rows : int
    marks : Path, optional
        Where the marks of its ids lie, as `writing.PartWriter` leaves them; without, its ids are read.
    """

    begins: tuple[int, int]
    rows: int
    marks: Path | None = None


def fold(
    fresh: Sequence[Path],
    folded: Sequence[Path] = (),
    rows_a_pass: int = _ROWS_A_PASS,
    noted: Mapping[Path, Noted] | None = None,
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
    noted : mapping of Path to Noted, optional
        What is known of all of them; else they are read.

    Returns
    -------
    Fold
        What is new. The changes of all partitions are written beside them; see `tasks.tracks`.
    """
    if not fresh:
        return Fold()
    of = noted or {part: _noted(part) for part in (*fresh, *folded)}
    parts = sorted((*fresh, *folded), key=lambda part: of[part].begins)
    held = sum(of[part].rows for part in fresh)
    if held > _FEW_ROWS:  # of what was folded before, more than some few rows are held too
        held += sum(of[part].rows for part in folded)
    passes = -(-held // rows_a_pass)
    marks = {part: of[part].marks for part in parts}
    return sum((_fold_some(parts, set(folded), marks, turn, passes) for turn in range(passes)), Fold())


def _fold_some(
    parts: Sequence[Path], folded: Collection[Path], marks: Mapping[Path, Path | None], turn: int, passes: int
) -> Fold:
    """Fold the ids whose turn it is."""
    fresh, old = [part for part in parts if part not in folded], [part for part in parts if part in folded]
    with ThreadPoolExecutor(_THREADS) as threads:
        new = dict(zip(fresh, threads.map(lambda part: _ids(part, marks[part], turn, passes), fresh), strict=True))
        looked_for = _wanted([found for found, _ in new.values()]) if old else None
        found_in_old = threads.map(lambda part: _ids(part, marks[part], turn, passes, looked_for), old)
        by_part = new | dict(zip(old, found_in_old, strict=True))
        ids = [by_part[part] for part in parts]
        del new, found_in_old, by_part
        # Of what has been folded before, each id counts once: only those of fresh rows can come again.
        alike = repeated([marks_here for marks_here, _ in ids])
        if not len(alike.order):
            return Fold()
        places = [positions[chosen] for (_, positions), chosen in zip(ids, alike.places, strict=True)]
        del ids
        found = list(threads.map(_rows, parts, places))
        tables = [table for _, table in found]
        rows = joined([words for words, _ in found], tables, alike)
        conflicts, gone = int((rows.conflict & ~rows.known & rows.stays).sum()), _gone(rows, pa.concat_tables(tables))
        del found, tables, alike
        ends = np.cumsum([0, *map(len, places)])
        work = [
            threads.submit(_write_changes, part, positions, rows, start)
            for part, positions, start in zip(parts, places, ends[:-1].tolist(), strict=True)
        ]
        hashes = {name: sha256 for one in work for name, sha256 in one.result().items()}
    return Fold(gone.rows, conflicts, gone, hashes)


def _noted(part: Path) -> Noted:
    """Return what a partition says itself."""
    file = pq.read_metadata(part)
    source, row = (file.row_group(0).column(file.schema.names.index(name)) for name in ("source", "row"))
    return Noted((source.statistics.min, row.statistics.min), file.num_rows)


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
        all_marks = marks_of(pq.ParquetFile(part).read(["track_id"])["track_id"].combine_chunks())
    positions = wanted.find(all_marks) if wanted else np.flatnonzero(all_marks)
    if passes > 1:
        positions = positions[all_marks[positions] % np.uint64(passes) == turn]
    if len(positions) and (changes := read_changes(part, ["position", "stays"])) is not None:
        gone = np.zeros(len(all_marks), dtype=bool)
        gone[changes["position"].to_numpy()] = ~changes["stays"].to_numpy()
        positions = positions[~gone[positions]]
    return all_marks[positions], positions


def _rows(part: Path, positions: NDArray[np.int64]) -> tuple[NDArray[np.uint64], pa.Table]:
    """Return the ids of rows of a partition, and what counts of them now.

    Whether they stand for rows in conflict already is there as ``known``.
    """
    if not len(positions):
        return np.empty((0, 3), dtype=np.uint64), _ROWS.empty_table()
    # Genres are few: as codes they are read in a third of the time.
    file = pq.ParquetFile(part, read_dictionary=[f"{name}.list.element" for name in UNIONS])
    tracks = file.read(["track_id", "popularity", *UNIONS], use_threads=False).take(pa.array(positions))
    ids, _ = words_of(tracks["track_id"].combine_chunks())
    lists = {name: tracks[name] for name in UNIONS}
    known = np.zeros(len(tracks), dtype=bool)
    if (changes := read_changes(part)) is not None:
        changed_at = changes["position"].to_numpy()
        row = np.searchsorted(changed_at, positions)
        has = np.append(changed_at, -1)[row] == positions
        known[has] = changes["conflict"].to_numpy()[row[has]]
        # What a row stands for lies behind the lists of its own.
        source = pa.array(np.where(has, len(tracks) + row, np.arange(len(tracks))))
        for name in UNIONS:
            behind = changes[name].cast(_CODED)
            lists[name] = pa.chunked_array([*lists[name].cast(_CODED).chunks, *behind.chunks]).take(source)
    return ids, pa.table([tracks["popularity"], *lists.values(), pa.array(known)], schema=_ROWS)


def _gone(rows: Rows, table: pa.Table) -> Sums:
    """Return what goes with the rows that are folded into others, to which they leave their genres."""
    goes = ~rows.stays
    popularity = table["popularity"].to_numpy()[goes]
    having = np.logical_or.reduce([has_some(table[name]) for name in UNIONS])
    # Of each group one row stays, and has genres if any of them has.
    groups = np.zeros(int(rows.group.max()) + 1, dtype=bool)
    groups[rows.group[having]] = True
    return Sums(
        rows=len(popularity),
        zeros=int((popularity == 0).sum()),
        without_genre=int((~having).sum()) - int((~groups).sum()),
        popularity=exact_sum(popularity),
    )


def _write_changes(part: Path, positions: NDArray[np.int64], rows: Rows, start: int) -> dict[str, str]:
    """Write what becomes of rows of a partition, which are those from `start` on, in order; return name and hash."""
    chosen = np.flatnonzero(rows.several[start : start + len(positions)])
    if not len(chosen):
        return {}
    here, positions = start + chosen, positions[chosen].astype(np.int32)
    stays = rows.stays[here]
    lists = [united(rows, name, here) for name in UNIONS]
    changes = pa.table([positions, stays, rows.conflict[here] & stays, *lists], schema=_CHANGED)
    file = changes_of(part)
    if (before := read_changes(part)) is not None:
        was_at = before["position"].to_numpy()
        kept = np.flatnonzero(np.isin(was_at, positions, assume_unique=True, invert=True))
        order = np.argsort(np.concatenate([was_at[kept], positions]), kind="stable")
        source = np.concatenate([kept, len(was_at) + np.arange(len(positions))])[order]
        changes = pa.concat_tables([before, changes]).take(pa.array(source))
        file.unlink()  # it may be shared with an earlier result
    file.parent.mkdir(exist_ok=True)
    options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, _CHANGED, options=options) as writer:
        writer.write_table(changes.combine_chunks())
    return {file.name: put(memoryview(sink.getvalue()), file)}
