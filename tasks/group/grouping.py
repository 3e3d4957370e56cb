"""Tracks in, artists and sufficient statistics out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from schemas.errors import CorpusRejected, InvalidParameter
from schemas.reports import IngestReport
from tasks.group.design import needed, plan_for, rows_of
from tasks.group.holding_out import COLUMNS, FOLDER, HeldOut
from tasks.group.standardising import standardise
from tasks.group.sums import Running, statistics_of, sums_of
from tasks.tracks import partitions_of, read_tracks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.parameters import EvaluateParameters, GroupParameters
    from schemas.reports import Design
    from schemas.statistics import Statistics

    Names = NDArray[np.object_]
    Floats = NDArray[np.float64]

# Engines that go track by track hold Z in memory, and a copy in what they compile.
MOST_CELLS = 50_000_000
# Rows are made and summed this many numbers at a time: 64 MiB.
_CELLS = 8_000_000
_FEWEST_TRACKS = 10
_ROUNDS_TO_ZERO = 0.5


def group_tracks(
    ingested: Path,
    parameters: GroupParameters,
    folder: Path,
    *,
    keep_rows: bool = False,
    held_out: EvaluateParameters | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Design:
    """Group a corpus by artist and genre, and sum it up.

    Parameters
    ----------
    ingested : Path
        What ingest wrote.
    parameters : GroupParameters
    folder : Path
        Where to write ``design.json``, ``artists.parquet``, ``statistics/*.npy`` and, on request, ``rows/*.npy``.
    keep_rows : bool
        Also keep the standardised rows, for an engine that cannot work from sums.
    held_out : EvaluateParameters, optional
        Leave out some tracks, and write them under ``held_out``; see `tasks.group.holding_out`.
    progress : callable
        Told how many partitions are done, of how many.

    Returns
    -------
    Design

    Raises
    ------
    CorpusRejected
        If there is too little, or nothing that varies, to learn from.
    InvalidParameter
        If rows are wanted and there are too many to be sampled track by track.
    """
    report = IngestReport.model_validate_json((ingested / "report.json").read_text(encoding="utf-8"))
    partitions = partitions_of(ingested)
    plan = plan_for(partitions, report.columns, parameters)
    split = HeldOut(partitions, report.rows.kept, plan, held_out) if held_out else None
    columns = sorted({*needed(plan), *(COLUMNS if split else ())})
    running = Running(plan.width)
    kept: list[tuple[Names, Floats]] = []
    seen = zeros = 0
    for done, partition in enumerate(partitions):
        tracks = read_tracks(partition, columns)
        tracks = split.training(tracks) if split else tracks
        for start in range(0, tracks.num_rows, max(_CELLS // plan.width, 1)):
            names, rows = rows_of(tracks.slice(start, max(_CELLS // plan.width, 1)), plan)
            with threadpool_limits(1):
                running.add(sums_of(names, rows))
            seen += len(rows)
            zeros += int((rows[:, -1] + plan.centre[-1] < _ROUNDS_TO_ZERO).sum())
            if keep_rows:
                _reject_too_many_cells(seen * plan.width)
                kept.append((names, rows))
        progress(done + 1, len(partitions))
    if seen < _FEWEST_TRACKS:
        message = f"only {seen} tracks are left; at least {_FEWEST_TRACKS} are needed"
        raise CorpusRejected(message)
    # Sums come in another order with several threads of BLAS, and the same tracks must give the same bits.
    with threadpool_limits(1):
        design, sums, change = standardise(running.sums(), plan, parameters)
        statistics = statistics_of(sums)
    _reject_if_nothing_varies_within_artists(statistics)
    design = design.model_copy(update={"share_of_zeros": zeros / seen})
    (folder / "design.json").write_text(design.model_dump_json(indent=1), encoding="utf-8")
    statistics.save(folder / "statistics")
    _write_artists(sums.names, statistics, design, folder)
    if keep_rows:
        _write_rows(kept, sums.names, change, folder / "rows")
    if split:
        with threadpool_limits(1):
            split.write(sums.names, sums.counts, change, folder / FOLDER)
    return design


def _reject_too_many_cells(cells: int) -> None:
    if cells > MOST_CELLS:
        message = (
            f"the corpus is too large to be sampled track by track (over {MOST_CELLS:,} numbers): use --likelihood "
            "normal with --engine collapsed, which is exact and does not grow with the tracks; or fewer features"
        )
        raise InvalidParameter(message)


def _reject_if_nothing_varies_within_artists(statistics: Statistics) -> None:
    """Refuse a corpus whose residual variance is zero: the posterior of sigma would have no end towards it."""
    if statistics.observations == len(statistics.counts):
        return
    within = statistics.within
    explained = np.linalg.lstsq(within[:-1, :-1], within[:-1, -1], rcond=1e-10)[0]
    left = within[-1, -1] - within[:-1, -1] @ explained
    whole = within[-1, -1] + np.einsum("j,j,j->", statistics.means[:, -1], statistics.means[:, -1], statistics.counts)
    if left <= 1e-9 * whole:
        message = (
            "tracks of one artist do not differ in popularity beyond what their features and genres explain, so "
            "nothing says how sure to be; take more tracks, or fewer features"
        )
        raise CorpusRejected(message)


def _write_artists(names: Names, statistics: Statistics, design: Design, folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "artist": pa.array(names, pa.string()),
            "tracks": statistics.counts,
            # Taking the corpus mean and adding it again leaves 1e-14 where 0 should be.
            "raw_mean": np.round(statistics.means[:, -1] + design.popularity_mean, 9),
        }
    )
    pq.write_table(table, folder / "artists.parquet", compression="zstd")


def _write_rows(kept: list[tuple[Names, Floats]], names: Names, change: Floats, folder: Path) -> None:
    """Write ``artist.npy`` (N,), positions of artists; ``z.npy`` (N, D); ``y.npy`` (N,), popularity less its mean."""
    import pandas as pd

    rows = np.concatenate([rows for _, rows in kept]) @ change
    folder.mkdir()
    artist = pd.Index(names).get_indexer(pd.Index(np.concatenate([names for names, _ in kept])))
    np.save(folder / "artist.npy", artist.astype(np.int64), allow_pickle=False)
    np.save(folder / "z.npy", rows[:, :-1], allow_pickle=False)
    np.save(folder / "y.npy", rows[:, -1], allow_pickle=False)
