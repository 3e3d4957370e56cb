"""Why a source cannot be read as tracks, in one sentence that says what to do."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from schemas.synonyms import ALBUM_MARKS, ARTIST_MARKS, PLAYLIST_MARKS, forms, rank
from schemas.tracks import FEATURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas.layouts import Layout
    from tasks.ingest.evidence import Sample

_MOST_NAMES = 40
_LONGEST_NAME = 40
_MANY = 50
_TELLING = ("track_name", "explicit", *FEATURES)


def lacking(
    file: str,
    names: Sequence[str],
    layout: Layout,
    positions: Mapping[str, int],
    lacks: Sequence[str],
    sample: Sample | None,
) -> str | None:
    """Return why a source without some required columns is refused; or why one that has them all is no table of tracks.

    Parameters
    ----------
    file : str
    names : sequence of str
        Its columns.
    layout : Layout
        What it was taken for.
    positions : mapping of str to int
        The canonical columns that were found.
    lacks : sequence of str
        The required ones that were not.
    sample : Sample, optional
        Its first rows.

    Returns
    -------
    str or None
        None where nothing is wrong.
    """
    if about := _about(names, positions, sample):
        return f"{file} is a table of {about}, not of tracks: give the table that has a row for each track"
    if not lacks:
        return None
    if layout.without:
        return (
            f"{file} has the layout {layout.name}, which has no {listed(lacks)}: {layout.without}; "
            f"join it in from elsewhere, or name the column to use with --column {lacks[0]}=NAME"
        )
    nested = [name for at, name in enumerate(names) if sample and sample.is_nested(at)]
    if nested:
        return (
            f"{file} has no column for {listed(lacks)} that could be read, and {listed(_cut(nested))} "
            f"{'holds' if len(nested) == 1 else 'hold'} columns inside: write those out as columns of their own"
        )
    called = [at for at, name in enumerate(names) if rank(lacks[0], name) is not None]
    if len(lacks) == 1 and called and sample and (cells := sample.cells(called[0])):
        return (
            f"{file} has no column for {lacks[0]} that could be read: {shown(names[called[0]])} mostly holds no "
            f"numbers, but texts such as {shown(next(iter(cells)))}; mend it, or name another with "
            f"--column {lacks[0]}=NAME"
        )
    near = difflib.get_close_matches(lacks[0], names, n=1)
    example = quoted(f"{lacks[0]}={near[0]}") if near else f"{lacks[0]}=NAME"
    message = (
        f"{file} has no column for {listed(lacks)}: say which it is with --column {example}; "
        f"its columns are {', '.join(_cut(names))}"
    )
    if len(names) == 1 and re.search(r"[,;\t|]", names[0]):
        message += " (a single one: are its fields separated by something else?)"
    return message


def ambiguous(file: str, names: Sequence[str], canonical: str, at: Sequence[int]) -> str:
    """Return why two columns that could both be the canonical one stop a source."""
    return (
        f"{file} has {len(at)} columns that could be {canonical}, {listed([shown(names[one]) for one in at])}: "
        f"say which with --column, for example --column {quoted(f'{canonical}={names[at[0]]}')}"
    )


def given_twice(file: str, names: Sequence[str], at: Sequence[int]) -> str:
    """Return why columns of one name stop a source."""
    where = listed([str(one + 1) for one in at])
    return (
        f"{file} has {len(at)} columns named {shown(names[at[0]])} that differ (columns {where}): "
        "rename or remove all but one"
    )


def no_such_column(file: str, names: Sequence[str], canonical: str, own: str) -> str:
    """Return why a column that the user named and the source does not have stops it."""
    near = difflib.get_close_matches(own, names, n=3, cutoff=0.6)
    advice = f"did you mean {listed([shown(name) for name in near], 'or')}?" if near else "its columns are "
    advice += "" if near else ", ".join(_cut(names))
    return f"{file} has no column {shown(own)} for {canonical}: {advice}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Return names as a list in a sentence."""
    return ", ".join(names[:-1]) + f" {last} {names[-1]}" if len(names) > 1 else "".join(names)


def shown(name: str) -> str:
    """Return a column's name fit to be shown: printable, and not long."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in name)
    return clean if len(clean) <= _LONGEST_NAME else clean[: _LONGEST_NAME - 3] + "..."


def quoted(argument: str) -> str:
    """Return an argument as one would type it in a shell."""
    import shlex

    return shlex.quote(shown(argument))


def _cut(names: Sequence[str]) -> list[str]:
    return [shown(name) or "(no name)" for name in names[:_MOST_NAMES]] + ["..."] * (len(names) > _MOST_NAMES)


def _about(names: Sequence[str], positions: Mapping[str, int], sample: Sample | None) -> str | None:
    """Return what a table is about that is not about tracks; None if it may well be."""
    found = {one for name in names for one in forms(name)}
    # A bare `name` or `id` is anybody's.
    own = {"name", "title"} & found and "track_name" in positions and "artists" not in positions
    telling = [name for name in _TELLING if name in positions and not (name == "track_name" and own)]
    if telling or any(re.match(r"(track|song)", one) for one in found):
        return None
    if found & PLAYLIST_MARKS:
        return "playlists"
    if found & ALBUM_MARKS:
        return "albums"
    if found & ARTIST_MARKS:
        return "artists"
    if sample and {"artists", "popularity"} <= set(positions) and "track_id" not in positions:
        cells = sample.cells(positions["artists"])
        if len(cells) >= _MANY and max(cells.values()) == 1:
            return "artists"  # each is there once, and nothing says what of
    return None
