"""What a corpus is like as a whole, and whether that will do."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from schemas.errors import CorpusRejected
from schemas.expectations import TABLE_RULES, table_rules

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.parameters import IngestParameters
    from schemas.reports import LastCorpus, RowCounts
    from tasks.ingest.inspection import Inspection

_SUITE = "corpus"
_LEVELS = ("genres", "subgenres")
_MOST_GENRES = 10_000  # more are no genres, and would swell every manifest


def statistics_of(
    parts: Sequence[Path],
    rows: RowCounts,
    parameters: IngestParameters,
    columns: Collection[str],
    last: LastCorpus | None = None,
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return what the rules for a whole corpus are about; the same however it was cut into parts.

    Parameters
    ----------
    parts : sequence of Path
        Canonical Parquet of the kept rows, at least one.
    rows : RowCounts
    parameters : IngestParameters
    columns : collection of str
        Canonical columns that any source has.
    last : LastCorpus, optional
        The corpus of this name before this one.

    Returns
    -------
    statistics : dict of str to float
        By the names in `schemas.expectations.TABLE_RULES`; besides ``mean_popularity`` and ``last_mean``, in points.
        What cannot be asked of this corpus is not in it.
    genres : tuple of str
        All genres, sorted; empty where there are more than some thousands.
    """
    levels = [level for level in _LEVELS if level in columns]
    names = ["popularity", *levels]
    if parameters.repeats != "keep":
        names += ["track_id"]
    if parameters.repeats == "recording":
        names += ["track_name", "duration_ms"]
    known = pa.array(last.genres, pa.string()) if last and last.genres else None
    # Whole numbers add up exactly in any order; what is not whole is counted first, and added up by size.
    whole = zeros = without_genre = without_id = without_recording = new_genres = 0
    broken: Counter[float] = Counter()
    genres: set[str] = set()
    for part in parts:
        table = pq.read_table(part, columns=names)
        values = table["popularity"].to_numpy()
        is_whole = values == np.floor(values)
        whole += int(values[is_whole].astype(np.int64).sum())
        broken.update(values[~is_whole].tolist())
        zeros += int((values == 0).sum())
        if levels:
            having, familiar = _genres(table, levels, genres, known)
            without_genre += int((~having).sum())
            new_genres += int((having & ~familiar).sum())
        if "track_id" in names:
            without_id += table["track_id"].null_count
        if "track_name" in names:
            without_recording += pc.sum(
                pc.or_(pc.is_null(table["track_name"]), pc.is_null(table["duration_ms"])).cast(pa.int64())
            ).as_py()
    mean = (whole + math.fsum(value * count for value, count in sorted(broken.items()))) / rows.kept
    statistics = {
        "tracks": float(rows.kept),
        "mean_popularity": mean,
        "share_of_zeros": zeros / rows.kept,
        "share_quarantined": rows.quarantined / rows.rows_in,
    }
    if levels:
        statistics["share_without_genre"] = without_genre / rows.kept
    if levels and known is not None and rows.kept > without_genre:
        statistics["share_of_new_genres"] = new_genres / (rows.kept - without_genre)
    if "track_id" in names:
        statistics["share_without_id"] = without_id / rows.kept
    if "track_name" in names:
        statistics["share_without_recording"] = without_recording / rows.kept
    if last:
        statistics |= {"last_mean": last.mean_popularity, "drift": abs(mean - last.mean_popularity)}
    return statistics, tuple(sorted(genres)) if len(genres) <= _MOST_GENRES else ()


def judge(inspection: Inspection, statistics: Mapping[str, float], parameters: IngestParameters) -> tuple[str, ...]:
    """Have Great Expectations hold a whole corpus against the table rules.

    Parameters
    ----------
    inspection : Inspection
    statistics : mapping of str to float
        As `statistics_of` returns them.
    parameters : IngestParameters
        The limits, and which of them reject.

    Returns
    -------
    tuple of str
        A sentence for each rule that it breaks and that only warns.

    Raises
    ------
    CorpusRejected
        If it breaks one that rejects.
    """
    from tasks.ingest.inspection import statistics_frame

    limits = parameters.model_dump(include={rule.limit for rule in TABLE_RULES if isinstance(rule.limit, str)})
    inspection.add_suite(_SUITE, table_rules(statistics, limits, parameters.rejecting()))
    broken = [rule for rule, _ in inspection.inspect(_SUITE, "whole", statistics_frame(statistics))]
    said = {rule.column: rule.reason.format(value=statistics[rule.column], **statistics) for rule in broken}
    critical = [rule.column for rule in broken if rule.severity == "critical"]
    if critical:
        options = {rule.statistic: f"--{str(rule.limit).replace('_', '-')}" for rule in TABLE_RULES}
        message = (
            f"the corpus is rejected, as --reject-on asks: {'; '.join(said[column] for column in critical)}; mend it, "
            f"or change {' and '.join(dict.fromkeys(options[column] for column in critical))}"
        )
        raise CorpusRejected(message)
    return tuple(said.values())


def _genres(
    table: pa.Table, levels: Sequence[str], genres: set[str], known: pa.Array | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which rows have a genre, and which have one that is known; adds the genres to `genres`."""
    having = np.zeros(table.num_rows, dtype=bool)
    familiar = np.zeros(table.num_rows, dtype=bool)
    for level in levels:
        lists = table[level].combine_chunks()
        names, rows = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy()
        having[rows] = True
        if len(genres) <= _MOST_GENRES:
            genres.update(pc.unique(names).to_pylist())
        if known is not None:
            familiar[rows[pc.is_in(names, value_set=known).to_numpy(zero_copy_only=False)]] = True
    return having, familiar
