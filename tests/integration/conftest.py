"""Small corpora."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@pytest.fixture
def write_corpus(tmp_path: Path) -> Callable[[str, Sequence[tuple[str, str, float]]], Path]:
    """Return a function that writes tracks in the layout of the book Bayes Rules!: (id, artist, popularity)."""

    def write(name: str, tracks: Sequence[tuple[str, str, float]]) -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["track_id", "title", "artist", "popularity"])
            writer.writerows((f"{key:0>22}", f"song {key}", artist, popularity) for key, artist, popularity in tracks)
        return path

    return write
