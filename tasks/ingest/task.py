"""The door to ingest."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from prefect import task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.assets import Asset
from prefect.cache_policies import NO_CACHE
from prefect.context import AssetContext

from schemas.errors import CorpusRejected
from schemas.parameters import IngestParameters
from schemas.references import Reference
from schemas.reports import IngestReport, LastCorpus
from tasks.ingest.opening import made
from tasks.ingest.rejected import forget_rejected, keep_rejected
from tasks.ingest.sources import PLACES, find_sources, news, summary
from tasks.lineage import corpus_key, record, tracks_key
from tasks.progress import LOGGER, Progress
from tasks.retrying import ATTEMPTS_MORE, DELAYS, JITTER, may_pass
from tasks.storage import Storage, key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.references import Source


# The storage knows what has been done, by content; a cache of Prefect's would only repeat it, and forget.
@task(
    name="ingest",
    task_run_name="ingest",
    description="Read tracks in any layout; bad rows go to quarantine with their reasons.",
    retries=ATTEMPTS_MORE,
    retry_delay_seconds=DELAYS,
    retry_jitter_factor=JITTER,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
def ingest(
    sources: list[str],
    parameters: IngestParameters,
    work: str,
    *,
    earlier: tuple[LastCorpus, ...] = (),
    rejected: str = "",
    force: bool = False,
) -> Reference:
    """Read, validate and fold a corpus; see `tasks.ingest.corpus.ingest_corpus`.

    The corpus is held against the first of `earlier` that was made of other files. Of one that is rejected the
    quarantine is kept in the folder `rejected`.
    """
    progress = Progress("ingest", "rows", create_progress_artifact, update_progress_artifact)
    found = find_sources(sources, Path(work) / PLACES, parameters.max_unfold, anew=force)
    storage = Storage(work)
    last = _last(found, earlier)
    if earlier and (said := news(found, earlier[0])):
        LOGGER.info("%-7s %s", "ingest", said)
    inputs = [f"{source.name}:{source.sha256}" for source in found]
    if last:
        inputs.append("last:" + hashlib.sha256(last.model_dump_json(exclude={"names"}).encode()).hexdigest())

    built: list[Path] = []

    def build(folder: Path) -> dict[str, str]:
        from tasks.ingest.incremental import ingest_incrementally

        built.append(folder)
        progress.begin()
        try:
            return ingest_incrementally(found, parameters, folder, storage, progress, last=last, force=force)
        except CorpusRejected as error:
            raise (keep_rejected(folder, Path(rejected), found, error) if rejected else error) from None

    reference = made(storage, key_of("ingest", inputs, parameters), build, force=force)
    if rejected:
        forget_rejected(Path(rejected))
    report = IngestReport.model_validate_json((Path(reference.path) / "report.json").read_text(encoding="utf-8"))
    record(
        AssetContext.get(),
        Asset(key=tracks_key(reference)),
        new=bool(built),
        made_of=[Asset(key=corpus_key(found))],
        **report.rows.model_dump(include={"rows_in", "kept", "repeats", "quarantined"}),
    )
    progress.finish(summary(report))
    for warning in report.warnings:
        LOGGER.warning("%-7s %s", "ingest", warning)
    return reference


def _last(found: Sequence[Source], earlier: Sequence[LastCorpus]) -> LastCorpus | None:
    files = tuple(sorted(source.sha256 for source in found))
    return next((corpus for corpus in earlier if corpus.sources != files), None)
