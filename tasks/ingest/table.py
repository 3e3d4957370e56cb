"""What a corpus is like as a whole, and whether that will do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import CorpusRejected
from schemas.expectations import TABLE_RULES, table_rules
from tasks.changes import UNIONS
from tasks.ingest.sums import has_some
from tasks.ingest.tallies import Tally
from tasks.tracks import read_tracks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from schemas.parameters import IngestParameters
    from schemas.reports import LastCorpus, RowCounts
    from tasks.ingest.inspection import Inspection
    from tasks.ingest.sums import Sums

_THREADS = 2
_RECORDING = ("track_name", "duration_ms")


def statistics_of(
    total: Sums,
    rows: RowCounts,
    parameters: IngestParameters,
    columns: Collection[str],
    parts: Mapping[Path, Sums],
    last: LastCorpus | None = None,
) -> dict[str, float]:
    """Return what the rules for a whole corpus are about; the same however it was cut into parts.

    Parameters
    ----------
    total : Sums
        Of the tracks that are kept.
    rows : RowCounts
    parameters : IngestParameters
    columns : collection of str
        Canonical columns that any source has.
    parts : mapping of Path to Sums
        Partitions, at least one, and what there is in each.
    last : LastCorpus, optional
        The corpus of this name before this one.

    Returns
    -------
    dict of str to float
        By the names in `schemas.expectations.TABLE_RULES`; besides ``mean_popularity`` and ``last_mean``, in points.
        What cannot be asked of this corpus is not in it.
    """
    counts = {"of_zeros": total.zeros}
    levels = [level for level in UNIONS if level in columns]
    if levels:
        counts["without_genre"] = total.without_genre
    if parameters.repeats != "keep":
        counts["without_id"] = total.without_id
    if parameters.repeats == "recording":
        counts["without_recording"] = _counted(_without_recording, parts)
    statistics = {
        "tracks": float(rows.kept),
        "mean_popularity": total.mean_popularity,
        "share_quarantined": rows.quarantined / rows.rows_in,
        **{f"share_{name}": count / rows.kept for name, count in counts.items()},
    }
    having = rows.kept - total.without_genre
    if last and last.genres and having:
        known = frozenset(last.genres)
        # Where all genres of a partition are known, its tracks have none but those, and others from repeats besides.
        asked = [part for part, sums in parts.items() if sums.genres is None or not sums.genres <= known]
        statistics["share_of_new_genres"] = _counted(lambda part: _with_new_genres(part, known), asked) / having
    if last:
        drift = abs(statistics["mean_popularity"] - last.mean_popularity)
        statistics |= {"last_mean": last.mean_popularity, "drift": drift}
    return statistics


def judge(
    inspection: Inspection, statistics: Mapping[str, float], parameters: IngestParameters
) -> tuple[tuple[str, ...], Tally]:
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
    warnings : tuple of str
        A sentence for each rule that it breaks and that only warns.
    tally : Tally
        What was found, for the Data Docs.

    Raises
    ------
    CorpusRejected
        If it breaks one that rejects.
    """
    from tasks.ingest.frames import statistics_frame

    limits = parameters.model_dump(include={rule.limit for rule in TABLE_RULES if isinstance(rule.limit, str)})
    rules = table_rules(statistics, limits, parameters.rejecting())
    found = inspection.validate(rules, statistics_frame(statistics))
    broken = [rule for rule, _, _ in found]
    tally = Tally()
    values = pa.table({name: [value] for name, value in statistics.items()})
    tally.add(rules, values, 1, [(rule, where) for rule, where, _ in found])
    for rule, _, examples in found:
        tally.show(rule, examples)
    said = {rule.column: rule.reason.format(value=statistics[rule.column], **statistics) for rule in broken}
    critical = [rule.column for rule in broken if rule.severity == "critical"]
    if critical:
        options = {rule.statistic: f"--{str(rule.limit).replace('_', '-')}" for rule in TABLE_RULES}
        message = (
            f"the corpus is rejected, as --reject-on asks: {'; '.join(said[column] for column in critical)}; mend it, "
            f"or change {' and '.join(dict.fromkeys(options[column] for column in critical))}"
        )
        raise CorpusRejected(message)
    return tuple(said.values()), tally


def _counted(count: Callable[[Path], int], parts: Iterable[Path]) -> int:
    with ThreadPoolExecutor(_THREADS) as threads:
        return sum(threads.map(count, parts))


def _without_recording(part: Path) -> int:
    tracks = read_tracks(part, _RECORDING)
    return int(pc.sum(pc.or_(*(pc.is_null(tracks[name]) for name in _RECORDING)), min_count=0).as_py())


def _with_new_genres(part: Path, known: Collection[str]) -> int:
    """Return how many tracks have genres, and none that is known."""
    tracks = read_tracks(part, UNIONS)
    having, familiar = (np.zeros(tracks.num_rows, dtype=bool) for _ in range(2))
    for level in UNIONS:
        lists = tracks[level].combine_chunks()
        having |= has_some(lists)
        found = pc.is_in(pc.list_flatten(lists), value_set=pa.array(sorted(known), pa.string()))
        familiar[pc.list_parent_indices(lists).to_numpy()[found.to_numpy(zero_copy_only=False)]] = True
    return int((having & ~familiar).sum())
