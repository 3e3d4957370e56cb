"""From sources that have been read to one corpus: repeats folded, judged as a whole, and written down."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet as pq

from schemas.errors import CorpusRejected
from schemas.expectations import noted_warning
from schemas.quarantine import QUARANTINE, quarantine_schema
from schemas.reports import IngestReport, RowCounts, SiftReport, SourceReport
from schemas.tracks import COLUMNS, arrow_schema
from schemas.versions import STEPS
from tasks.ingest import sifting
from tasks.ingest.recordings import fold_recordings
from tasks.ingest.repeats import Fold, fold
from tasks.ingest.table import judge as judged
from tasks.ingest.table import statistics_of
from tasks.ingest.tallies import Tally
from tasks.ingest.writing import MARKS, write_tracks
from tasks.stamps import distrust
from tasks.tracks import CHANGES, TRACKS, count_tracks, partitions_of, read_tracks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from schemas.parameters import IngestParameters
    from schemas.references import Source
    from schemas.reports import LastCorpus
    from tasks.ingest.inspection import Documents, Inspection

REPORT = "report.json"
FOLDED = "folded.json"


@dataclass(frozen=True)
class Sifted:
    """A source that has been read, and the folder where `sifting.sift` left what it found."""

    source: Source
    folder: Path

    @property
    def report(self) -> SiftReport:
        """What was found of it."""
        return SiftReport.model_validate_json((self.folder / sifting.REPORT).read_text(encoding="utf-8"))

    @property
    def parts(self) -> list[Path]:
        """Its partitions, in order."""
        return partitions_of(self.folder)


def merge(
    sifted: Sequence[Sifted],
    parameters: IngestParameters,
    folder: Path,
    inspection: Inspection,
    last: LastCorpus | None = None,
    base: Path | None = None,
) -> IngestReport:
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

    Returns
    -------
    IngestReport

    Raises
    ------
    CorpusRejected
        If too many rows are bad, or the corpus as a whole breaks a rule that is to reject it.
    """
    reports = [one.report for one in sifted]
    rows_in, quarantined = sum(one.rows_in for one in reports), sum(one.quarantined for one in reports)
    reasons = _counted(report.reasons for report in reports)
    _write_quarantine(sifted, folder / QUARANTINE)  # there to be looked at if the corpus is rejected
    _check(rows_in, quarantined, reasons, parameters, list(zip(sifted, reports, strict=True)))
    documents = _documented(reports, inspection.documents(folder / "data_docs"))
    places, marks = _linked(sifted, folder / TRACKS)
    by_id = Fold(0, 0) if parameters.repeats == "keep" else _folded(places, marks, parameters, folder, base)
    recordings = _recordings_folded(folder) if parameters.repeats == "recording" else 0
    rows = RowCounts(
        rows_in=rows_in,
        kept=count_tracks(folder),
        repeats=by_id.repeats + recordings,
        quarantined=quarantined,
        recordings=recordings,
    )
    if not rows.balanced:
        message = f"rows went missing: {rows}"
        raise RuntimeError(message)
    present = {column for report in reports for column in report.columns}
    statistics, genres = statistics_of(partitions_of(folder), rows, parameters, present, last)
    warnings, tally = judged(inspection, statistics, parameters)
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
        genres=genres,
    )
    documents.close()
    (folder / REPORT).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return report


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


def _linked(sifted: Sequence[Sifted], folder: Path) -> tuple[dict[Path, str], dict[Path, Path]]:
    """Put the partitions of all sources into one folder, by reference; return each with its source, and marks."""
    folder.mkdir()
    places: dict[Path, str] = {}
    marks: dict[Path, Path] = {}
    for one in sifted:
        for part in one.parts:
            place = folder / f"part-{len(places):05}.parquet"
            share(part, place)
            places[place] = one.source.sha256
            marks[place] = one.folder / MARKS / f"{part.stem}.bin"
    return places, marks


def share(file: Path, place: Path) -> None:
    """Have a file that nobody writes to again in another place too."""
    try:
        os.link(file, place)
    except OSError:  # another disk, or one that cannot
        shutil.copyfile(file, place)
        distrust(file)  # the copy is as good as this was, and who finds it wrong does not know whence it came


def foldable(parameters: IngestParameters) -> dict[str, object]:
    """Return what has to be the same for a fold to go on from another."""
    versions = {step: STEPS[step] for step in ("sift", "ingest")}
    return {"repeats": parameters.repeats, **sifting.key_parameters(parameters), **versions}


def _folded(
    places: Mapping[Path, str],
    marks: Mapping[Path, Path],
    parameters: IngestParameters,
    folder: Path,
    base: Path | None,
) -> Fold:
    """Fold repeats, beginning where an earlier result ended, and write down how far it came."""
    before = json.loads((base / FOLDED).read_text(encoding="utf-8")) if base else {}
    old: list[Path] = []
    ordinal: Counter[str] = Counter()
    for place, sha256 in places.items():
        if sha256 in before.get("sources", {}):
            old.append(place)
            name = before["sources"][sha256][ordinal[sha256]]
            ordinal[sha256] += 1
            if base and (base / CHANGES / name).is_file():
                (folder / CHANGES).mkdir(exist_ok=True)
                share(base / CHANGES / name, folder / CHANGES / place.name)
    new = fold([place for place in places if place not in set(old)], old, marks=marks)
    total = Fold(before.get("repeats", 0) + new.repeats, before.get("conflicts", 0) + new.conflicts)
    names: dict[str, list[str]] = {}
    for place, sha256 in places.items():
        names.setdefault(sha256, []).append(place.name)
    state = {
        "how": foldable(parameters),
        "sources": names,
        "repeats": total.repeats,
        "conflicts": total.conflicts,
    }
    (folder / FOLDED).write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    return total


def _recordings_folded(folder: Path) -> int:
    """Fold re-releases too; partitions are then written anew. Return the rows that were folded."""
    scratch = folder / ".folding"
    scratch.mkdir()
    whole = scratch / TRACKS
    whole.mkdir()
    try:
        for part in partitions_of(folder):
            tracks = read_tracks(part, arrow_schema().names)
            if tracks.num_rows:
                write_tracks(tracks, whole / part.name)
        shutil.rmtree(folder / TRACKS)
        shutil.rmtree(folder / CHANGES, ignore_errors=True)
        (folder / TRACKS).mkdir()
        numbers = itertools.count()

        def write(tracks: pa.Table) -> None:
            if tracks.num_rows:
                place = folder / TRACKS / f"part-{next(numbers):05}.parquet"
                write_tracks(tracks, place)

        return fold_recordings(partitions_of(scratch), scratch, write)
    finally:
        shutil.rmtree(scratch)


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
