"""The real PyMC3, in its room; where the machine has no Python for it, these tests are skipped, and say why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import book
import pytest

from schemas.errors import InvalidParameter
from schemas.parameters import GroupParameters, IngestParameters
from tasks.group.grouping import group_tracks
from tasks.ingest.corpus import ingest_corpus
from tasks.ingest.sources import find_sources
from tasks.sample.old_python import check_machine
from tasks.sample.room import Room, ready_room

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def room() -> Room:
    """Return PyMC3's room, made if it is not there."""
    try:
        machine = check_machine()
    except InvalidParameter as missing:
        pytest.skip(f"PyMC3 was not tried: {missing}")
    return ready_room(machine)


@pytest.fixture(scope="session")
def book_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a corpus with the same posterior as the 350 tracks of Bayes Rules!, where artists are all that differs."""
    path = tmp_path_factory.mktemp("book") / "book.csv"
    rows = [f"{track},{artist},{popularity!r}" for track, artist, popularity in book.tracks()]
    path.write_text("\n".join(["track_id,artist,popularity", *rows, ""]), encoding="utf-8")
    return path


def grouped(source: Path, folder: Path, **chosen: Any) -> Path:
    """Ingest and group a corpus, and return what group left."""
    for step in ("ingested", "grouped"):
        (folder / step).mkdir()
    repeats = chosen.pop("repeats", "drop")
    ingest_corpus(find_sources([str(source)]), IngestParameters(repeats=repeats), folder / "ingested")
    group_tracks(folder / "ingested", GroupParameters.model_validate(chosen), folder / "grouped", keep_rows=True)
    return folder / "grouped"


@pytest.fixture(scope="session")
def grouped_book(book_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the book's corpus, grouped."""
    return grouped(book_corpus, tmp_path_factory.mktemp("grouped"), features="none", genres="none")
