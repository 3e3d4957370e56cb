"""Ingest: any layout in, canonical Parquet, quarantine, report and Data Docs out."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tasks.ingest import sifting
from tasks.ingest.folding import Sifted
from tasks.ingest.inspection import Inspection
from tasks.ingest.memory import busy_process
from tasks.ingest.merging import merge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from schemas.parameters import IngestParameters
    from schemas.references import Source
    from schemas.reports import IngestReport, LastCorpus


@busy_process()
def ingest_corpus(
    sources: Sequence[Source],
    parameters: IngestParameters,
    folder: Path,
    progress: Callable[[int, int | None], None] = lambda _done, _of: None,
    last: LastCorpus | None = None,
) -> IngestReport:
    """Read, validate and fold a corpus, all of it anew.

    Parameters
    ----------
    sources : sequence of Source
        As `sources.find_sources` returns them.
    parameters : IngestParameters
    folder : Path
        Is given ``tracks/part-00000.parquet`` and so on, ``changes/`` (see `tasks.changes`), ``quarantine.parquet``,
        ``report.json`` and ``data_docs/``. The same sources and parameters give the same bytes.
    progress : callable
        Told how many rows have been read, and of how many where that is known.
    last : LastCorpus, optional
        The corpus of this name before this one, to hold this one against.

    Returns
    -------
    IngestReport

    Raises
    ------
    CorpusChanging
        If a source is written to while it is read.
    CorpusRejected
        If a source cannot be read or lacks a column that there must be, too many rows are bad, or the corpus as a
        whole breaks a rule that is to reject it.
    """
    scratch = folder / ".scratch"
    scratch.mkdir()
    try:
        with Inspection() as inspection:
            sifted = []
            for index, source in enumerate(sources):
                home = scratch / str(index)
                home.mkdir()
                sifting.sift(source, parameters, home, inspection, progress)
                sifted.append(Sifted(source, home))
            return merge(sifted, parameters, folder, inspection, last)[0]
    finally:
        shutil.rmtree(scratch)
