"""What the command line offers: choices as enumerations, and parameters checked with the option's name in the error."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.errors import InvalidParameter

if TYPE_CHECKING:
    from pydantic import BaseModel


Column = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CANONICAL=THEIRS",
        help="Which of the corpus's columns is which, where its name does not say it: popularity=score. "
        "May be given several times.",
        rich_help_panel="Ingest",
    ),
]


class Repeats(StrEnum):
    """What becomes of a track id seen before."""

    DROP = "drop"
    RECORDING = "recording"
    KEEP = "keep"


class Credit(StrEnum):
    """Which credited artists a track counts for."""

    PRIMARY = "primary"
    EACH = "each"


class Genres(StrEnum):
    """The level of the genre effects."""

    FINEST = "finest"
    BROADEST = "broadest"
    NONE = "none"


class Pooling(StrEnum):
    """How far artists are pulled towards each other."""

    PARTIAL = "partial"
    NONE = "none"
    COMPLETE = "complete"


class Blocks(StrEnum):
    """Where the blocks of features come from."""

    DECLARED = "declared"
    LEARNED = "learned"


class Slopes(StrEnum):
    """Whether a feature is worth the same in every genre."""

    NONE = "none"
    GENRE = "genre"


class Likelihood(StrEnum):
    """How tracks lie around what is expected of them."""

    NORMAL = "normal"
    STUDENT_T = "student_t"


class Parametrisation(StrEnum):
    """What NUTS moves in, row by row."""

    AUTO = "auto"
    CENTRED = "centred"
    NON_CENTRED = "non_centred"


class Promote(StrEnum):
    """When readers see what was published."""

    NOT_WORSE = "not_worse"
    ALWAYS = "always"
    NEVER = "never"


class Engine(StrEnum):
    """What draws from the posterior."""

    AUTO = "auto"
    COLLAPSED = "collapsed"
    ROWS = "rows"
    PYMC = "pymc"
    NUMPYRO = "numpyro"
    PYMC3 = "pymc3"


# What a corpus must be like as a whole: the same for every command that reads one.
MinTracks = Annotated[int, typer.Option(help="Warn of fewer tracks.", rich_help_panel="Ingest")]
MaxZeros = Annotated[float, typer.Option(help="Warn of a larger share of popularity 0.", rich_help_panel="Ingest")]
MaxUnknownGenres = Annotated[
    float, typer.Option(help="Warn of a larger share without a known genre.", rich_help_panel="Ingest")
]
MaxDrift = Annotated[
    float,
    typer.Option(help="Warn of mean popularity further from the last corpus, points.", rich_help_panel="Ingest"),
]
RejectOn = Annotated[
    str,
    typer.Option(
        metavar="LIMITS",
        help="Reject the corpus instead: all, none, or tracks, zeros, genres, drift joined by commas.",
        rich_help_panel="Ingest",
    ),
]


Rungs = Annotated[
    int,
    typer.Option(help="How often a posterior that falls short is sampled again, changed.", rich_help_panel="Gate"),
]
Check = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=ACTION",
        help="What a model check does: zeros=fail, outside=off, mean=warn, ... (docs/gate.md). Several times.",
        rich_help_panel="Gate",
    ),
]


def actions(given: list[str] | None) -> dict[str, str]:
    """Read what model checks are to do, as fields of the gate's parameters.

    Raises
    ------
    InvalidParameter
        If one is not ``name=action``, or there is no such check.
    """
    from schemas.parameters import GateParameters

    names = [name.removeprefix("check_") for name in GateParameters.model_fields if name.startswith("check_")]
    found = {}
    for option in given or []:
        name, _, action = (part.strip() for part in option.partition("="))
        if name not in names or action not in {"warn", "fail", "off"}:
            message = f"--check {option}: write NAME=warn, NAME=fail or NAME=off, with a NAME of {', '.join(names)}"
            raise InvalidParameter(message)
        found[f"check_{name}"] = action
    return found


def checked[Model: BaseModel](model: type[Model], **values: Any) -> Model:
    """Build parameters from options, naming the option where one cannot be used."""
    from pydantic import ValidationError

    plain = {key: value.value if isinstance(value, StrEnum) else value for key, value in values.items()}
    try:
        return model(**plain)
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:  # of several together; the sentence names them
            raise InvalidParameter(reason) from None
        option = f"--{str(first['loc'][0]).replace('_', '-')}"
        given = first["input"]
        given = " ".join(given) if isinstance(given, (list, tuple)) else given
        message = f"{option} {given}: {reason[0].lower()}{reason[1:]}"
        raise InvalidParameter(message) from None
