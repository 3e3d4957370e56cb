"""How far a posterior is from the one that readers have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.publish.evidence import ARTISTS
from tasks.publish.parquet import read_table
from tasks.stores import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.stores.store import Root


@dataclass(frozen=True)
class Movement:
    """How posterior means differ from the current publication's.

    Parameters
    ----------
    version : str
        That publication.
    artists : int
        Artists of both.
    mean : float
        Mean absolute change, in points; 0 where there are no artists of both.
    movers : tuple of (str, float)
        The artists with the largest changes, and those, the largest first.
    """

    version: str
    artists: int
    mean: float
    movers: tuple[tuple[str, float], ...]


def movement(sampled: Path, to: Root, name: str, most: int = 10) -> Movement | None:
    """Compare what `sample` made with the current publication.

    Parameters
    ----------
    sampled : Path
        Folder that `sample` made.
    to : Path, str or Store
        Where publications lie.
    name : str
    most : int
        How many of those that moved most are named.

    Returns
    -------
    Movement or None
        None where nothing has been published yet.
    """
    import pyarrow.compute as pc

    store = open_store(to)
    version = store.current(name)
    if version is None:
        return None
    columns = ["artist", "mean"]
    before = read_table(store.folder(name, version, [ARTISTS]) / ARTISTS, columns).combine_chunks()
    now = read_table(sampled / ARTISTS, columns)
    at = pc.index_in(now["artist"], value_set=before["artist"])
    change = pc.subtract(now["mean"], before["mean"].take(at))
    moved = now.append_column("change", change).filter(pc.is_valid(change))
    size = pc.abs(moved["change"])
    ranked = moved.append_column("size", size).sort_by([("size", "descending"), ("artist", "ascending")]).slice(0, most)
    return Movement(
        version=version,
        artists=moved.num_rows,
        mean=float(pc.mean(size).as_py() or 0),
        movers=tuple((row["artist"], row["change"]) for row in ranked.to_pylist()),
    )
