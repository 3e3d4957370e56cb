"""What a corpus is like as a whole, and whether that will do."""

from __future__ import annotations

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from schemas.errors import CorpusRejected
from schemas.expectations import TABLE_RULES, table_rules
from tasks.ingest.tallies import Tally
from tasks.tracks import read_tracks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from schemas.parameters import IngestParameters
    from schemas.reports import LastCorpus, RowCounts
    from tasks.ingest.inspection import Inspection

_THREADS = 2
_LEVELS = ("genres", "subgenres")
_RECORDING = ("track_name", "duration_ms")
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
        Partitions, at least one.
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
    names = ["popularity", *(level for level in _LEVELS if level in columns)]
    names += _RECORDING if parameters.repeats == "recording" else ()
    known = pa.array(last.genres, pa.string()) if last and last.genres else None

    def counted(part: Path) -> _Tally:
        tally = _Tally(names, known)
        tally.add(read_tracks(part, names))
        if parameters.repeats != "keep":
            tally.counts["without_id"] += _without_id(part)
        return tally

    found = _Tally(names, known)
    with ThreadPoolExecutor(_THREADS) as threads:
        for one in threads.map(counted, parts):
            found.merge(one)
    statistics = {
        "tracks": float(rows.kept),
        "mean_popularity": found.sum() / rows.kept,
        "share_quarantined": rows.quarantined / rows.rows_in,
        **{f"share_{name}": count / rows.kept for name, count in found.counts.items()},
    }
    having = rows.kept - found.counts["without_genre"] if found.levels else 0
    if found.known is not None and having:
        statistics["share_of_new_genres"] = found.new_genres / having
    if last:
        drift = abs(statistics["mean_popularity"] - last.mean_popularity)
        statistics |= {"last_mean": last.mean_popularity, "drift": drift}
    return statistics, tuple(sorted(found.genres)) if len(found.genres) <= _MOST_GENRES else ()


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


def _without_id(part: Path) -> int:
    """Return how many rows have no id, as the file's own counts say: none of them is ever folded."""
    file = pq.read_metadata(part)
    at = file.schema.names.index("track_id")
    counts = [file.row_group(group).column(at).statistics for group in range(file.num_row_groups)]
    if all(count is not None and count.has_null_count for count in counts):
        return sum(count.null_count for count in counts)
    return int(pq.read_table(part, columns=["track_id"])["track_id"].null_count)


class _Tally:
    """Counts, part by part; whatever the parts, the same in the end.

    Parameters
    ----------
    names : sequence of str
        The columns that there are.
    known : pyarrow.Array of string, optional
        The genres of the last corpus.
    """

    def __init__(self, names: Sequence[str], known: pa.Array | None) -> None:
        self.names, self.known = names, known
        self.levels = [level for level in _LEVELS if level in names]
        self.counts: Counter[str] = Counter({"of_zeros": 0})
        self.new_genres = 0
        self.genres: set[str] = set()
        # Whole numbers add up exactly in any order; what is not whole is counted first, and added up by size.
        self._whole = 0
        self._broken: Counter[float] = Counter()

    def add(self, table: pa.Table) -> None:
        """Count a part."""
        values = table["popularity"].to_numpy()
        is_whole = values == np.floor(values)
        self._whole += int(values[is_whole].astype(np.int64).sum())
        self._broken.update(values[~is_whole].tolist())
        self.counts["of_zeros"] += int((values == 0).sum())
        if self.levels:
            self._add_genres(table)
        if set(_RECORDING) <= set(self.names):
            missing = pc.or_(*(pc.is_null(table[name]) for name in _RECORDING))
            self.counts["without_recording"] += pc.sum(missing).as_py()

    def merge(self, other: _Tally) -> None:
        """Add what another one counted."""
        self.counts.update(other.counts)
        self.new_genres += other.new_genres
        self._whole += other._whole
        self._broken.update(other._broken)
        if len(self.genres) <= _MOST_GENRES:
            self.genres |= other.genres

    def sum(self) -> float:
        """Return the sum of popularity."""
        return self._whole + math.fsum(value * count for value, count in sorted(self._broken.items()))

    def _add_genres(self, table: pa.Table) -> None:
        having = np.zeros(table.num_rows, dtype=bool)
        familiar = np.zeros(table.num_rows, dtype=bool)
        for level in self.levels:
            lists = table[level].combine_chunks()
            names = pc.list_flatten(lists)
            having |= pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False) > 0
            if len(self.genres) <= _MOST_GENRES:
                self.genres.update(pc.unique(names).to_pylist())
            if self.known is not None:
                rows = pc.list_parent_indices(lists).to_numpy()
                familiar[rows[pc.is_in(names, value_set=self.known).to_numpy(zero_copy_only=False)]] = True
        self.counts["without_genre"] += int((~having).sum())
        self.new_genres += int((having & ~familiar).sum())
