"""Ingest: any public layout in, canonical Parquet, quarantine, report and Data Docs out."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from schemas.errors import CorpusRejected
from schemas.expectations import CORPUS_RULES
from schemas.reports import IngestReport, RowCounts, SiftReport, SourceReport
from schemas.tracks import COLUMNS
from schemas.versions import STEPS
from tasks.ingest import sifting
from tasks.ingest.quarantine import SCHEMA
from tasks.ingest.repeats import Fold, fold
from tasks.ingest.tallies import Tally
from tasks.tracks import CHANGES, TRACKS, partitions_of, read_tracks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from schemas.parameters import IngestParameters
    from schemas.references import Source
    from tasks.ingest.inspection import Inspection

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


def ingest_corpus(
    sources: Sequence[Source],
    parameters: IngestParameters,
    folder: Path,
    progress: Callable[[int, int | None], None] = lambda _done, _of: None,
) -> IngestReport:
    """Read, validate and fold a corpus, all of it anew.

    Parameters
    ----------
    sources : sequence of Source
        As `sources.find_sources` returns them.
    parameters : IngestParameters
    folder : Path
        Is given ``tracks/part-00000.parquet`` and so on, ``changes/`` (see `tasks.tracks`), ``quarantine.parquet``,
        ``report.json`` and ``data_docs/``. The same sources and parameters give the same bytes.
    progress : callable
        Told how many rows have been read, and of how many where that is known.

    Returns
    -------
    IngestReport

    Raises
    ------
    CorpusRejected
        If a source cannot be read or has an unknown layout, or too many of its rows are bad.
    """
    scratch = folder / ".scratch"
    scratch.mkdir()
    judge = Judge()
    try:
        sifted = []
        for index, source in enumerate(sources):
            home = scratch / str(index)
            home.mkdir()
            sifting.sift(source, parameters, home, judge, progress)
            sifted.append(Sifted(source, home))
        return merge(sifted, parameters, folder, judge)
    finally:
        shutil.rmtree(scratch)


class Judge:
    """Great Expectations, set up when it is first needed: importing it takes seconds."""

    def __init__(self) -> None:
        self._inspection: Inspection | None = None

    def __call__(self) -> Inspection:
        """Return the one inspection of a run."""
        if self._inspection is None:
            from tasks.ingest.inspection import Inspection

            self._inspection = Inspection()
        return self._inspection


def merge(
    sifted: Sequence[Sifted],
    parameters: IngestParameters,
    folder: Path,
    judge: Callable[[], Inspection],
    earlier: Path | None = None,
) -> IngestReport:
    """Make one corpus of sources that have been read.

    Parameters
    ----------
    sifted : sequence of Sifted
    parameters : IngestParameters
    folder : Path
        As for `ingest_corpus`.
    judge : callable
        Returns what judges the corpus as a whole.
    earlier : Path, optional
        What this made of some of the sources, with the same parameters: only the others are folded anew.

    Returns
    -------
    IngestReport

    Raises
    ------
    CorpusRejected
        If too many rows are bad.
    """
    reports = [one.report for one in sifted]
    rows_in, quarantined = sum(one.rows_in for one in reports), sum(one.quarantined for one in reports)
    reasons = _counted(reports)
    _check(rows_in, quarantined, reasons, parameters, list(zip(sifted, reports, strict=True)))
    places = _linked(sifted, folder / TRACKS)
    folded = _folded(places, parameters, folder, earlier) if parameters.repeats == "drop" else Fold(0, 0)
    parts = partitions_of(folder)
    statistics, kept = _statistics(parts)
    rows = RowCounts(rows_in=rows_in, kept=kept, repeats=folded.repeats, quarantined=quarantined)
    if not rows.balanced:
        message = f"rows went missing: {rows}"
        raise RuntimeError(message)
    statistics["share_quarantined"] = rows.quarantined / rows.rows_in
    _write_quarantine(sifted, folder / sifting.QUARANTINE)
    report = IngestReport(
        sources=tuple(_reported(one, found) for one, found in zip(sifted, reports, strict=True)),
        rows=rows,
        reasons=reasons,
        columns=tuple(column.name for column in COLUMNS if all(column.name in one.columns for one in reports)),
        conflicts=folded.conflicts,
        mean_popularity=statistics["mean_popularity"],
        share_of_zeros=statistics["share_of_zeros"],
        warnings=_judged(reports, statistics, parameters, judge(), folder / "data_docs"),
    )
    (folder / REPORT).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return report


def _counted(reports: Sequence[SiftReport]) -> dict[str, int]:
    """Return reasons and numbers of rows, the commonest first."""
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(report.reasons)
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


def _linked(sifted: Sequence[Sifted], folder: Path) -> dict[Path, str]:
    """Put the partitions of all sources into one folder, by reference; return each with the hash of its source."""
    folder.mkdir()
    places: dict[Path, str] = {}
    for one in sifted:
        for part in one.parts:
            place = folder / f"part-{len(places):05}.parquet"
            share(part, place)
            places[place] = one.source.sha256
    return places


def share(file: Path, place: Path) -> None:
    """Have a file that nobody writes to again in another place too."""
    try:
        os.link(file, place)
    except OSError:  # another disk, or one that cannot
        shutil.copyfile(file, place)


def foldable(parameters: IngestParameters) -> dict[str, object]:
    """Return what has to be the same for a fold to go on from another."""
    return {
        "repeats": parameters.repeats,
        "rows": parameters.partition_rows,
        "sift": STEPS["sift"],
        "ingest": STEPS["ingest"],
    }


def _folded(places: Mapping[Path, str], parameters: IngestParameters, folder: Path, earlier: Path | None) -> Fold:
    """Fold repeats, beginning where an earlier result ended, and write down how far it came."""
    before = json.loads((earlier / FOLDED).read_text(encoding="utf-8")) if earlier else {}
    old: list[Path] = []
    ordinal: Counter[str] = Counter()
    for place, sha256 in places.items():
        if sha256 in before.get("sources", {}):
            old.append(place)
            name = before["sources"][sha256][ordinal[sha256]]
            ordinal[sha256] += 1
            if earlier and (earlier / CHANGES / name).is_file():
                (folder / CHANGES).mkdir(exist_ok=True)
                share(earlier / CHANGES / name, folder / CHANGES / place.name)
    scratch = folder / ".folding"
    scratch.mkdir()
    try:
        new = fold([place for place in places if place not in set(old)], scratch, old)
    finally:
        shutil.rmtree(scratch)
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


def _statistics(parts: Sequence[Path]) -> tuple[dict[str, float], int]:
    """Return what the rules for a whole corpus are about, and the tracks; the same however it was cut into parts."""
    values: Counter[float] = Counter()
    nameless = 0
    for part in parts:
        file = pq.read_metadata(part)
        position = file.schema.names.index("track_id")
        groups = [file.row_group(group).column(position) for group in range(file.num_row_groups)]
        nameless += sum(group.statistics.null_count for group in groups)  # rows without an id are never folded
        for entry in pc.value_counts(read_tracks(part, ["popularity"])["popularity"]).to_pylist():
            values[entry["values"]] += entry["counts"]
    kept = sum(values.values())
    total = math.fsum(value * count for value, count in sorted(values.items()))
    return {
        "mean_popularity": total / kept,
        "tracks": float(kept),
        "share_of_zeros": values[0.0] / kept,
        "share_without_id": nameless / kept,
    }, kept


def _write_quarantine(sifted: Sequence[Sifted], file: Path) -> None:
    """Write the bad rows of all sources, each with the name of its source."""
    with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for one in sifted:
            for batch in pq.ParquetFile(one.folder / sifting.QUARANTINE).iter_batches():
                name = pa.array([one.source.name] * batch.num_rows, pa.string())
                writer.write_table(pa.table([name, *batch.columns], schema=SCHEMA))


def _judged(
    reports: Sequence[SiftReport],
    statistics: Mapping[str, float],
    parameters: IngestParameters,
    inspection: Inspection,
    folder: Path,
) -> tuple[str, ...]:
    """Write the Data Docs, and return the warnings."""
    from tasks.ingest.frames import statistics_frame

    tallies: dict[str, Tally] = {}
    for report in reports:
        tallies.setdefault(f"rows-{report.layout}", Tally()).merge(Tally.from_plain(report.tally))
    # Repeats that are kept need no id.
    rules = [rule for rule in CORPUS_RULES if rule.column != "share_without_id" or parameters.repeats == "drop"]
    broken = inspection.validate(rules, statistics_frame(statistics))
    tallies["corpus"] = Tally()
    tallies["corpus"].add(rules, pa.table({name: [value] for name, value in statistics.items()}), 1, broken)
    inspection.write_data_docs(folder, {name: tally for name, tally in tallies.items() if tally.counts})
    return tuple(rule.reason.format(value=statistics[rule.column]) for rule, _, _ in broken)


def _reported(one: Sifted, found: SiftReport) -> SourceReport:
    return SourceReport(
        id=sifting.identity_of(one.source),
        name=one.source.name,
        sha256=one.source.sha256,
        layout=found.layout,
        why=found.why,
        rows_in=found.rows_in,
    )
