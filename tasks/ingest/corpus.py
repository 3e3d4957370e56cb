"""Ingest: any public layout in, canonical Parquet, quarantine, report and Data Docs out."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from schemas.errors import CorpusRejected
from schemas.expectations import CORPUS_RULES, row_rules
from schemas.reports import IngestReport, RowCounts, SourceReport
from schemas.tracks import COLUMNS, arrow_schema
from tasks.ingest.coercion import coerce
from tasks.ingest.quarantine import Quarantine
from tasks.ingest.readers import open_reader
from tasks.ingest.recognition import recognise
from tasks.ingest.repeats import Fold, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.expectations import Rule
    from schemas.parameters import IngestParameters
    from schemas.references import Source
    from tasks.ingest.inspection import Inspection
    from tasks.ingest.readers import Partition, Reader
    from tasks.ingest.recognition import Recognised

_CORPUS_SUITE = "corpus"


@dataclass(frozen=True)
class _Opened:
    """A source that has been looked at: its place among the sources, its columns and its layout."""

    index: int
    source: Source
    reader: Reader
    recognised: Recognised

    @property
    def suite(self) -> str:
        # Numbers and the names of our own layouts: a source's name must not become a path.
        return f"source-{self.index + 1}-{self.recognised.layout.name}"

    @property
    def rules(self) -> tuple[Rule, ...]:
        return row_rules(self.recognised.positions)


def ingest_corpus(
    sources: Sequence[Source],
    parameters: IngestParameters,
    folder: Path,
    progress: Callable[[int, int | None], None] | None = None,
) -> IngestReport:
    """Read, validate and fold a corpus.

    Parameters
    ----------
    sources : sequence of Source
        As `sources.find_sources` returns them.
    parameters : IngestParameters
    folder : Path
        Is given ``tracks/part-00000.parquet`` and so on, ``quarantine.parquet``, ``report.json`` and ``data_docs/``.
        The same sources and parameters give the same bytes.
    progress : callable, optional
        Told how many rows have been read, and of how many where that is known.

    Returns
    -------
    IngestReport

    Raises
    ------
    CorpusRejected
        If a source cannot be read or has an unknown layout, or too many of its rows are bad.
    """
    opened = [_open(index, source, parameters) for index, source in enumerate(sources)]
    totals = [one.reader.total for one in opened]
    total = None if None in totals else sum(filter(None, totals))

    # It takes seconds to import, so a corpus that cannot be read at all is rejected before.
    from tasks.ingest.inspection import Inspection

    inspection = Inspection()
    scratch = folder / ".scratch"
    scratch.mkdir()
    try:
        sifted, fresh = _Parts(scratch), _Parts(folder / "tracks")
        rows_in: list[int] = []
        with Quarantine(folder / "quarantine.parquet") as quarantine:
            for one in opened:
                inspection.add_suite(one.suite, one.rules)
                count = 0
                for partition in one.reader.partitions(parameters.partition_rows):
                    good = _sift(one, partition, inspection, quarantine)
                    (sifted if parameters.repeats == "drop" else fresh).write(good)
                    count += len(partition.rows) + len(partition.malformed)
                    if progress:
                        progress(sum(rows_in) + count, total)
                rows_in.append(count)
        _check(sum(rows_in), quarantine, parameters, opened)
        folded = fold(sifted.paths, scratch, fresh.write) if parameters.repeats == "drop" else Fold(0, 0)
    finally:
        shutil.rmtree(scratch)
    rows = RowCounts(rows_in=sum(rows_in), kept=fresh.rows, repeats=folded.repeats, quarantined=quarantine.rows)
    if not rows.balanced:
        message = f"rows went missing: {rows}"
        raise RuntimeError(message)
    statistics = _statistics(fresh.paths, rows)
    mean = statistics.pop("mean_popularity")
    report = IngestReport(
        sources=tuple(_reported(one, count) for one, count in zip(opened, rows_in, strict=True)),
        rows=rows,
        reasons=quarantine.counted(),
        columns=tuple(
            column.name for column in COLUMNS if all(column.name in one.recognised.positions for one in opened)
        ),
        conflicts=folded.conflicts,
        mean_popularity=mean,
        share_of_zeros=statistics["share_of_zeros"],
        warnings=_warnings(inspection, statistics, parameters),
    )
    inspection.write_data_docs(folder / "data_docs")
    (folder / "report.json").write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return report


class _Parts:
    """Canonical Parquet, written part by part."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self.paths: list[Path] = []
        self.rows = 0

    def write(self, tracks: pa.Table) -> None:
        if tracks.num_rows:
            path = self._folder / f"part-{len(self.paths):05}.parquet"
            pq.write_table(tracks, path, compression="zstd")
            self.paths.append(path)
            self.rows += tracks.num_rows


