"""The door to ingest."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from schemas.parameters import IngestParameters
from schemas.references import Reference
from schemas.reports import IngestReport
from tasks.ingest.sources import PLACES, find_sources, summary
from tasks.progress import Progress
from tasks.retrying import ATTEMPTS_MORE, DELAYS, JITTER, may_pass
from tasks.storage import Storage, key_of


# The storage knows what has been done, by content; a cache of Prefect's would only repeat it, and forget.
@task(
    name="ingest",
    description="Read tracks from any public layout; bad rows go to quarantine with a reason.",
    retries=ATTEMPTS_MORE,
    retry_delay_seconds=DELAYS,
    retry_jitter_factor=JITTER,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
def ingest(sources: list[str], parameters: IngestParameters, work: str, *, force: bool = False) -> Reference:
    """Read, validate and fold a corpus; see `tasks.ingest.corpus.ingest_corpus`."""
    progress = Progress("ingest", "rows")
    found = find_sources(sources, Path(work) / PLACES, parameters.max_unfold)
    key = key_of("ingest", [f"{source.name}:{source.sha256}" for source in found], parameters)
    storage = Storage(work)

    def build(folder: Path) -> None:
        from tasks.ingest.incremental import ingest_incrementally

        ingest_incrementally(found, parameters, folder, storage, progress, force=force)

    reference = storage.run("ingest", key, build, force=force)
    report = IngestReport.model_validate_json((storage.open(reference) / "report.json").read_text(encoding="utf-8"))
    progress.finish(summary(report))
    return reference
