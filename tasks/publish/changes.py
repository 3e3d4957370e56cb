"""What is different from the publication before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from tasks.publish.tables import Previous

_MOST_MOVERS = 10
_VISIBLE = 0.05  # points: smaller changes round to 0.0


@dataclass(frozen=True)
class Changes:
    """What is different from the publication before.

    Parameters
    ----------
    version : str
        The one before.
    arrived, left : int
        Artists that only this publication has, and that only the one before had.
    moved : int
        Artists of both whose posterior mean moved by a visible amount.
    mean_change : float
        Mean absolute change over the artists of both, in points; 0 where there are none.
    risen, fallen : list of dict
        Rows of ``artists.parquet`` with the largest changes, the largest first.
    """

    version: str
    arrived: int
    left: int
    moved: int
    mean_change: float
    risen: list[dict[str, Any]]
    fallen: list[dict[str, Any]]


def what_changed(artists: pa.Table, previous: Previous | None) -> Changes | None:
    """Compare the published artists with those of the publication before; None if there is none.

    Parameters
    ----------
    artists : pyarrow.Table
        As published, by rank.
    previous : Previous, optional
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if previous is None:
        return None
    both = artists.filter(pc.is_valid(artists["change"])).select(["rank", "artist", "tracks", "mean", "change"])
    size = pc.abs(both["change"])
    stayed = pc.sum(pc.is_in(previous.artists["artist"], value_set=artists["artist"].combine_chunks())).as_py() or 0
    up = both.filter(pc.greater_equal(both["change"], pa.scalar(_VISIBLE)))
    down = both.filter(pc.less_equal(both["change"], pa.scalar(-_VISIBLE)))
    return Changes(
        version=previous.version,
        arrived=artists.num_rows - both.num_rows,
        left=previous.artists.num_rows - stayed,
        moved=up.num_rows + down.num_rows,
        mean_change=pc.mean(size).as_py() or 0.0,
        risen=up.sort_by([("change", "descending"), ("artist", "ascending")]).slice(0, _MOST_MOVERS).to_pylist(),
        fallen=down.sort_by([("change", "ascending"), ("artist", "ascending")]).slice(0, _MOST_MOVERS).to_pylist(),
    )
