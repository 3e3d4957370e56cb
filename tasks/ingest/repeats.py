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
from tasks.ingest.groups import Rows, joined, repeated, united, words_of
from tasks.tracks import UNIONS, changed, changes_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.ingest.groups import Words

# Ids are looked at in passes of so many rows; each row takes some tens of bytes.
_ROWS_A_PASS = 16_000_000
_READERS = 2
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


def fold(fresh: Sequence[Path], folded: Sequence[Path] = (), rows_a_pass: int = _ROWS_A_PASS) -> Fold:
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

    Returns
    -------
    Fold
        What is new. The changes of all partitions are written beside them; see `tasks.tracks`.
    """
    if not fresh:
        return Fold(0, 0)
    rows = sum(pq.read_metadata(part).num_rows for part in (*fresh, *folded))
    passes = -(-rows // rows_a_pass)
    found = [_fold_some(fresh, folded, turn, passes) for turn in range(passes)]
    return Fold(sum(one.repeats for one in found), sum(one.conflicts for one in found))


def _fold_some(fresh: Sequence[Path], folded: Sequence[Path], turn: int, passes: int) -> Fold:
    """Fold the ids whose turn it is."""
    parts = sorted([*fresh, *folded], key=_begins)
    with ThreadPoolExecutor(_READERS) as readers:
        new = list(readers.map(lambda part: _ids(part, turn, passes), fresh))
        wanted = np.sort(np.concatenate([words.mixed for words, _ in new]))
        old = list(readers.map(lambda part: _ids(part, turn, passes, wanted), folded))
        found = dict(zip([*fresh, *folded], [*new, *old], strict=True))
        ids = [found[part] for part in parts]
        met = repeated([words for words, _ in ids])
        if not any(len(chosen) for chosen in met):
            return Fold(0, 0)
        chosen = [(words.take(one), positions[one]) for (words, positions), one in zip(ids, met, strict=True)]
        del ids, new, old, found
        tables = list(readers.map(lambda part, one: _rows(part, one[1]), parts, chosen))
    rows = joined([words for words, _ in chosen], tables)
    repeats, conflicts = int((~rows.stays).sum()), int((rows.conflict & ~rows.known & rows.stays).sum())
    for number, (part, (_, positions)) in enumerate(zip(parts, chosen, strict=True)):
        if len(positions):
            _write_changes(part, positions, rows, number)
    return Fold(repeats, conflicts)


def _begins(part: Path) -> tuple[int, int]:
    """Return the source of a partition and its first row."""
    file = pq.read_metadata(part)
    source, row = (file.row_group(0).column(file.schema.names.index(name)) for name in ("source", "row"))
    return source.statistics.min, row.statistics.min


def _ids(
    part: Path, turn: int, passes: int, wanted: NDArray[np.uint64] | None = None
) -> tuple[Words, NDArray[np.int64]]:
    """Return the ids of a partition whose turn it is, of rows that count, and where they are.

    Where `wanted` is given, those that cannot be among them are left out.
    """
    column = pq.read_table(part, columns=["track_id"])["track_id"].combine_chunks()
    words, positions = words_of(column)
    chosen = np.ones(len(positions), dtype=bool) if passes == 1 else words.mixed % np.uint64(passes) == turn
    if wanted is not None:
        place = np.searchsorted(wanted, words.mixed).clip(max=len(wanted) - 1)
        chosen &= wanted[place] == words.mixed if len(wanted) else False
        file = changes_of(part)
        if file.is_file():
            changes = pq.read_table(file, columns=["position", "stays"])
            gone = np.zeros(len(column), dtype=bool)
            gone[changes["position"].to_numpy()] = ~changes["stays"].to_numpy()
            chosen &= ~gone[positions]
    found = np.flatnonzero(chosen)
    return words.take(found), positions[found]


def _rows(part: Path, positions: NDArray[np.int64]) -> pa.Table:
    """Return rows of a partition as they count now, with whether they stand for rows in conflict already."""
    if not len(positions):
        schema = pa.schema([arrow_schema().field(name) for name in _COLUMNS])
        return schema.append(pa.field("known", pa.bool_())).empty_table()
    tracks = pq.read_table(part, columns=list(_COLUMNS))
    known = np.zeros(len(tracks), dtype=bool)
    marked = np.zeros(len(tracks), dtype=bool)
    marked[positions] = True
    file = changes_of(part)
    if file.is_file():
        changes = pq.read_table(file)
        known[changes["position"].to_numpy()] = changes["conflict"].to_numpy()
        tracks = tracks.append_column("known", pa.array(known)).append_column("marked", pa.array(marked))
        tracks = changed(tracks, changes)
        return tracks.filter(tracks["marked"]).drop_columns(["marked"])
    return tracks.take(pa.array(positions)).append_column("known", pa.array(known[positions]))


def _write_changes(part: Path, positions: NDArray[np.int64], rows: Rows, number: int) -> None:
    """Write what becomes of rows of a partition, which are those of part `number`, in order."""
    here = np.flatnonzero(rows.part == number)
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
