"""One corpus through ingestion as a run has it, and everything that its end has to satisfy."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pyarrow as pa
import pyarrow.compute as pc
from plainly import BothInspections, PlainInspection
from pyarrow import parquet as pq

from schemas.errors import CorpusRejected
from schemas.parameters import IngestParameters
from schemas.tracks import COLUMNS, arrow_schema
from tasks.ingest import corpus as ingestion
from tasks.ingest.inspection import Inspection
from tasks.ingest.sources import find_sources
from tasks.tracks import partitions_of, read_tracks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from writing import Corpus

    from schemas.reports import IngestReport

TABLE, REFUSED, BROKEN = "table", "refused", "broken"
_LONGEST = 2_000
_FRESH_AFTER = 100


@dataclass(frozen=True)
class Outcome:
    """How a corpus ended.

    Parameters
    ----------
    kind : {"table", "refused", "broken"}
    said : str
        The sentence of a refusal, or what is wrong.
    counted : bool
        Whether the number of rows was held against another reading.
    rows : int
        Rows that were read.
    """

    kind: str
    said: str = ""
    counted: bool = False
    rows: int = 0


def lay(corpus: Corpus, folder: Path) -> list[str]:
    """Write the files of a corpus, and return what a user would name."""
    folder.mkdir()
    paths = []
    for file in corpus.files:
        path = folder / file.name
        path.write_bytes(file.content)
        paths.append(str(path))
    return [str(folder)] if corpus.whole_folder else paths


def attempt(corpus: Corpus, judge: Inspection) -> Outcome:
    """Ingest a corpus and say how it ended.

    Great Expectations is set up once for many, and its Data Docs are left out; all else is as in a run.
    """
    home = Path(tempfile.mkdtemp(prefix="encore-fuzz-"))
    unraised: list[str] = []
    try:
        given = lay(corpus, home / "in")
        (home / "out").mkdir()
        laid = _listing(home)
        # What Python prints on the terminal, because nobody is there to catch it.
        with mock.patch.object(sys, "unraisablehook", lambda seen: unraised.append(repr(seen.exc_value))):
            outcome = _attempt(corpus, given, home / "out", judge)
        if unraised:
            return Outcome(BROKEN, f"printed a traceback: {unraised[0][:_LONGEST]}")
        if strangers := _listing(home) - laid:
            return Outcome(BROKEN, f"wrote {sorted(strangers)[:3]}")
        return outcome
    finally:
        shutil.rmtree(home)


def _listing(home: Path) -> set[Path]:
    return {path for path in home.rglob("*") if home / "out" not in path.parents}


def _attempt(corpus: Corpus, given: Sequence[str], out: Path, judge: Inspection) -> Outcome:
    logging.getLogger("tasks").setLevel(logging.ERROR)
    try:
        parameters = IngestParameters(**corpus.parameters)
    except ValueError as error:  # what the user typed: the command line says so
        return Outcome(REFUSED, f"{type(error).__name__} of a parameter")
    try:
        with _judged_by(judge):
            sources = find_sources(given, max_unfold=parameters.max_unfold)
            report = ingestion.ingest_corpus(sources, parameters, out)
    except CorpusRejected as error:
        return _of_refusal(str(error))
    except BaseException:  # noqa: BLE001 - whatever comes is what is looked for
        return Outcome(BROKEN, traceback.format_exc())
    wrong = _wrong(corpus, report, out)
    counts = [file.rows for file in corpus.files]
    return Outcome(BROKEN if wrong else TABLE, wrong, counted=None not in counts, rows=report.rows.rows_in)


@contextlib.contextmanager
def _judged_by(judge: Inspection) -> Iterator[None]:
    """Have a corpus judged by what was set up before, and no Data Docs written."""
    with (
        mock.patch.object(ingestion, "Inspection", return_value=contextlib.nullcontext(judge)),
        mock.patch.object(Inspection, "documents"),
    ):
        yield


def _of_refusal(said: str) -> Outcome:
    if not said or not said.isprintable() or "Traceback" in said or len(said) > _LONGEST:
        return Outcome(BROKEN, f"a refusal that is no sentence: {said[:_LONGEST]!r}")
    return Outcome(REFUSED, said)


def _wrong(corpus: Corpus, report: IngestReport, out: Path) -> str:
    """Return what is wrong with a table; nothing if all is well."""
    rows = report.rows
    if rows.rows_in != rows.kept + rows.repeats + rows.quarantined:
        return f"rows are lost: {rows}"
    distinct = {sha256(file.content).digest(): file.rows for file in corpus.files}
    counts = [count for count in distinct.values() if count is not None]
    if len(counts) == len(distinct) and sum(counts) != rows.rows_in:
        return f"{rows.rows_in} rows were read, where another reading finds {sum(counts)} ({counts})"
    kept = [read_tracks(part, arrow_schema().names) for part in partitions_of(out)]
    tracks = pa.concat_tables(kept) if kept else arrow_schema().empty_table()
    if tracks.num_rows != rows.kept:
        return f"{tracks.num_rows} rows lie there, where the report says {rows.kept}"
    quarantine = pq.read_table(out / "quarantine.parquet")
    if quarantine.num_rows != rows.quarantined:
        return f"{quarantine.num_rows} rows lie in quarantine, where the report says {rows.quarantined}"
    if not rows.kept:
        return "a table without a row"
    return _invalid(tracks) or _twice(report, tracks, quarantine)


def _invalid(tracks: pa.Table) -> str:
    for column in COLUMNS:
        values = tracks[column.name]
        if column.required and values.null_count:
            return f"{column.name} is null"
        if column.low is None or values.null_count == len(values):
            continue
        span = pc.min_max(values).as_py()
        if not column.low <= span["min"] <= span["max"] <= (column.high or 0):
            return f"{column.name} is {span}"
        if pa.types.is_floating(values.type) and pc.any(pc.is_nan(values)).as_py():
            return f"{column.name} is not a number"
    if not all(artists and all(artists) for artists in tracks["artists"].to_pylist()):
        return "a track without an artist"
    return ""


def _twice(report: IngestReport, tracks: pa.Table, quarantine: pa.Table) -> str:
    """Say if a row was kept twice, or kept and put in quarantine, or does not exist."""
    sources = {source.id: source for source in report.sources}
    kept = list(zip(tracks["source"].to_pylist(), tracks["row"].to_pylist(), strict=True))
    if len(set(kept)) < len(kept):
        return "a row is there twice"
    if any(source not in sources or not 1 <= row <= sources[source].rows_in for source, row in kept):
        return "a row of nowhere"
    if len({source.name for source in report.sources}) < len(sources):
        return ""  # two members of that name in different archives
    bad = Counter(zip(quarantine["source"].to_pylist(), quarantine["row"].to_pylist(), strict=True))
    if bad and max(bad.values()) > 1:
        return f"a row is twice in quarantine: {bad.most_common(1)}"
    if bad.keys() & {(sources[source].name, row) for source, row in kept}:
        return "a row is kept and in quarantine"
    return ""


def sentence(said: str, names: Sequence[str] = ()) -> str:
    """Return the kind of a refusal: without names, numbers and what was quoted of the file."""
    for name in sorted(names, key=len, reverse=True):
        said = said.replace(name, "FILE")
    said = re.sub(r"\S*encore-fuzz-\S*", "FILE", said)
    said = re.sub(r"`[^`]*`|'[^']*'|\([^)]*\)", "", said)
    said = re.sub(r"\d[\d,.]*", "N", said)
    said = re.sub(r"(columns? (?:for|that could be)) .*", r"\1 ...", said.partition(": ")[0])
    return re.sub(r"\s+", " ", re.sub(r"has no column .* for", "has no column ... for", said)).strip()[:120]


class Judges:
    """What judges the rows: in every so-many-th corpus Great Expectations, in the others the same rules held plainly.

    Great Expectations takes a tenth of a second for whatever few rows. Where it judges, the other has to agree.

    Parameters
    ----------
    every : int
    """

    def __init__(self, every: int = 1) -> None:
        self._every = every
        self._both: BothInspections | None = None
        self._used = 0

    def of(self, number: int) -> Inspection:
        """Return what judges the corpus of that number."""
        if number % self._every:
            return PlainInspection()
        self._used += 1
        if self._both is None or self._used % _FRESH_AFTER == 0:  # it keeps something of each corpus
            self._both = BothInspections()
        return self._both


def plain(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as JSON has it."""
    return dict(vars(outcome))
