"""What group left, as the engines read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from schemas.reports import Design
from schemas.statistics import Statistics

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Grouped:
    """What group made.

    Parameters
    ----------
    design : Design
    statistics : Statistics
    artists : list of str, length J
        In the order of the statistics.
    folder : Path
    """

    design: Design
    statistics: Statistics
    artists: list[str]
    folder: Path

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder that group wrote."""
        import pyarrow.parquet as pq

        design = Design.model_validate_json((folder / "design.json").read_text(encoding="utf-8"))
        artists = pq.read_table(folder / "artists.parquet", columns=["artist"])["artist"].to_pylist()
        return cls(design, Statistics.load(folder / "statistics"), artists, folder)
