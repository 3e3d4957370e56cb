"""The door to sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.assets import Asset
from prefect.cache_policies import NO_CACHE
from prefect.context import AssetContext

from schemas.parameters import SampleParameters
from schemas.references import Reference
from tasks.lineage import posterior_key, record
from tasks.progress import Progress
from tasks.retrying import ATTEMPTS_MORE, DELAYS, JITTER, may_pass
from tasks.storage import Storage, key_of

if TYPE_CHECKING:
    from pathlib import Path


def key(grouped: str, parameters: SampleParameters) -> str:
    """Return the key of a posterior; how long it may take changes nothing of it."""
    return key_of("sample", [grouped], parameters.model_dump(mode="json", exclude={"time_limit"}))


@task(
    name="sample",
    description="Draw from the posterior of the hierarchical regression.",
    retries=ATTEMPTS_MORE,
    retry_delay_seconds=DELAYS,
    retry_jitter_factor=JITTER,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
def sample(grouped: Reference, parameters: SampleParameters, work: str, *, force: bool = False) -> Reference:
    """Draw from the posterior; see `tasks.sample.sampling.sample_posterior`."""
    progress = Progress("sample", "iterations", create_progress_artifact, update_progress_artifact)
    storage = Storage(work)

    built: list[Path] = []

    def build(folder: Path) -> None:
        from tasks.sample.sampling import sample_posterior

        built.append(folder)
        progress.begin()
        sample_posterior(storage.open(grouped), parameters, folder, progress=progress)

    reference = storage.run("sample", key(grouped.content, parameters), build, force=force)
    record(
        AssetContext.get(),
        Asset(key=posterior_key(reference)),
        new=bool(built),
        **parameters.model_dump(include={"chains", "draws", "tune", "pooling"}),
        engine=parameters.resolved_engine,
    )
    progress.finish(
        f"{parameters.chains} chains of {parameters.draws:,} draws after {parameters.tune:,} tuning steps, "
        f"{parameters.pooling} pooling, {parameters.resolved_engine} engine"
    )
    return reference
