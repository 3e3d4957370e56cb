"""From sources that have been read to one corpus: repeats folded, judged as a whole, and written down."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet as pq

from schemas.errors import CorpusRejected
from schemas.expectations import noted_warning
from schemas.quarantine import QUARANTINE, quarantine_schema
from schemas.reports import IngestReport, RowCounts, SiftReport, SourceReport
from schemas.tracks import COLUMNS
from tasks.changes import CHANGES
from tasks.ingest import sifting
from tasks.ingest.folding import Sifted, folded, linked, recordings_folded
from tasks.ingest.memory import give_back
from tasks.ingest.repeats import Fold
from tasks.ingest.sums import SUMMED, Sums
from tasks.ingest.table import judge as judged
from tasks.ingest.table import statistics_of
from tasks.ingest.tallies import Tally
from tasks.storage import sync
from tasks.tracks import TRACKS, count_tracks, partitions_of, read_tracks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from schemas.parameters import IngestParameters
    from schemas.reports import LastCorpus
    from tasks.ingest.inspection import Documents, Inspection

REPORT = "report.json"
_MANY = 3_000_000  # rows, from which on the memory of reading and that of folding want not to add up


def merge(
    sifted: Sequence[Sifted],
    parameters: IngestParameters,
    folder: Path,
    inspection: Inspection,
    last: LastCorpus | None = None,
    base: Path | None = None,
    read: int | None = None,
) -> tuple[IngestReport, dict[str, str]]:
    """Make one corpus of sources that have been read.

    Parameters
    ----------
    sifted : sequence of Sifted
    parameters : IngestParameters
    folder : Path
        As for `corpus.ingest_corpus`.
    inspection : Inspection
        Judges the corpus as a whole.
    last : LastCorpus, optional
        The corpus of this name before this one.
    base : Path, optional
        What this made of some of the sources in the same way: only the others are folded anew.

    read : int, optional
        Rows that have been read just now, if not all of them.

    Returns
    -------
    report : IngestReport
    hashes : dict of str to str
        SHA-256 of the files of changes that were made, by path; they are on the disk.

    Raises
    ------
    CorpusRejected
        If too many rows are bad, or the corpus as a whole breaks a rule that is to reject it.
    """
    reports = [one.report for one in sifted]
    rows_in, quarantined = sum(one.rows_in for one in reports), sum(one.quarantined for one in reports)
    reasons = _counted(report.reasons for report in reports)
    if (rows_in if read is None else read) > _MANY:
        give_back()
    with ThreadPoolExecutor(1) as beside:  # what is in quarantine is there to be looked at if the corpus is rejected
        putting_away = beside.submit(_write_quarantine, sifted, folder / QUARANTINE)
        _check(rows_in, quarantined, reasons, parameters, list(zip(sifted, reports, strict=True)))
        documents = _documented(reports, inspection.documents(folder / "data_docs"))
        parts = linked(list(zip(sifted, reports, strict=True)), folder / TRACKS)
        by_id = Fold() if parameters.repeats == "keep" else folded(parts, parameters, folder, base)
        putting_away.result()
        summed = {part.place: part.sums for part in parts}
        total = sum(summed.values(), Sums()) - by_id.gone
        written = {f"{CHANGES}/{name}": sha256 for name, sha256 in by_id.hashes.items()}
        recordings = 0
        if parameters.repeats == "recording":
            recordings, written = recordings_folded(folder), {}
            summed = {place: Sums.of(read_tracks(place, SUMMED)) for place in partitions_of(folder)}
            total = sum(summed.values(), Sums())
        syncing = beside.submit(_put_on_the_disk, folder, written)
        rows = RowCounts(
            rows_in=rows_in,
            kept=count_tracks(folder),
            repeats=by_id.repeats + recordings,
            quarantined=quarantined,
            recordings=recordings,
        )
        if not rows.balanced or rows.kept != total.rows:
            message = f"rows went missing: {rows}, and {total.rows} by their sums"
            raise RuntimeError(message)
        present = {column for report in reports for column in report.columns}
        statistics = statistics_of(total, rows, parameters, present, summed, last)
        warnings, tally = judged(inspection, statistics, parameters)
        syncing.result()
    if tally.counts:
        documents.add("corpus", tally)
    noted = _counted(report.noted for report in reports)
    report = IngestReport(
        sources=tuple(_reported(one, found) for one, found in zip(sifted, reports, strict=True)),
        rows=rows,
        reasons=reasons,
        columns=tuple(column.name for column in COLUMNS if all(column.name in one.columns for one in reports)),
        conflicts=by_id.conflicts,
        mean_popularity=statistics["mean_popularity"],
        share_of_zeros=statistics["share_of_zeros"],
        warnings=(*warnings, *(noted_warning(reason, count) for reason, count in noted.items())),
        noted=noted,
        genres=tuple(sorted(total.genres or ())),
    )
    documents.close()
    (folder / REPORT).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return report, written


def _put_on_the_disk(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        sync(folder / name)


def _counted(found: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return reasons and numbers of rows, the commonest first."""
    counts: Counter[str] = Counter()
    for one in found:
        counts.update(one)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _check(
    rows_in: int,
    bad: int,
    reasons: Mapping[str, int],
    parameters: IngestParameters,
    sifted: Sequence[tuple[Sifted, SiftReport]],
) -> None:
    """Raise if there is nothing to go on with, or too much in quarantine."""
    if not rows_in:
        message = f"there are no rows in {', '.join(one.source.name for one, _ in sifted)}: fetch the corpus again"
        raise CorpusRejected(message)
    if bad < rows_in and bad <= parameters.max_bad_share * rows_in:
        return
    commonest = next(iter(reasons))
    source, row = next((one.source, report.first[commonest]) for one, report in sifted if commonest in report.first)
    allowed = "so none is left" if bad == rows_in else f"more than the allowed {parameters.max_bad_share:.0%}"
    advice = "mend them" if bad == rows_in else "mend them or raise --max-bad-share"
    message = (
        f"{bad:,} of {rows_in:,} rows are bad, {allowed}; the commonest reason is `{commonest}`; "
        f"the first is row {row:,} of {source.name}; {advice}"
    )
    raise CorpusRejected(message)


def _write_quarantine(sifted: Sequence[Sifted], file: Path) -> None:
    """Write the bad rows of all sources, each with the name of its source."""
    schema = quarantine_schema()
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for one in sifted:
            with pq.ParquetFile(one.folder / QUARANTINE) as rows:
                for batch in rows.iter_batches():
                    name = pa.repeat(pa.scalar(one.source.name, pa.string()), batch.num_rows)
                    writer.write_table(pa.table([name, *batch.columns], schema=schema))


def _documented(reports: Sequence[SiftReport], documents: Documents) -> Documents:
    """Have a page of the Data Docs written for each layout."""
    tallies: dict[str, Tally] = {}
    for report in reports:
        tallies.setdefault(f"rows-{report.layout}", Tally()).merge(Tally.from_plain(report.tally))
    for name, tally in tallies.items():
        if tally.counts:
            documents.add(name, tally)
    return documents


def _reported(one: Sifted, found: SiftReport) -> SourceReport:
    return SourceReport(
        id=sifting.identity_of(one.source),
        name=one.source.name,
        sha256=one.source.sha256,
        layout=found.layout,
        why=found.why,
        rows_in=found.rows_in,
    )
