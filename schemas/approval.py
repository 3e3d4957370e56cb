"""When a publication waits for a person."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ApproveParameters(BaseModel):
    """Whether a publication that moves much is held until a person approves it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hold_above: float = Field(
        0,
        ge=0,
        le=100,
        title="Hold above",
        description="Points. A publication whose posterior means differ by more than this from the last one, on "
        "average over the artists of both, waits until somebody resumes the run and says yes. 0: never.",
    )
    patience_hours: float = Field(
        24, gt=0, le=720, title="Patience", description="Hours to wait for an answer. None by then is a no."
    )
