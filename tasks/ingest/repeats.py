"""Folding rows with the same track id, across partitions and sources, a bounded number of them at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from tasks.changes import UNIONS, Changes
from tasks.ingest.candidates import Candidates
from tasks.ingest.groups import Rows, Wanted, joined, repeated
from tasks.ingest.sums import Sums, exact_sum, has_some
from tasks.ingest.writing import put
from tasks.tracks import changes_of, read_changes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# Ids are looked at in passes of so many rows; each row takes some tens of bytes.
_ROWS_A_PASS = 16_000_000
_THREADS = 2
# Of so many new rows at most, each mark is looked for in what was folded before; it takes a table of 32 times that.
_FEW_ROWS = 1 << 20


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
        SHA-256 of the files of changes that were written, by name; to be put on the disk yet.
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
    notes : Path, optional
        Where they lie, as `writing.PartWriter` leaves them; without, the partition is read.
    """

    begins: tuple[int, int]
    rows: int
    notes: Path | None = None


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
    notes = {part: of[part].notes for part in parts}
    return sum((_fold_some(parts, set(folded), notes, turn, passes) for turn in range(passes)), Fold())


def _fold_some(
    parts: Sequence[Path], folded: Collection[Path], notes: Mapping[Path, Path | None], turn: int, passes: int
) -> Fold:
    """Fold the ids whose turn it is."""
    fresh, old = [part for part in parts if part not in folded], [part for part in parts if part in folded]
    part_of = {part: Candidates(part, notes[part]) for part in parts}
    with ThreadPoolExecutor(_THREADS) as threads:
        new = dict(zip(fresh, threads.map(lambda part: part_of[part].ids(turn, passes), fresh), strict=True))
        looked_for = _wanted([marks for marks, _ in new.values()]) if old else None
        found_in_old = threads.map(lambda part: part_of[part].ids(turn, passes, looked_for), old)
        by_part = new | dict(zip(old, found_in_old, strict=True))
        ids = [by_part[part] for part in parts]
        del new, found_in_old, by_part
        # Of what has been folded before, each id counts once: only those of fresh rows can come again.
        alike = repeated([marks for marks, _ in ids])
        if not len(alike.order):
            return Fold()
        chosen = [(marks[at], positions[at]) for (marks, positions), at in zip(ids, alike.places, strict=True)]
        places = [positions for _, positions in chosen]
        del ids
        found = list(threads.map(lambda part, rows: part_of[part].rows(*rows), parts, chosen))
        tables = [table for _, table in found]
        rows = joined([words for words, _ in found], tables, alike)
        conflicts, gone = int((rows.conflict & ~rows.known & rows.stays).sum()), _gone(rows, pa.concat_tables(tables))
        del found, tables, alike, chosen
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
    here = start + chosen
    stays = rows.stays[here]
    changes = (read_changes(part) or Changes.none(pq.read_metadata(part).num_rows)).put(
        positions[chosen].astype(np.int32),
        stays,
        rows.conflict[here[stays]],
        {name: rows.texts[name].of(rows.group[here[stays]]) for name in UNIONS},
    )
    file = changes_of(part)
    file.unlink(missing_ok=True)  # it may be shared with an earlier result
    file.parent.mkdir(exist_ok=True)
    return {file.name: put(changes.encoded(), file)}
