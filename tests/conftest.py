"""What tests share: where the corpora are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def sample_corpus() -> Path:
    """Return the committed corpus of 6,000 real tracks."""
    return REPOSITORY / "data" / "samples" / "spotify_by_genre.parquet"


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Return the folder of real corpora that are not committed, or skip."""
    folder = Path(os.environ.get("ENCORE_CORPORA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no folder of real corpora: set ENCORE_CORPORA to one")
    return folder
