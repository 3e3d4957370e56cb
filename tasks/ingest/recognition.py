"""Which layout a source has, told from its column names; and what its first rows say where those do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import CorpusRejected
from schemas.layouts import LAYOUTS, OTHER, Layout
from schemas.synonyms import rank, squashed
from schemas.tracks import COLUMNS
from tasks.ingest.refusals import ambiguous, given_twice, lacking, listed, no_such_column, shown
from tasks.progress import LOGGER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from tasks.ingest.evidence import Sample


@dataclass(frozen=True)
class Recognised:
    """A source's layout.

    Parameters
    ----------
    layout : Layout
        A public one, or one named `OTHER` that was made up from the column names; with what the first rows said.
    positions : mapping of str to int
        Canonical column to the position of the source's column that holds it; absent ones are not in it.
    why : str
        Why we think so, in a sentence.
    """

    layout: Layout
    positions: Mapping[str, int]
    why: str


def recognise(
    file: str, names: Sequence[str], sample: pa.Table | None = None, columns: Mapping[str, str] | None = None
) -> Recognised:
    """Return the layout of a source, and say in the log what was decided.

    Case, spaces and signs in names do not matter; neither do further columns. A public layout goes before synonyms,
    and `columns` before both.

    Parameters
    ----------
    file : str
        Its name, for the error.
    names : sequence of str
        Its column names, in order.
    sample : pyarrow.Table, optional
        Its first rows, raw, with columns named by position. Without them units are what the names say.
    columns : mapping of str to str, optional
        Canonical column to the source's own name for it, where the user says so.

    Raises
    ------
    CorpusRejected
        If a column is missing that there must be, or two could be it; naming both it and what there is.
    """
    from tasks.ingest.evidence import Sample
    from tasks.ingest.resolving import resolved

    rows = None if sample is None or not sample.num_rows else Sample(sample)
    chosen = _chosen(file, names, columns or {})
    where: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        if squashed(name):
            where.setdefault(squashed(name), []).append(position)
    layout = _known(where)
    positions, notes = dict(chosen), [f"{name} is {shown(names[at])}, as asked" for name, at in chosen.items()]
    if layout:
        own = _positions(file, names, layout, where, rows)
        own = {name: at for name, at in own.items() if name not in chosen and at not in chosen.values()}
        found, positions = len(own), own | positions
        why = (
            f"it has the columns {listed(sorted(layout.marks))}, "
            f"and {found} of the {len(layout.columns)} columns of that layout"
        )
    else:
        layout, why = Layout(OTHER, {}, frozenset()), "it has no known layout, so its columns were told by their names"
    guessed = _guessed(file, names, positions, rows)
    positions |= guessed
    lacks = [column.name for column in COLUMNS if column.required and column.name not in positions]
    whole = layout.name != OTHER or chosen  # somebody has said that these are tracks
    refusal = None if whole and not lacks else lacking(file, names, layout, positions, lacks, rows)
    if refusal:
        raise CorpusRejected(refusal)
    renamed = [f"{name} is {shown(names[at])}" for name, at in guessed.items() if squashed(name) != squashed(names[at])]
    notes += [", ".join(renamed)] if renamed else []
    layout, positions, said = resolved(layout, names, positions, rows)
    ordered = {column.name: positions[column.name] for column in COLUMNS if column.name in positions}
    why = "; ".join([why, *notes, *said])
    LOGGER.info("%-7s %s has the layout %s: %s", "ingest", file, layout.name, why)
    return Recognised(layout, ordered, why)


def _chosen(file: str, names: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Return the positions of the columns that the user named."""
    chosen = {}
    for canonical, own in columns.items():
        exact = [at for at, name in enumerate(names) if name.strip() == own.strip()]
        alike = exact or [at for at, name in enumerate(names) if squashed(name) == squashed(own) != ""]
        if not alike:
            raise CorpusRejected(no_such_column(file, names, canonical, own))
        if len(alike) > 1:
            raise CorpusRejected(given_twice(file, names, alike))
        chosen[canonical] = alike[0]
    return chosen


def _known(where: Mapping[str, list[int]]) -> Layout | None:
    candidates = [layout for layout in LAYOUTS if all(squashed(mark) in where for mark in layout.marks)]
    return max(
        candidates, key=lambda layout: sum(squashed(own) in where for own in layout.columns.values()), default=None
    )


def _positions(
    file: str, names: Sequence[str], layout: Layout, where: Mapping[str, list[int]], sample: Sample | None
) -> dict[str, int]:
    positions = {}
    for canonical, own in layout.columns.items():
        at = where.get(squashed(own), [])
        exact = [position for position in at if names[position] == own]
        at = exact if len(exact) == 1 else at
        if at:
            positions[canonical] = _single(file, names, at, sample)
    return positions


def _single(file: str, names: Sequence[str], at: Sequence[int], sample: Sample | None) -> int:
    """Return the first of several columns of one name, which must all hold the same."""
    if not _same(at, sample):
        raise CorpusRejected(given_twice(file, names, at))
    return at[0]


def _same(at: Sequence[int], sample: Sample | None) -> bool:
    """Return whether several columns hold the same, so that it does not matter which is read."""
    return len(at) == 1 or (sample is not None and all(sample.same(at[0], other) for other in at[1:]))


def _guessed(file: str, names: Sequence[str], positions: Mapping[str, int], sample: Sample | None) -> dict[str, int]:
    """Return where the canonical columns are, as far as synonyms tell, that have no position yet."""
    guessed: dict[str, int] = {}
    for column in COLUMNS:
        if column.name in positions:
            continue
        taken = {*positions.values(), *guessed.values()}
        ranked = [(rank(column.name, name), at) for at, name in enumerate(names) if at not in taken]
        fitting = [
            (group, at)
            for group, at in ranked
            if group is not None and (sample is None or sample.holds(column.name, at))
        ]
        # Which of two popularities is the track's cannot be told from how usual their names are.
        best = [at for group, at in fitting if column.name == "popularity" or group == min(fitting)[0]]
        if not best:
            continue
        if len({squashed(names[at]) for at in best}) == 1:
            guessed[column.name] = _single(file, names, best, sample)
        elif column.required and not _same(best, sample):
            raise CorpusRejected(ambiguous(file, names, column.name, best))
        else:
            guessed[column.name] = best[0]
    return guessed
