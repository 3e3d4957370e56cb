"""Rows of a partition whose ids may come again, and what counts of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from tasks.changes import UNIONS, Texts, rows_that_stay
from tasks.ingest.groups import marks_of, words_of
from tasks.ingest.notes import Notes, marks_in
from tasks.ingest.plain_ids import ids_at
from tasks.tracks import changes_of, read_changes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.ingest.groups import Wanted

    Numbers = NDArray[np.uint64]
    Positions = NDArray[np.int64]

_CODED = pa.list_(pa.field("item", pa.dictionary(pa.int32(), pa.string())))
_ROWS = pa.schema([("popularity", pa.float64()), *((name, _CODED) for name in UNIONS), ("known", pa.bool_())])


class Candidates:
    """Those of one partition.

    Parameters
    ----------
    part : Path
    notes : Path, optional
        As `writing.PartWriter` leaves them; without, the partition is read.
    """

    def __init__(self, part: Path, notes: Path | None) -> None:
        self._part = part
        self._notes = notes if notes is not None and notes.is_file() else None

    def ids(self, turn: int, passes: int, wanted: Wanted | None = None) -> tuple[Numbers, Positions]:
        """Return the marks of rows that count, that are wanted and whose turn it is, and where they are."""
        marks = marks_in(self._notes) if self._notes else self._marks()
        positions = wanted.find(marks) if wanted else np.flatnonzero(marks)
        if passes > 1:
            positions = positions[marks[positions] % np.uint64(passes) == turn]
        if len(positions) and (changes := changes_of(self._part)).is_file():
            positions = positions[rows_that_stay(changes)[positions]]
        return marks[positions], positions

    def rows(self, marks: Numbers, positions: Positions) -> tuple[Numbers, pa.Table]:
        """Return the ids of rows, which have these marks, and what counts of them now.

        Whether they stand for rows in conflict already is there as ``known``.
        """
        if not len(positions):
            return np.empty((0, 3), dtype=np.uint64), _ROWS.empty_table()
        noted = Notes.read(self._notes) if self._notes else Notes({})
        # Genres are few: as codes they are read in a third of the time.
        file = pq.ParquetFile(self._part, read_dictionary=[f"{name}.list.element" for name in UNIONS])
        ids, popularity = ids_at(self._part, file.metadata, positions, marks), noted.popularity(positions)
        texts = {name: noted.texts(name, positions) for name in UNIONS}
        missing = [name for name, one in {"track_id": ids, "popularity": popularity, **texts}.items() if one is None]
        if missing:
            tracks = file.read(missing, use_threads=False).take(pa.array(positions))
            tracks = tracks.unify_dictionaries().combine_chunks()
        if ids is None:
            ids, _ = words_of(tracks["track_id"].chunk(0))
        if popularity is None:
            popularity = tracks["popularity"].to_numpy()
        lists = {name: one or Texts.from_coded(tracks[name].chunk(0)) for name, one in texts.items()}
        known = np.zeros(len(positions), dtype=bool)
        if (changes := read_changes(self._part)) is not None:
            row, has = changes.row_of(positions)
            row = row[has]
            known[has] = changes.conflict[row]
            # These stand for others too, and have the genres of those.
            at = np.cumsum(~has)[has]
            lists = {name: one.put(~has, at, changes.texts[name].of(row)) for name, one in lists.items()}
        return ids, pa.table([popularity, *(one.coded().cast(_CODED) for one in lists.values()), known], schema=_ROWS)

    def _marks(self) -> Numbers:
        return marks_of(pq.ParquetFile(self._part).read(["track_id"])["track_id"].combine_chunks())
