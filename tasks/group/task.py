"""The door to group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from schemas.parameters import EvaluateParameters, GroupParameters
from schemas.references import Reference
from schemas.reports import Design
from tasks.progress import Progress
from tasks.retrying import ATTEMPTS_MORE, DELAYS, JITTER, may_pass
from tasks.storage import Storage, key_of

if TYPE_CHECKING:
    from pathlib import Path


@task(
    name="group",
    task_run_name="group",
    description="Sum tracks up by artist, genre and feature block.",
    retries=ATTEMPTS_MORE,
    retry_delay_seconds=DELAYS,
    retry_jitter_factor=JITTER,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
def group(
    ingested: Reference,
    parameters: GroupParameters,
    work: str,
    *,
    keep_rows: bool = False,
    held_out: EvaluateParameters | None = None,
    force: bool = False,
) -> Reference:
    """Group tracks by artist and genre and sum them up; see `tasks.group.grouping.group_tracks`."""
    progress = Progress("group", "partitions")
    storage = Storage(work)

    def build(folder: Path) -> None:
        from tasks.group.grouping import group_tracks

        group_tracks(
            storage.open(ingested), parameters, folder, keep_rows=keep_rows, held_out=held_out, progress=progress
        )

    settings = {**parameters.model_dump(mode="json"), "rows": keep_rows}
    if held_out:
        settings["held_out"] = held_out.model_dump(mode="json", exclude={"leave_one_out"})
    key = key_of("group", [ingested.content], settings)
    reference = storage.run("group", key, build, force=force)
    design = Design.model_validate_json((storage.open(reference) / "design.json").read_text(encoding="utf-8"))
    left_out = f"; left out: {', '.join(design.dropped)}" if design.dropped else ""
    progress.finish(
        f"{design.observations:,} tracks of {design.artists:,} artists, {len(design.names('feature'))} features, "
        f"{len(design.names('genre'))} genres{left_out}"
    )
    return reference
