"""What tests share: where the corpora are, and a Prefect server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parents[1]

# How long one example takes tells how busy the machine is.
settings.register_profile("encore", deadline=None)
settings.load_profile("encore")


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


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """Start a real Prefect server with a database of its own, and return the address of its API."""
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    import flows  # noqa: F401 - sets what Prefect reads on import

    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    with prefect_test_harness(server_startup_timeout=120):
        yield str(PREFECT_API_URL.value())
