"""The quarantine of a corpus that was rejected: kept beside the publications of its name, to be looked at."""

from __future__ import annotations

import shutil
import uuid
from typing import TYPE_CHECKING

from schemas.errors import CorpusRejected
from schemas.quarantine import QUARANTINE, REJECTED_REPORT, RejectedReport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from schemas.references import Source


def keep_rejected(made: Path, place: Path, sources: Sequence[Source], error: CorpusRejected) -> CorpusRejected:
    """Keep the quarantine of a corpus that was rejected, if it had got that far.

    Parameters
    ----------
    made : Path
        What ingest had written by then.
    place : Path
        The folder to keep it in, in place of what an earlier run left there.
    sources : sequence of Source
    error : CorpusRejected
        Why it was rejected.

    Returns
    -------
    CorpusRejected
        The same, saying where the rows are.
    """
    from pyarrow import ArrowException
    from pyarrow import parquet as pq

    quarantine = made / QUARANTINE
    try:
        rows = pq.read_metadata(quarantine).num_rows
    except (OSError, ArrowException):  # not there, or not finished
        rows = 0
    if not rows:
        return error
    place.parent.mkdir(parents=True, exist_ok=True)
    staged = place.with_name(f".{place.name}-{uuid.uuid4().hex[:8]}")
    staged.mkdir()
    try:
        shutil.copyfile(quarantine, staged / QUARANTINE)
        report = RejectedReport(reason=str(error), sources=tuple(source.name for source in sources))
        (staged / REJECTED_REPORT).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
        forget_rejected(place)
        staged.rename(place)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return CorpusRejected(f"{error}; the rows are in {place}, see encore quarantine {place.parent.name}")


def forget_rejected(place: Path) -> None:
    """Remove what an earlier run left, since a newer corpus of that name was read."""
    shutil.rmtree(place, ignore_errors=True)
