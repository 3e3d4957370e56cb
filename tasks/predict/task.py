"""The door to comparing a new posterior with the one that readers have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from schemas.comparison import COMPARISON, JUDGED, Comparison
from schemas.errors import PublicationConflict
from schemas.references import Reference
from tasks.progress import Progress
from tasks.retrying import ATTEMPTS_MORE, DELAYS, JITTER, may_pass
from tasks.storage import Storage, key_of
from tasks.stores import open_store

if TYPE_CHECKING:
    from pathlib import Path


@task(
    name="compare",
    task_run_name="compare",
    description="Hold a new posterior against the one that readers have, on tracks left out of both.",
    retries=ATTEMPTS_MORE,
    retry_delay_seconds=DELAYS,
    retry_jitter_factor=JITTER,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
def compare(
    results: dict[str, Reference], credit: str, work: str, name: str, to: str, *, force: bool = False
) -> Reference:
    """Compare what ingest, group and sample made with the current publication; see `tasks.predict.weighing`."""
    progress = Progress("compare", "tracks")
    storage, store = Storage(work), open_store(to)
    version = store.current(name) or ""
    contents = [results[step].content for step in ("ingest", "group", "sample")]
    key = key_of("compare", contents, {"version": version, "key": _key_of_version(to, name, version)})

    def build(folder: Path) -> None:
        import pyarrow.parquet as pq

        from schemas.reports import Design, IngestReport
        from tasks.predict import weighing

        ingested, grouped, sampled = (storage.open(results[step]) for step in ("ingest", "group", "sample"))
        report = IngestReport.model_validate_json((ingested / "report.json").read_bytes())
        design = Design.model_validate_json((grouped / "design.json").read_bytes())
        sample = weighing.sample_tracks(ingested, report.rows.kept, design, credit)
        pq.write_table(sample, folder / JUDGED, compression="zstd")
        found = weighing.against_current(store, name, version, grouped, sampled, sample)
        (folder / COMPARISON).write_text(found.model_dump_json(indent=1), encoding="utf-8")

    reference = storage.run("compare", key, build, force=force)
    found = Comparison.model_validate_json((storage.open(reference) / COMPARISON).read_bytes())
    progress.finish(found.sentence)
    return reference


def _key_of_version(to: str, name: str, version: str) -> str:
    try:
        return open_store(to).manifest(name, version).key if version else ""
    except PublicationConflict:
        return ""
