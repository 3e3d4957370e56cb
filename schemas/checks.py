"""What the values of parameters have to be."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from schemas.tracks import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence


def of_a_canonical_column(value: str) -> str:
    """Return `canonical=theirs`, tidied; raises `ValueError` for any other form or name."""
    canonical, equals, own = (part.strip() for part in value.partition("="))
    if not (canonical and equals and own):
        message = "Give it as canonical=theirs, for example popularity=score"
        raise ValueError(message)
    if canonical not in BY_NAME:
        near = difflib.get_close_matches(canonical, BY_NAME, n=3)
        message = f"There is no canonical column {canonical!r}; give one of {', '.join(near or BY_NAME)}"
        raise ValueError(message)
    return f"{canonical}={own}"


def chosen(value: str, known: Sequence[str], what: str) -> str:
    """Return names joined by commas in one order, or all, or none; raises `ValueError` for any other."""
    words = sorted({word.strip() for word in value.split(",") if word.strip()})
    if words in (["all"], ["none"]):
        return words[0]
    unknown = [word for word in words if word not in known]
    if unknown or not words:
        message = f"unknown {what} {unknown[0]!r}; " if unknown else ""
        message += f"give all, none, or some of {', '.join(known)}"
        raise ValueError(message)
    return ",".join(words)
