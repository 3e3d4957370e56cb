"""The door to judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from schemas.evaluation import EVALUATION, Evaluated, Evaluation, Fit
from schemas.parameters import EvaluateParameters
from schemas.references import Reference
from tasks.judge.evaluations import find_evaluation, keep
from tasks.judge.telling import markdown, records
from tasks.progress import Progress
from tasks.retrying import ATTEMPTS_MORE, DELAYS, JITTER, may_pass
from tasks.storage import Storage, key_of


@task(
    name="judge",
    task_run_name="judge",
    description="Judge fits by tracks and artists that they have not seen.",
    retries=ATTEMPTS_MORE,
    retry_delay_seconds=DELAYS,
    retry_jitter_factor=JITTER,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
def judge(  # noqa: PLR0913 - what it reads, and where it goes
    ingested: Reference,
    fits: list[Fit],
    parameters: EvaluateParameters,
    settings: dict[str, Any],
    work: str,
    name: str,
    to: str,
    *,
    force: bool = False,
) -> Evaluated:
    """Judge fits of one corpus, the first of them the reference; see `tasks.judge.judging.judge_fits`.

    `settings` are the parameters of the whole run, for the record.
    """
    progress = Progress("judge", "predictions")
    storage = Storage(work)
    contents = [ingested.content, *(each.content for fit in fits for each in (fit.grouped, fit.sampled))]
    key = key_of("judge", contents, {"name": name, **parameters.model_dump(mode="json"), "settings": settings})

    def build(folder: Path) -> None:
        from tasks.judge.judging import About, Made, judge_fits

        made = [Made(fit.pooling, fit.features, storage.open(fit.grouped), storage.open(fit.sampled)) for fit in fits]
        about = About(name, key, settings, storage.open(ingested))
        judge_fits(made, about, folder, leave_out=parameters.leave_one_out, progress=progress)

    reference = storage.run("judge", key, build, force=force)
    made = storage.open(reference)
    evaluation = Evaluation.model_validate_json((made / EVALUATION).read_text(encoding="utf-8"))
    create_table_artifact(
        key="evaluation",
        table=records(evaluation.scores),
        description=f"**{name}** {' '.join(evaluation.conclusions)}",
    )
    create_markdown_artifact(key="evaluation-report", markdown=markdown(evaluation, name), description=name)
    root = Path(to)
    found = None if force else find_evaluation(root, name, lambda one: one.key == key)
    folder = found[0] if found else keep(made, root, name, key)
    progress.finish(
        f"{len(fits)} fits by {evaluation.held_out:,} tracks that they have not seen"
        + (f"; nothing new: {folder.name}" if found else "")
    )
    return Evaluated(name=name, key=key, path=str(folder), new=not found)