def _open(index: int, source: Source, parameters: IngestParameters) -> _Opened:
    reader = open_reader(source, parameters.max_unfold)
    return _Opened(index, source, reader, recognise(source.name, reader.names))


def _sift(one: _Opened, partition: Partition, inspection: Inspection, quarantine: Quarantine) -> pa.Table:
    """Return the good rows of a partition as canonical tracks; the bad ones go to quarantine."""
    from tasks.ingest.inspection import row_frame

    if not len(partition.rows):
        quarantine.add(one.source, one.reader.names, partition, {})
        return arrow_schema().empty_table()
    values, unreadable = coerce(one.source.name, partition.table, one.recognised)
    frame = row_frame(values, unreadable, one.rules, partition.rows)
    run = f"rows-{partition.rows[0]}-to-{partition.rows[-1]}"
    reasons = _reasons(inspection.inspect(one.suite, run, frame))
    quarantine.add(one.source, one.reader.names, partition, reasons)
    good = pa.array([row not in reasons for row in partition.rows.tolist()], pa.bool_())
    return _canonical(one.index, partition.rows, values).filter(good)


def _reasons(broken: Sequence[tuple[Rule, NDArray[np.int64]]]) -> dict[int, list[str]]:
    reasons: dict[int, list[str]] = {}
    unreadable: set[tuple[str, int]] = set()
    for rule, rows in broken:
        for row in rows.tolist():
            if rule.kind == "readable":
                unreadable.add((rule.column, row))
            elif rule.kind == "not_null" and (rule.column, row) in unreadable:
                continue  # something is there, after all
            reasons.setdefault(row, []).append(rule.reason)
    return reasons


def _canonical(source: int, rows: NDArray[np.int64], values: pa.Table) -> pa.Table:
    count = values.num_rows
    columns = [pa.array(np.full(count, source, dtype=np.int32)), pa.array(rows)]
    columns += [
        values[field.name] if field.name in values.column_names else pa.nulls(count, field.type)
        for field in list(arrow_schema())[2:]
    ]
    return pa.table(columns, schema=arrow_schema())


def _check(rows_in: int, quarantine: Quarantine, parameters: IngestParameters, opened: Sequence[_Opened]) -> None:
    """Raise if there is nothing to go on with, or too much in quarantine."""
    if not rows_in:
        message = f"there are no rows in {', '.join(one.source.name for one in opened)}: fetch the corpus again"
        raise CorpusRejected(message)
    bad = quarantine.rows
    if bad < rows_in and bad <= parameters.max_bad_share * rows_in:
        return
    commonest = next(iter(quarantine.counted()))
    row, source = quarantine.first[commonest]
    allowed = "so none is left" if bad == rows_in else f"more than the allowed {parameters.max_bad_share:.0%}"
    advice = "mend them" if bad == rows_in else "mend them or raise --max-bad-share"
    message = (
        f"{bad:,} of {rows_in:,} rows are bad, {allowed}; the commonest reason is `{commonest}`; "
        f"the first is row {row:,} of {source.name}; {advice}"
    )
    raise CorpusRejected(message)


def _statistics(parts: Sequence[Path], rows: RowCounts) -> dict[str, float]:
    """Return what the rules for a whole corpus are about; the same however it was cut into parts."""
    zeros = nameless = 0

    def popularities() -> Iterator[float]:
        nonlocal zeros, nameless
        for part in parts:
            table = pq.read_table(part, columns=["popularity", "track_id"])
            values = table["popularity"].to_numpy()
            zeros += int((values == 0).sum())
            nameless += table["track_id"].null_count
            yield from values.tolist()

    total = math.fsum(popularities())  # exact, whatever the order
    return {
        "mean_popularity": total / rows.kept,
        "tracks": float(rows.kept),
        "share_of_zeros": zeros / rows.kept,
        "share_quarantined": rows.quarantined / rows.rows_in,
        "share_without_id": nameless / rows.kept,
    }


def _warnings(inspection: Inspection, statistics: Mapping[str, float], parameters: IngestParameters) -> tuple[str, ...]:
    from tasks.ingest.inspection import statistics_frame

    # Repeats that are kept need no id.
    rules = [rule for rule in CORPUS_RULES if rule.column != "share_without_id" or parameters.repeats == "drop"]
    inspection.add_suite(_CORPUS_SUITE, rules)
    broken = inspection.inspect(_CORPUS_SUITE, "whole", statistics_frame(statistics))
    return tuple(rule.reason.format(value=statistics[rule.column]) for rule, _ in broken)


def _reported(one: _Opened, rows_in: int) -> SourceReport:
    return SourceReport(
        name=one.source.name,
        sha256=one.source.sha256,
        layout=one.recognised.layout.name,
        why="; ".join(filter(None, [one.recognised.why, one.reader.note])),
        rows_in=rows_in,
    )
