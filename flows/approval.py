"""A publication that moves too far waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import runtime, suspend_flow_run
from prefect.artifacts import create_markdown_artifact
from prefect.input import RunInput
from pydantic import Field

from flows.operated import artifact_key, markdown_line
from schemas.errors import NotApproved
from tasks.publish.movement import movement
from tasks.publish.text import counted, markdown, number, signed
from tasks.storage import Storage

if TYPE_CHECKING:
    from schemas.approval import ApproveParameters
    from schemas.references import Reference
    from tasks.publish.movement import Movement


class Approval(RunInput):
    """What the UI asks of whoever resumes the run."""

    publish: bool = Field(False, title="Publish it", description="Yes publishes; no ends the run.")  # noqa: FBT003 - a pydantic default
    why: str = Field("", title="Why", description="For the log of the run.", max_length=500)


def hold(parameters: ApproveParameters, sampled: Reference, work: str, to: str, name: str) -> None:
    """Return at once where a posterior may be published; wait for a person where it moves too far.

    The process ends while it waits. The run that is resumed does its steps again, which are all there, and comes by
    here with the answer. That is for one posterior: should another have come of the steps, it is asked about anew.

    Raises
    ------
    NotApproved
        If the answer is no, or there is nobody to ask.
    """
    if not parameters.hold_above:
        return
    moved = movement(Storage(work).open(sampled), to, name)
    if moved is None or moved.mean <= parameters.hold_above:
        return
    sentence = (
        f"the posterior means of {counted(moved.artists, 'artist')} differ from {moved.version} by {moved.mean:.1f} "
        f"points on average, and {parameters.hold_above:g} are allowed"
    )
    create_markdown_artifact(
        key=artifact_key("approval", name),
        markdown=_question(name, sentence, moved, parameters),
        description=markdown(name),
    )
    if not runtime.deployment.id:
        message = f"{name} is not published: {sentence}; run it as a deployment, where somebody can be asked"
        raise NotApproved(message)
    answer = suspend_flow_run(
        wait_for_input=Approval.with_initial_data(description=_marked(sentence)),
        timeout=int(parameters.patience_hours * 3600),
        key=f"approve-{sampled.content[:16]}",
    )
    if not answer.publish:
        why = f" ({answer.why})" if answer.why else ""
        message = f"{name} is not published: {sentence}, and the answer was no{why}"
        raise NotApproved(message)


def _marked(sentence: str) -> str:
    return f"{markdown_line(sentence[0].upper() + sentence[1:])}."


def _question(name: str, sentence: str, moved: Movement, parameters: ApproveParameters) -> str:
    rows = [f"| {markdown(artist)} | {signed(change)} |" for artist, change in moved.movers]
    return "\n".join(
        [
            f"### {markdown(name)}: held, is this to be published?",
            "",
            _marked(sentence),
            "",
            f"**Resume** the run to answer. No answer within {number(parameters.patience_hours, 0)} hours is a no.",
            "",
            "| moved most | points |",
            "|---|---:|",
            *rows,
        ]
    )
