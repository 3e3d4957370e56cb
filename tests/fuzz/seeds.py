"""What is mutated: some rows of the committed sample, as each public layout would write them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyarrow import parquet as pq

from schemas.layouts import LAYOUTS, LISTS, Layout

if TYPE_CHECKING:
    from random import Random

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "samples" / "spotify_by_genre.parquet"
_DATES = ("2019", "2019-07", "2019-07-05", "05-07-2019", "1922-02-22")
_KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

Table = tuple[list[str], list[list[str]]]


@cache
def _sample() -> list[dict[str, Any]]:
    return list(pq.read_table(SAMPLE).to_pylist())


def seed_table(random: Random) -> Table:
    """Return the names of the columns and the cells of a small corpus.

    One in four is a few hundred rows of the sample as they are; the others are up to thirty rows, in the layout of
    one of `schemas.layouts.LAYOUTS` (seldom in the last, which has no popularity), or with three columns only.
    """
    choice = random.choices(range(len(LAYOUTS) + 2), (3,) * (len(LAYOUTS) - 1) + (0.5, 2, 7))[0]
    if choice > len(LAYOUTS):
        start, count = random.randrange(5_600), random.randint(100, 400)
        rows = _sample()[start : start + count]
        return list(rows[0]), [[str(cell) for cell in row.values()] for row in rows]
    rows = random.sample(_sample(), random.randint(1, 30))
    if choice == len(LAYOUTS):
        names = ["track_id", "artists", "popularity"]
        return names, [[str(row[name]) for name in names] for row in rows]
    return _as_layout(LAYOUTS[choice], rows, random)


def _as_layout(layout: Layout, rows: list[dict[str, Any]], random: Random) -> Table:
    canonical = dict(layout.columns) | {f"mark {mark}": mark for mark in layout.marks}
    names = dict.fromkeys(canonical.values())
    cells = [{own: _cell(layout, name, row, random) for name, own in reversed(canonical.items())} for row in rows]
    return list(names), [[row[name] for name in names] for row in cells]


def _cell(layout: Layout, canonical: str, row: dict[str, Any], random: Random) -> str:
    """Return a cell as a layout writes it; what the sample does not have is made up."""
    if canonical == "artists":
        artists = row["artists"].split(";")
        return str(artists) if layout.credits == LISTS else (layout.credits or " & ").join(artists)
    if canonical == "release_date":
        return random.choice(_DATES)
    if canonical == "key" and random.random() < 0.5:
        return random.choice(_KEYS)
    if canonical == "mode":
        return random.choice(("Major", "Minor", "0", "1"))
    if canonical in {"genres", "subgenres"}:
        return str(row["track_genre"])
    if canonical in layout.factors:
        return str(round(row[canonical] / layout.factors[canonical]))
    return str(row.get(canonical, random.randrange(10**6)))
