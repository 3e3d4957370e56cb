"""The door to the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from schemas.errors import NotConverged
from schemas.parameters import GateParameters
from schemas.references import Reference
from schemas.verdict import Rung, Verdict
from tasks.gate.evidence import markdown_of, table_of
from tasks.gate.wording import counted, explain, summary
from tasks.progress import Progress
from tasks.retrying import ATTEMPTS_MORE, DELAYS, JITTER, may_pass
from tasks.storage import Storage, key_of

if TYPE_CHECKING:
    from pathlib import Path


@task(
    name="gate",
    description="Measure the posterior; stop the run if it cannot be trusted.",
    retries=ATTEMPTS_MORE,
    retry_delay_seconds=DELAYS,
    retry_jitter_factor=JITTER,
    retry_condition_fn=may_pass,
    cache_policy=NO_CACHE,
)
def gate(
    grouped: Reference,
    sampled: Reference,
    parameters: GateParameters,
    work: str,
    name: str,
    *,
    rung: Rung = Rung(),  # noqa: B008 - frozen
    force: bool = False,
) -> Reference:
    """Measure a posterior, show the evidence, and stop the run if it falls short.

    Raises
    ------
    NotConverged
        After the evidence is in the UI.
    """
    progress = Progress("gate", "parameters")
    storage = Storage(work)

    def build(folder: Path) -> None:
        from tasks.gate.gating import gate_posterior

        gate_posterior(storage.open(grouped), storage.open(sampled), parameters, folder, rung)

    # How often to try again says nothing about this try.
    settings = {**parameters.model_dump(mode="json", exclude={"rungs"}), "rung": rung.model_dump(mode="json")}
    key = key_of("gate", [grouped.content, sampled.content], settings)
    reference = storage.run("gate", key, build, force=force)
    folder = storage.open(reference)
    verdict = Verdict.model_validate_json((folder / "verdict.json").read_text(encoding="utf-8"))
    create_table_artifact(key="gate", table=table_of(verdict), description=f"**{name}** {summary(verdict)}")
    progress.finish(summary(verdict))
    if not verdict.passed:
        create_markdown_artifact(key="gate-evidence", markdown=markdown_of(verdict, folder), description=name)
        tries = f" after {counted(verdict.rung, 'rung')} of the ladder" if verdict.rung else ""
        message = (
            f"the posterior of {name} is not fit to publish{tries}: {explain(verdict)}\n"
            f"  nothing was published, 'current' has not moved; evidence: {folder}"
        )
        raise NotConverged(message, str(folder / "verdict.json"))
    return reference
