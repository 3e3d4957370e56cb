"""The leaderboard as text: for a terminal, and for the Prefect UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.publish.evidence import ARTISTS
from tasks.publish.parquet import read_table
from tasks.publish.store import read_manifest
from tasks.publish.text import aligned, fitted, markdown, number

if TYPE_CHECKING:
    from pathlib import Path

_WIDEST_NAME = 26  # cells: with the other columns it fits a terminal of 80


def leaderboard_text(folder: Path, top: int = 10) -> str:
    """Return the first artists of a publication as an aligned table.

    Parameters
    ----------
    folder : Path
        A version, or the pointer to one.
    top : int
        How many artists, those with the highest posterior mean.

    Returns
    -------
    str
        A line for the header and one an artist, in points of popularity, without a newline at the end. Names are cut
        to the width of the column; control characters and bidirectional overrides in them are replaced.

    Raises
    ------
    PublicationConflict
        If `folder` is not a publication.
    """
    header, rows = _cells(folder, top)
    lines = [header, *((rank, fitted(artist, _WIDEST_NAME), *rest) for rank, artist, *rest in rows)]
    return aligned(lines, left={1})


def leaderboard_markdown(folder: Path, top: int = 10) -> str:
    """Return the first artists of a publication as a Markdown table; as `leaderboard_text`, with names escaped."""
    header, rows = _cells(folder, top)
    lines = [header, ("---:", "---", *["---:"] * (len(header) - 2))]
    lines += [(rank, markdown(artist), *rest) for rank, artist, *rest in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(folder: Path, top: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the header, and the rows with the artist's name as it was credited."""
    interval = read_manifest(folder).sampling.interval
    columns = ["rank", "artist", "tracks", "raw_mean", "mean", "low", "high"]
    rows: list[tuple[str, ...]] = [
        (
            f"{row['rank']:,}",
            row["artist"],
            f"{row['tracks']:,}",
            number(row["raw_mean"]),
            number(row["mean"]),
            f"{number(row['low'])} to {number(row['high'])}",
        )
        for row in read_table(folder / ARTISTS, columns).slice(0, max(top, 0)).to_pylist()
    ]
    return ("rank", "artist", "tracks", "raw mean", "posterior mean", f"{interval * 100:.3g}% interval"), rows
