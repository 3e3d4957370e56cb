"""Parameters as a run was given them, checked in our own words.

Prefect would check them before the run has a name or anybody could show what is wrong; its flows are told not to, and
`operated` asks here.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from schemas.errors import InvalidParameter
from schemas.parameters import EvaluateParameters, GateParameters, GroupParameters, IngestParameters, SampleParameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

_OPTION = re.compile(r"--([a-z][a-z-]*)")
_FURTHER = re.compile(r"(--\S+ \S+) (?=--)")
_MOST_SAID = 10
_LONGEST_VALUE = 60


def checked(signature: inspect.Signature, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as the types that a flow's function names.

    Parameters
    ----------
    signature : inspect.Signature
        Of that function, its annotations evaluated.
    given : mapping
        By name; models may be given as mappings.

    Raises
    ------
    InvalidParameter
        With a line for each value that cannot be used, in the words of the run form.
    """
    fields: dict[str, Any] = {
        each.name: (each.annotation, ... if each.default is inspect.Parameter.empty else each.default)
        for each in signature.parameters.values()
    }
    model = create_model("Given", __config__=ConfigDict(arbitrary_types_allowed=True, extra="forbid"), **fields)
    try:
        made = model.model_validate(dict(given))
    except ValidationError as error:
        found = error.errors(include_url=False)
        said = [_sentence(model, one) for one in found[:_MOST_SAID]]
        message = "\n  ".join(said) if len(said) == 1 else "\n  ".join(["the parameters cannot be used:", *said])
        raise InvalidParameter(message) from None
    return {name: getattr(made, name) for name in fields}


def _sentence(model: type[BaseModel], error: ErrorDetails) -> str:
    inside: type[BaseModel] | None = model
    where: list[str] = []
    for part in error["loc"]:
        field = inside.model_fields.get(str(part)) if inside else None
        if field is None:
            where.append(f"item {part + 1}" if isinstance(part, int) else str(part))
            inside = None
        else:
            where.append(_title(str(part), field))
            kind = field.annotation
            inside = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    if error["type"] == "extra_forbidden":
        return f"{', '.join(where)}: there is no such parameter"
    reason = error["msg"].removeprefix("Value error, ")
    if error["type"] != "value_error" and isinstance(error["input"], str | int | float):
        reason = f"{reason[:1].lower()}{reason[1:]}, and is {str(error['input'])[:_LONGEST_VALUE]!r}"
    return f"{', '.join(where)}: {reason}"


def _title(name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra
    shown = extra.get("title") if isinstance(extra, dict) else None
    return str(shown or field.title or name)


def as_fields(text: str) -> str:
    """Return advice for the command line as advice for the run form: its fields' titles instead of options.

    Parameters
    ----------
    text : str
        Such as ``sample longer (--tune 1000 --draws 2000)``.
    """
    titles = _titles()

    def title(match: re.Match[str]) -> str:
        known = titles.get(match[1])
        return f'"{known}"' if known else match[0]

    return _OPTION.sub(title, _FURTHER.sub(r"\1, ", text)) if "--" in text else text


@cache
def _titles() -> dict[str, str]:
    """Return the titles of the form's fields by their options; the later models do not take what the earlier have."""
    titles = {"force": "Do every step again"}
    for model in (SampleParameters, GateParameters, GroupParameters, IngestParameters, EvaluateParameters):
        for name, field in model.model_fields.items():
            titles.setdefault(name.replace("_", "-"), _title(name, field))
    return titles
