"""Tracks in, artists and sufficient statistics out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from schemas.errors import CorpusRejected, InvalidParameter
from schemas.reports import Design, DesignColumn, IngestReport
from tasks.group.design import Plan, block_of, needed, plan_for, rows_of
from tasks.group.sums import Sums, merge, statistics_of, sums_of, transformed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.parameters import GroupParameters
    from schemas.statistics import Statistics

    Names = NDArray[np.object_]
    Floats = NDArray[np.float64]

# The row engine holds Z in memory; beyond this many cells it would not fit beside its own compiled model.
MOST_CELLS = 50_000_000
_FEWEST_TRACKS = 10


def group_tracks(
    ingested: Path,
    parameters: GroupParameters,
    folder: Path,
    *,
    keep_rows: bool = False,
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
        If rows are wanted and there are too many.
    """
    import pyarrow.parquet as pq

    report = IngestReport.model_validate_json((ingested / "report.json").read_text(encoding="utf-8"))
    partitions = sorted((ingested / "tracks").glob("*.parquet"))
    plan = plan_for(partitions, report.columns, parameters)
    sums: Sums | None = None
    kept = []
    for done, partition in enumerate(partitions):
        names, rows = rows_of(pq.read_table(partition, columns=needed(plan)), plan)
        with threadpool_limits(1):
            part = sums_of(names, rows)
        sums = part if sums is None else merge(sums, part)
        if keep_rows:
            if sums.observations * rows.shape[1] > MOST_CELLS:
                message = (
                    f"the corpus is too large for the row engine (over {MOST_CELLS:,} numbers); use --engine "
                    "collapsed, which is exact and does not grow with the tracks, or fewer features"
                )
                raise InvalidParameter(message)
            kept.append((names, rows))
        progress(done + 1, len(partitions))
    if sums is None or sums.observations < _FEWEST_TRACKS:
        message = f"only {sums.observations if sums else 0} tracks are left; at least {_FEWEST_TRACKS} are needed"
        raise CorpusRejected(message)
    # Sums come in another order with several threads of BLAS, and the same tracks must give the same bits.
    with threadpool_limits(1):
        design, statistics, names_of = _standardise(sums, plan, parameters)
    _reject_if_nothing_varies_within_artists(statistics)
    (folder / "design.json").write_text(design.model_dump_json(indent=1), encoding="utf-8")
    statistics.save(folder / "statistics")
    _write_artists(names_of, statistics, design, folder)
    if keep_rows:
        _write_rows(kept, names_of, plan, design, folder / "rows")
    return design


def _standardise(sums: Sums, plan: Plan, parameters: GroupParameters) -> tuple[Design, Statistics, Names]:
    """Scale the features, drop those that do not vary, and put the artists in the order of their names."""
    order = np.argsort(sums.names, kind="stable")
    sums = Sums(sums.names[order], sums.counts[order], sums.totals[order], sums.cross)
    features, count = len(plan.features), sums.cross.shape[0]
    mean = sums.cross[0] / sums.observations
    sd = np.sqrt(np.maximum(np.diag(sums.cross) / sums.observations - mean**2, 0))
    shift, scale = np.zeros(count), np.ones(count)
    shift[1 : 1 + features] = mean[1 : 1 + features]
    scale[1 : 1 + features] = np.where(sd[1 : 1 + features] > 0, sd[1 : 1 + features], 1)
    shift[-1] = mean[-1]
    # A spread this far below the size of the numbers is their rounding, not a spread.
    varies = sd[1 : 1 + features] > 1e-9 * (1 + np.abs(plan.centre[:-1]))
    if sd[-1] <= 1e-9 * (1 + abs(plan.centre[-1])):
        message = f"every track has popularity {plan.centre[-1]:g}; there is nothing to tell artists apart by"
        raise CorpusRejected(message)
    keep = np.concatenate([[True], varies, np.ones(count - 1 - features, dtype=bool)])
    whole = transformed(sums, shift, scale)
    statistics = statistics_of(Sums(whole.names, whole.counts, whole.totals[:, keep], whole.cross[np.ix_(keep, keep)]))
    columns = [DesignColumn(name="intercept", kind="intercept")]
    columns += [
        DesignColumn(
            name=name,
            kind="feature",
            block=block_of(name),
            centre=float(plan.centre[position] + mean[1 + position]),
            scale=float(scale[1 + position]),
        )
        for position, name in enumerate(plan.features)
        if varies[position]
    ]
    columns += [DesignColumn(name=name, kind="genre") for name in plan.genres]
    dropped = [name for position, name in enumerate(plan.features) if not varies[position]]
    dropped += [name for name in parameters.wanted_features() if name not in plan.features]
    dropped += ["the only genre"] if plan.lone_genre else []
    design = Design(
        columns=tuple(columns),
        observations=sums.observations,
        artists=len(sums.names),
        popularity_mean=float(plan.centre[-1] + mean[-1]),
        popularity_sd=float(sd[-1]),
        dropped=tuple(dropped),
        genre_level=plan.genre_level,
    )
    return design, statistics, sums.names


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


def _write_rows(
    kept: list[tuple[Names, Floats]],
    names: Names,
    plan: Plan,
    design: Design,
    folder: Path,
) -> None:
    """Write ``artist.npy`` (N,), positions of artists; ``z.npy`` (N, D); ``y.npy`` (N,), popularity less its mean."""
    import pandas as pd

    rows = np.concatenate([rows for _, rows in kept])
    scaled = {column.name: column for column in design.columns if column.kind == "feature"}
    z = [rows[:, :1]]
    for position, name in enumerate(plan.features):
        if column := scaled.get(name):
            centred = rows[:, 1 + position] + plan.centre[position] - column.centre
            z.append(centred[:, None] / column.scale)
    z.append(rows[:, 1 + len(plan.features) : -1])
    folder.mkdir()
    artist = pd.Index(names).get_indexer(pd.Index(np.concatenate([names for names, _ in kept])))
    np.save(folder / "artist.npy", artist.astype(np.int64), allow_pickle=False)
    np.save(folder / "z.npy", np.hstack(z), allow_pickle=False)
    np.save(folder / "y.npy", rows[:, -1] + plan.centre[-1] - design.popularity_mean, allow_pickle=False)
