"""Completes a layout with what it does not declare: units, separators and dates, from names and first rows."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from schemas.layouts import OTHER, SHARES
from schemas.synonyms import duration_factor, percent, squashed
from schemas.tracks import BY_NAME
from tasks.ingest.evidence import (
    date_order,
    decimal_of,
    duration_unit,
    popularity_is_share,
    separator_of,
    shares_in_percent,
)
from tasks.ingest.refusals import listed, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas.layouts import Layout
    from tasks.ingest.evidence import Sample

    Resolved = tuple[Layout, list[str]]

_MOST_SHOWN = 4


def resolved(
    layout: Layout, names: Sequence[str], positions: Mapping[str, int], sample: Sample | None
) -> tuple[Layout, dict[str, int], list[str]]:
    """Return a layout that says how a source writes each column.

    Parameters
    ----------
    layout : Layout
        What it declares is believed. Credits and genres are looked at only where nothing is declared at all.
    names : sequence of str
        The source's columns.
    positions : mapping of str to int
        Where the canonical columns are.
    sample : Sample, optional
        Its first rows.

    Returns
    -------
    layout : Layout
        The same object where nothing is added.
    positions : dict of str to int
        Without the columns whose unit nothing tells.
    notes : list of str
        What was decided.
    """
    kept = dict(positions)
    notes: list[str] = []
    if sample:
        layout, said = _with_decimal(layout, kept, sample)
        notes += said
    layout, said = _with_shares(layout, names, kept, sample)
    notes += said
    if (
        sample
        and layout.name == OTHER
        and "popularity" in kept
        and popularity_is_share(sample, kept["popularity"], layout.decimal)
    ):
        layout = replace(layout, factors=layout.factors | {"popularity": 100.0})
        notes.append("popularity is a share of 1, by its values, and taken times 100")
    layout, said = _with_duration(layout, names, kept, sample)
    notes += said
    if sample and layout.name == OTHER:
        layout, said = _with_separators(layout, names, kept, sample)
        notes += said
    if sample and layout.dates == "year_first" and "release_date" in kept:
        order = date_order(sample, kept["release_date"])
        if order and order != layout.dates:
            layout = replace(layout, dates=order)
            notes.append(f"dates have the {order.removesuffix('_first')} first")
    return layout, kept, notes


def _with_decimal(layout: Layout, positions: Mapping[str, int], sample: Sample) -> Resolved:
    numbers = [at for name, at in positions.items() if BY_NAME[name].kind == "number"]
    decimal = decimal_of(sample, numbers)
    if decimal == layout.decimal:
        return layout, []
    return replace(layout, decimal=decimal), ["numbers have a decimal comma"]


def _with_shares(layout: Layout, names: Sequence[str], positions: Mapping[str, int], sample: Sample | None) -> Resolved:
    undeclared = {
        name: positions[name]
        for name in SHARES
        if name in positions and not (name in layout.factors and _is_own(layout, name, names[positions[name]]))
    }
    if layout.factors.keys() & undeclared:  # what the user named in place of the layout's own column
        layout = replace(layout, factors={name: one for name, one in layout.factors.items() if name not in undeclared})
    found = [name for name, at in undeclared.items() if percent(names[at])]
    if sample:
        rest = {name: at for name, at in undeclared.items() if name not in found}
        found += shares_in_percent(sample, rest, layout.decimal)
    if not found:
        return layout, []
    said = f"{_several(found)} {'is' if len(found) == 1 else 'are'} in percent"
    return replace(layout, factors=layout.factors | dict.fromkeys(found, 0.01)), [said]


def _with_duration(layout: Layout, names: Sequence[str], positions: dict[str, int], sample: Sample | None) -> Resolved:
    canonical = "duration_ms"
    if canonical not in positions:
        return layout, []
    own = names[positions[canonical]]
    if _is_own(layout, canonical, own):
        return layout, []
    if factor := duration_factor(own):
        return (replace(layout, factors=layout.factors | {canonical: factor}) if factor != 1 else layout), []
    if not sample:
        return layout, []
    told = duration_unit(sample, positions[canonical], layout.decimal)
    if not told:
        del positions[canonical]
        return layout, [f"{shown(own)} is left out, since its values do not tell its unit"]
    unit, factor = told
    layout = replace(layout, factors=layout.factors | {canonical: factor}) if factor != 1 else layout
    return layout, [f"{shown(own)} is in {unit}, by its values"]


def _with_separators(layout: Layout, names: Sequence[str], positions: Mapping[str, int], sample: Sample) -> Resolved:
    # Under a name in the singular a comma is part of an artist's name.
    plural = bool(re.search("artists|performers|names$", squashed(names[positions["artists"]])))
    artists = separator_of(sample, positions["artists"], (";", "|", ",") if plural else (";", "|"))
    genres = separator_of(sample, positions["genres"], (";", "|", ",")) if "genres" in positions else None
    notes = [f"credits are joined by {artists!r}" if artists else "a credit that is no list is one artist"]
    notes += [f"genres are joined by {genres!r}"] if genres else []
    return replace(layout, credits=artists, genres=genres), notes


def _is_own(layout: Layout, canonical: str, name: str) -> bool:
    """Return whether a column is the one that the layout declares, so that what it declares of it holds."""
    return squashed(layout.columns.get(canonical, "")) == squashed(name)


def _several(names: Sequence[str]) -> str:
    if len(names) <= _MOST_SHOWN:
        return listed(names)
    return f"{', '.join(names[: _MOST_SHOWN - 1])} and {len(names) - _MOST_SHOWN + 1} more"
