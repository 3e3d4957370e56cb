"""Which public layout a source has, told from its column names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import CorpusRejected
from schemas.layouts import LAYOUTS, Layout
from schemas.tracks import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_NAMES = 40
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Recognised:
    """A source's layout.

    Parameters
    ----------
    layout : Layout
    positions : mapping of str to int
        Canonical column to the position of the source's column that holds it; absent ones are not in it.
    why : str
        Why we think so, in a sentence.
    """

    layout: Layout
    positions: Mapping[str, int]
    why: str


def recognise(file: str, names: Sequence[str]) -> Recognised:
    """Return the layout of a source.

    Upper and lower case, and how words are joined, do not matter; neither do further columns.

    Parameters
    ----------
    file : str
        Its name, for the error.
    names : sequence of str
        Its column names, in order.

    Raises
    ------
    CorpusRejected
        If it has none of the public layouts, naming what is missing from the nearest.
    """
    where: dict[str, int] = {}
    for position, name in enumerate(names):
        where.setdefault(_plain(name), position)
    candidates = [layout for layout in LAYOUTS if _marks(layout, where) == len(layout.marks)]
    if not candidates:
        raise CorpusRejected(_rejection(file, names, where))
    layout = max(candidates, key=lambda candidate: len(_positions(candidate, where)))
    positions = _positions(layout, where)
    for column in COLUMNS:
        if column.required and column.name not in positions:
            message = f"{file} has the layout {layout.name} but no column for {column.name}: add one"
            raise CorpusRejected(message)
    why = (
        f"it has the columns {_listed(sorted(layout.marks))}, "
        f"and {len(positions)} of the {len(layout.columns)} columns of that layout"
    )
    return Recognised(layout, positions, why)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())


def _marks(layout: Layout, where: Mapping[str, int]) -> int:
    return sum(_plain(mark) in where for mark in layout.marks)


def _positions(layout: Layout, where: Mapping[str, int]) -> dict[str, int]:
    return {
        canonical: where[_plain(own)]
        for canonical, own in ((column.name, layout.columns.get(column.name)) for column in COLUMNS)
        if own is not None and _plain(own) in where
    }


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)


def _rejection(file: str, names: Sequence[str], where: Mapping[str, int]) -> str:
    # How many marks are missing says more than how many are there: layouts differ in how many they have.
    nearest = min(
        LAYOUTS,
        key=lambda layout: (len(layout.marks) - _marks(layout, where), -len(_positions(layout, where))),
    )
    canonical = {own: name for name, own in nearest.columns.items()}
    missing = [
        canonical[mark] if canonical[mark] == mark else f"{canonical[mark]} (there: {mark})"
        for mark in sorted(nearest.marks)
        if _plain(mark) not in where
    ]
    shown = [_shown(name) for name in names[:_MOST_NAMES]] + ["..."] * (len(names) > _MOST_NAMES)
    message = (
        f"{file} has none of the layouts {_listed([layout.name for layout in LAYOUTS])}: the nearest is "
        f"{nearest.name}, but there is no column for {_listed(missing)}; rename its columns, which are "
        f"{', '.join(shown)}"
    )
    if len(names) == 1 and re.search(r"[;\t|]", names[0]):
        message += " (fields must be separated by commas)"
    return message


def _shown(name: str) -> str:
    clean = "".join(letter if letter.isprintable() else "?" for letter in name)
    return clean if len(clean) <= _LONGEST_NAME else clean[: _LONGEST_NAME - 3] + "..."
