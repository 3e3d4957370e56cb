"""A small label's corpus, in the layout of the book Bayes Rules!."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path


def write_label(path: Path, tracks: int, artists: int = 15) -> Path:
    """Write so many tracks of artists whose levels differ; the same every time."""
    chance = np.random.default_rng(1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "title", "artist", "popularity"])
        for track in range(tracks):
            by = int(chance.integers(artists))
            popularity = round(min(100.0, max(1.0, chance.normal(25 + 3 * by, 10))))
            writer.writerow([f"{track:022d}", f"song {track}", f"artist {by:02d}", popularity])
    return path
