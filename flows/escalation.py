"""Sample and gate, and where a posterior falls short, once more a rung higher: the ladder, in the flow's own words."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from prefect.artifacts import create_markdown_artifact

from schemas.errors import NotConverged
from schemas.verdict import Rung, Verdict
from tasks.gate.evidence import marked
from tasks.gate.ladder import next_rung
from tasks.gate.task import gate
from tasks.sample.task import sample

if TYPE_CHECKING:
    from schemas.parameters import GateParameters, SampleParameters
    from schemas.references import Reference

_LOGGER = logging.getLogger("encore")
_MOST_NAMED = 120


def sample_and_gate(
    grouped: Reference, sampling: SampleParameters, gating: GateParameters, work: str, name: str, *, force: bool = False
) -> tuple[Reference, Reference]:
    """Sample, gate, and climb the ladder as long as the posterior falls short.

    Each rung is a task run of sample and one of gate, named after the rung. A run that is started again goes on at the
    rung it had reached: what was tried is known by its content.

    Parameters
    ----------
    grouped : Reference
    sampling : SampleParameters
        As the run was asked.
    gating : GateParameters
        Its ``rungs`` are how often a posterior is sampled again at most.
    work, name : str
    force : bool

    Returns
    -------
    sampled, gated : Reference
        Of the posterior that passed.

    Raises
    ------
    NotConverged
        If none did.
    """
    parameters, rung = sampling, Rung()
    while True:
        label = f"rung {rung.number} of {gating.rungs}" if rung.number else ""
        sampled = sample.with_options(task_run_name=_named("sample", label, rung))(
            grouped, parameters, work, force=force
        )
        try:
            gated = gate.with_options(task_run_name=_named("gate", label, rung))(
                grouped, sampled, gating, work, name, rung=rung, force=force
            )
        except NotConverged as error:
            following = _following(sampling, parameters, gating, error)
            if following is None:
                raise
            parameters, rung = following
            _LOGGER.info("%-7s rung %d of %d: %s", "ladder", rung.number, gating.rungs, rung.why)
            create_markdown_artifact(key="ladder", markdown=_told(rung), description=f"{name}, rung {rung.number}")
        else:
            return sampled, gated


def _named(step: str, label: str, rung: Rung) -> str:
    changes = ", ".join(f"{name} {value}" for name, value in rung.changes.items())
    return f"{step}, {label} ({changes})"[:_MOST_NAMED] if label else step


def _following(
    asked: SampleParameters, tried: SampleParameters, gating: GateParameters, error: NotConverged
) -> tuple[SampleParameters, Rung] | None:
    if not error.verdict:
        return None
    verdict = Verdict.model_validate_json(Path(error.verdict).read_text(encoding="utf-8"))
    return next_rung(asked, tried, verdict) if verdict.rung < gating.rungs else None


def _told(rung: Rung) -> str:
    """Return what was tried so far and what is tried now, as Markdown."""
    lines = ["| rung | fell short | why it was tried |", "|---:|---:|---|"]
    lines += [f"| {one.rung} | {one.quantities:,} | {marked(one.why or 'as asked')} |" for one in rung.earlier]
    lines.append(f"| {rung.number} | being tried | {marked(rung.why)} |")
    return "\n".join(lines)
