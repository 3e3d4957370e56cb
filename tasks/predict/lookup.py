"""Rows of a published table by the names of artists, without reading the rest of it."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from schemas.publication import AVERAGE
from tasks.predictive import Known

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from schemas.reports import Design

    Floats = NDArray[np.float64]

_MANY = 50_000
_ALIKE = 0.75


def rows_of(path: Path, names: Sequence[str], columns: Sequence[str]) -> tuple[NDArray[np.int64], Floats]:
    """Return numbers of some artists.

    Parameters
    ----------
    path : Path
        Parquet with a column ``artist``, each name once. What lies in row groups whose names are all before or after
        those asked for is not read; of the others, the names first.
    names : sequence of str, length n
        Each once.
    columns : sequence of str, length k
        Of numbers.

    Returns
    -------
    found : ndarray of int, shape (m,)
        Positions in `names` of those that are there.
    values : ndarray, shape (m, k)
        Theirs.
    """
    import pyarrow.parquet as pq

    wanted, ordered = {name: position for position, name in enumerate(names)}, sorted(names)
    found, values = [np.empty(0, np.int64)], [np.empty((0, len(columns)))]
    with pq.ParquetFile(path) as file:
        place = file.schema_arrow.names.index("artist")
        for group in range(file.num_row_groups):
            statistics = file.metadata.row_group(group).column(place).statistics
            if statistics is not None and statistics.has_min_max:
                first = bisect_left(ordered, statistics.min)
                if first == len(ordered) or ordered[first] > statistics.max:
                    continue
            artists = file.read_row_group(group, columns=["artist"])["artist"].to_pylist()
            places = [place for place, artist in enumerate(artists) if artist in wanted]
            if places:
                rows = file.read_row_group(group, columns=list(columns))
                found.append(np.array([wanted[artists[place]] for place in places]))
                values.append(np.column_stack([_numbers(rows[name])[places] for name in columns]))
    return np.concatenate(found), np.concatenate(values)


def _numbers(column: pa.ChunkedArray) -> Floats:
    """Return numbers without nulls; `to_numpy` would import pandas for them."""
    return np.concatenate([np.from_dlpack(chunk).astype(np.float64) for chunk in column.chunks])


class Artists:
    """What a publication knows of its artists.

    Parameters
    ----------
    path : Path
        Its ``artist_means.parquet``.
    design : Design
        Of D columns of Z.
    """

    def __init__(self, path: Path, design: Design) -> None:
        import pyarrow.parquet as pq

        self._path, self._mean = path, design.popularity_mean
        self._shift, self._scale = (
            np.array([getattr(column, name) for column in design.columns[1:]]) for name in ("centre", "scale")
        )
        schema: pa.Schema = pq.read_schema(path)
        self._columns = schema.names[schema.names.index("raw_mean") + 1 :]
        average = [float((schema.field(name).metadata or {})[AVERAGE]) for name in self._columns]
        #: ndarray, shape (D,): the row of Z of the average track.
        self.average: Floats = np.append(1.0, (np.array(average) - self._shift) / self._scale)

    def known(self, names: Sequence[str | None]) -> Known:
        """Return what was seen of artists.

        Parameters
        ----------
        names : sequence of str or None, length C
            In any order, as often as you like; None for an artist nobody has seen.

        Returns
        -------
        Known
            Of C artists. Those nobody has seen have no tracks, and the row of the average track for a mean.
        """
        distinct = sorted({name for name in names if name is not None})
        found, values = rows_of(self._path, distinct, ["tracks", "raw_mean", *self._columns])
        counts = np.zeros(len(distinct) + 1)
        means = np.tile(np.append(self.average, 0.0), (len(distinct) + 1, 1))
        counts[found] = values[:, 0]
        means[found, 1:-1] = (values[:, 2:] - self._shift) / self._scale
        means[found, -1] = values[:, 1] - self._mean
        position = {name: place for place, name in enumerate(distinct)}
        at = [len(distinct) if name is None else position[name] for name in names]
        return Known(counts[at], means[at])

    def like(self, name: str, most: int = 3) -> list[str]:
        """Return the names of artists most like one that is not there, the most alike first."""
        import difflib

        import pyarrow.parquet as pq

        with pq.ParquetFile(self._path) as file:
            names = file.read(columns=["artist"])["artist"].to_pylist()
        asked = name.casefold()
        if len(names) > _MANY:  # comparing takes about 10 us a name
            names = [each for each in names if each[:1].casefold() == asked[:1]]
        by_folded = {each.casefold(): each for each in names}
        return [by_folded[each] for each in difflib.get_close_matches(asked, by_folded, n=most, cutoff=_ALIKE)]
