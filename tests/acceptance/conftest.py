"""One refit of the sample corpus by the command line, in a process of its own, for all tests that look at it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Published:
    """A finished refit.

    Parameters
    ----------
    source : Path
        The corpus.
    to : Path
        Folder of publications; the publication is called ``sample``.
    folder : Path
        What ``current`` points to.
    prefect_home : Path
        Where Prefect keeps its database, so that no test touches the user's.
    stdout, stderr : str
    seconds : float
    """

    source: Path
    to: Path
    folder: Path
    prefect_home: Path
    stdout: str
    stderr: str
    seconds: float


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Refit the sample corpus."""
    home = tmp_path_factory.mktemp("refit")
    to, prefect_home = home / "publications", home / "prefect"
    source = REPOSITORY / "data" / "samples" / "spotify_by_genre.parquet"
    started = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-m", "flows.cli", "refit", str(source), "--name", "sample", "--to", str(to)],
        cwd=REPOSITORY,
        env={**os.environ, "PREFECT_HOME": str(prefect_home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    seconds = time.monotonic() - started
    folder = (to / "sample" / "current").resolve()
    return Published(source, to, folder, prefect_home, run.stdout, run.stderr, seconds)
