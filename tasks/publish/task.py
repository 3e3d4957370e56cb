"""The door to publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_image_artifact, create_markdown_artifact
from prefect.assets import Asset
from prefect.cache_policies import NO_CACHE
from prefect.context import AssetContext

from schemas.parameters import PublishParameters
from schemas.publication import Publication
from schemas.references import Reference
from tasks.lineage import publication_key, record
from tasks.progress import Progress
from tasks.retrying import ATTEMPTS_MORE, DELAYS, JITTER, may_pass
from tasks.storage import Storage, key_of
from tasks.stores import open_store

# Shown in the UI; all of them are in the publication.
_FIGURES = {
    "leaderboard": "The first and the last artists, with their intervals.",
    "shrinkage": "How far artists are pulled: the fewer tracks, the more.",
}


@task(
    name="publish",
    task_run_name="publish",
    description="Write an immutable version and move the pointer to it.",
    retries=ATTEMPTS_MORE,
    retry_delay_seconds=DELAYS,
    retry_jitter_factor=JITTER,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
def publish(  # noqa: PLR0913 - what it reads, and where it goes
    results: dict[str, Reference],
    parameters: PublishParameters,
    settings: dict[str, Any],
    work: str,
    name: str,
    to: str,
    *,
    before: str | None = None,
    force: bool = False,
) -> Publication:
    """Publish what the other steps made, by name; see `tasks.publish.publisher.publish`.

    `settings` are the parameters of the whole run, for the manifest; `before` is the version that was current when the
    run began, empty for none.
    """
    from tasks.publish.evidence import ARTISTS
    from tasks.publish.leaderboard import leaderboard_markdown
    from tasks.publish.pictures import data_uri
    from tasks.publish.publisher import Inputs
    from tasks.publish.publisher import publish as publish_version

    progress = Progress("publish", "files")
    storage = Storage(work)
    inputs = Inputs(**{step: storage.open(reference) for step, reference in results.items()})
    # How it was compared and what readers are to see make no other publication.
    contents = [results[step].content for step in sorted(results) if step != "compare"]
    key = key_of("publish", contents, {"name": name, **parameters.model_dump(mode="json", exclude={"promote"})})
    seed = int(settings["sample"]["seed"])
    store = open_store(to)
    publication = publish_version(store, name, key, inputs, settings, seed, parameters, before=before, force=force)
    record(
        AssetContext.get(),
        Asset(key=publication_key(name)),
        new=publication.new,
        version=publication.version,
        key=key,
        current="no" if publication.held_back else "yes",
    )
    held_back = f", is not current: {publication.held_back}" if publication.held_back else ""
    create_markdown_artifact(
        key="leaderboard",
        markdown=leaderboard_markdown(store.folder(name, publication.version, [ARTISTS])),
        description=f"{name}, version {publication.version}{held_back}",
    )
    if parameters.figures:
        figures = {f"figures/{figure}.png": words for figure, words in _FIGURES.items()}
        folder = store.folder(name, publication.version, list(figures))
        for path, words in figures.items():
            create_image_artifact(
                image_url=data_uri(folder / path),
                key=Path(path).stem + "-figure",
                description=f"{words} {name}, version {publication.version}",
            )
    progress.finish(f"{publication.path}" if publication.new else f"nothing new: {publication.version} stays current")
    return publication
