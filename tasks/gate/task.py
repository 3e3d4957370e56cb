"""The door to the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from schemas.errors import NotConverged
from schemas.parameters import GateParameters
from schemas.references import Reference
from schemas.verdict import Verdict
from tasks.gate.wording import CHECKS, explain, printable, summary
from tasks.progress import Progress
from tasks.retrying import ATTEMPTS_MORE, DELAYS, JITTER, may_pass
from tasks.storage import Storage, key_of

if TYPE_CHECKING:
    from pathlib import Path

# Tables of artifacts live in Prefect's database: the worst will do, all are in diagnostics.parquet.
_ROWS = 25


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

        gate_posterior(storage.open(grouped), storage.open(sampled), parameters, folder)

    reference = storage.run("gate", key_of("gate", [grouped.content, sampled.content], parameters), build, force=force)
    folder = storage.open(reference)
    verdict = Verdict.model_validate_json((folder / "verdict.json").read_text(encoding="utf-8"))
    create_table_artifact(key="gate", table=_evidence(verdict), description=f"**{name}** {summary(verdict)}")
    progress.finish(summary(verdict))
    if not verdict.passed:
        message = (
            f"the posterior of {name} is not fit to publish: {explain(verdict)}\n"
            f"  nothing was published, 'current' has not moved; evidence: {folder / 'diagnostics.parquet'}"
        )
        raise NotConverged(message)
    return reference


def _evidence(verdict: Verdict) -> list[dict[str, Any]]:
    """Return the rows of the artifact: each check's worst value, then who fell short."""
    rows: list[dict[str, Any]] = [
        {
            "check": word,
            "parameter": f"worst of all: {printable(verdict.worst[check])}",
            "value": verdict.measured[check],
            "threshold": verdict.thresholds[check],
            "fell short": verdict.fell_short.get(check, 0),
        }
        for check, (word, *_) in CHECKS.items()
    ]
    rows += [
        {
            "check": CHECKS[shortfall.check][0] if shortfall.check in CHECKS else shortfall.check,
            "parameter": shortfall.parameter,
            "value": shortfall.value,
            "threshold": shortfall.threshold,
            "fell short": shortfall.sentence,
        }
        for shortfall in verdict.shortfalls[:_ROWS]
    ]
    return rows
