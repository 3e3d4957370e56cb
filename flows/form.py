"""How the flows' parameters look in the form of Prefect's UI: a title each, and groups in the order of the steps.

Bounds and patterns here are the form's; a run from a terminal gets the flow's own sentences instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from schemas.approval import ApproveParameters
from schemas.parameters import (
    EvaluateParameters,
    GateParameters,
    GroupParameters,
    IngestParameters,
    PublishParameters,
    SampleParameters,
)
from schemas.publication import NAME

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def _titled(title: str, **more: int | str) -> FieldInfo:
    """Return a field with a title; Prefect shows a parameter's name where it finds none in the extra part."""
    field: FieldInfo = Field(json_schema_extra={"title": title, **more})
    return field


Sources = Annotated[list[str], _titled("Corpus", minItems=1)]
# The UI shows the pattern that a name does not match, and nothing else: the comment in it is the sentence to read.
# Prefect checks patterns with Python's `re`, which takes comments.
_NAMED = (
    "(?#use up to 64 lower-case letters, digits, dashes, underscores and single dots, a letter or digit first)"
    rf"^(?!.*[.][.]){NAME}$"
)
Name = Annotated[str, _titled("Publish as", pattern=_NAMED)]
To = Annotated[str, _titled("Folder of publications", minLength=1)]
Ingestion = Annotated[IngestParameters, _titled("1. Ingest")]
Grouping = Annotated[GroupParameters, _titled("2. Group")]
Sampling = Annotated[SampleParameters, _titled("3. Sample")]
Gating = Annotated[GateParameters, _titled("4. Gate")]
Publishing = Annotated[PublishParameters, _titled("5. Publish")]
Approving = Annotated[ApproveParameters, _titled("Approval")]
Evaluating = Annotated[EvaluateParameters, _titled("5. Judge")]
Force = Annotated[bool, _titled("Do every step again")]
