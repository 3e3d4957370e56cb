"""Ingest: any public layout in, canonical Parquet, quarantine, report and Data Docs out."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from schemas.errors import CorpusRejected
from schemas.expectations import noted_warning, row_rules
from schemas.reports import IngestReport, RowCounts, SourceReport
from schemas.tracks import COLUMNS, arrow_schema
from tasks.ingest.coercion import coerce
from tasks.ingest.noting import bad_rows, without_noted
from tasks.ingest.quarantine import Quarantine
from tasks.ingest.readers import open_reader
from tasks.ingest.recognition import recognise
from tasks.ingest.recordings import fold_recordings
from tasks.ingest.repeats import Fold, fold
from tasks.ingest.table import judge, statistics_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.expectations import Rule
    from schemas.parameters import IngestParameters
    from schemas.references import Source
    from schemas.reports import LastCorpus
    from tasks.ingest.inspection import Inspection
    from tasks.ingest.readers import Partition, Reader
    from tasks.ingest.recognition import Recognised


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
    last: LastCorpus | None = None,
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
    last : LastCorpus, optional
        The corpus of this name before this one, to hold this one against.

    Returns
    -------
    IngestReport

    Raises
    ------
    CorpusRejected
        If a source cannot be read or has an unknown layout, too many of its rows are bad, or the corpus as a whole
        breaks a rule that is to reject it.
    """
    opened = [_open(index, source) for index, source in enumerate(sources)]
    totals = [one.reader.total for one in opened]
    total = None if None in totals else sum(filter(None, totals))

    # It takes seconds to import, so a corpus that cannot be read at all is rejected before.
    from tasks.ingest.inspection import Inspection

    inspection = Inspection()
    scratch = folder / ".scratch"
    scratch.mkdir()
    try:
        sifted, folded, fresh = _Parts(scratch / "sifted"), _Parts(scratch / "folded"), _Parts(folder / "tracks")
        rows_in: list[int] = []
        noted: Counter[str] = Counter()
        with Quarantine(folder / "quarantine.parquet") as quarantine:
            for one in opened:
                inspection.add_suite(one.suite, one.rules)
                count = 0
                for partition in one.reader.partitions(parameters.partition_rows):
                    good, emptied = _sift(one, partition, inspection, quarantine)
                    noted.update(emptied)
                    (fresh if parameters.repeats == "keep" else sifted).write(good)
                    count += len(partition.rows) + len(partition.malformed)
                    if progress:
                        progress(sum(rows_in) + count, total)
                rows_in.append(count)
        _check(sum(rows_in), quarantine, parameters, opened)
        by_id, recordings = Fold(0, 0), 0
        if parameters.repeats == "drop":
            by_id = fold(sifted.paths, scratch, fresh.write)
        elif parameters.repeats == "recording":
            by_id = fold(sifted.paths, scratch, folded.write)
            recordings = fold_recordings(folded.paths, scratch, fresh.write)
    finally:
        shutil.rmtree(scratch)
    rows = RowCounts(
        rows_in=sum(rows_in),
        kept=fresh.rows,
        repeats=by_id.repeats + recordings,
        quarantined=quarantine.rows,
        recordings=recordings,
    )
    if not rows.balanced:
        message = f"rows went missing: {rows}"
        raise RuntimeError(message)
    present = {column for one in opened for column in one.recognised.positions}
    statistics, genres = statistics_of(fresh.paths, rows, parameters, present, last)
    noted_first = dict(sorted(noted.items(), key=lambda item: (-item[1], item[0])))
    report = IngestReport(
        sources=tuple(_reported(one, count) for one, count in zip(opened, rows_in, strict=True)),
        rows=rows,
        reasons=quarantine.counted(),
        columns=tuple(
            column.name for column in COLUMNS if all(column.name in one.recognised.positions for one in opened)
        ),
        conflicts=by_id.conflicts,
        mean_popularity=statistics["mean_popularity"],
        share_of_zeros=statistics["share_of_zeros"],
        warnings=(
            *judge(inspection, statistics, parameters),
            *(noted_warning(reason, count) for reason, count in noted_first.items()),
        ),
        noted=noted_first,
        genres=genres,
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


def _open(index: int, source: Source) -> _Opened:
    reader = open_reader(source)
    return _Opened(index, source, reader, recognise(source.name, reader.names))


def _sift(
    one: _Opened, partition: Partition, inspection: Inspection, quarantine: Quarantine
) -> tuple[pa.Table, dict[str, int]]:
    """Return the good rows of a partition as canonical tracks, and what was left out of how many of them.

    The bad ones go to quarantine.
    """
    from tasks.ingest.inspection import row_frame

    if not len(partition.rows):
        quarantine.add(one.source, one.reader.names, partition, {})
        return arrow_schema().empty_table(), {}
    values, unreadable = coerce(one.source.name, partition.table, one.recognised)
    frame = row_frame(values, unreadable, one.rules, partition.rows)
    run = f"rows-{partition.rows[0]}-to-{partition.rows[-1]}"
    broken = inspection.inspect(one.suite, run, frame)
    reasons = bad_rows(broken)
    values, noted = without_noted(values, partition.rows, broken, reasons)
    quarantine.add(one.source, one.reader.names, partition, reasons)
    good = pa.array([row not in reasons for row in partition.rows.tolist()], pa.bool_())
    return _canonical(one.index, partition.rows, values).filter(good), noted


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


def _reported(one: _Opened, rows_in: int) -> SourceReport:
    return SourceReport(
        name=one.source.name,
        sha256=one.source.sha256,
        layout=one.recognised.layout.name,
        why=one.recognised.why,
        rows_in=rows_in,
    )
