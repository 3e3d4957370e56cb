"""A refit published to an S3-compatible server, and read back, by the commands that a user types."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import book
import buckets
import pytest
from test_readme import DOCS, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
TO = "s3://bucket/prefix"
LITTLE = ("--draws", "600", "--tune", "300", "--features", "none", "--genres", "none", "--repeats", "keep")

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve an empty bucket; return the folder that the server keeps it in."""
    folder = tmp_path / "served"
    (folder / "bucket").mkdir(parents=True)
    monkeypatch.setenv("ENCORE_CACHE", str(tmp_path / "cache"))
    with buckets.s3_server(folder) as port, buckets.pointed_at(f"http://127.0.0.1:{port}"):
        yield folder / "bucket" / "prefix"


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    """Write a small corpus."""
    path = tmp_path / "book.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["track_id", "title", "artist", "popularity"])
        writer.writerows((f"{key:0>22}", f"song {key}", artist, score) for key, artist, score in book.tracks())
    return path


def typed(*arguments: str, folder: Path, api: str = "") -> str:
    """Run a command that has to succeed; return what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    run = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(REPOSITORY), **({"PREFECT_API_URL": api} if api else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert buckets.SECRET not in run.stdout + run.stderr
    return run.stdout


def test_what_is_published_to_s3_is_read_by_every_command(
    bucket: Path, tracks: Path, tmp_path: Path, prefect_server: str
) -> None:
    def encore(*arguments: str, api: str = "") -> str:
        return typed("-m", "flows.cli", *arguments, "--to", TO, folder=tmp_path, api=api)

    def versions() -> list[str]:
        return sorted(path.name for path in (bucket / "sample" / "versions").iterdir())

    refit = ("refit", str(tracks), "--name", "sample", *LITTLE)
    said = encore(*refit, api=prefect_server)
    (first,) = versions()
    assert f"at       {TO}/sample/versions/{first}" in said
    assert not (tmp_path / "data").exists()

    # Nothing is new, to the terminal alone and to a run of a server; and with another seed something is.
    assert "Nothing new" in encore(*refit)
    assert "Nothing new" in encore(*refit, api=prefect_server)
    assert versions() == [first]
    assert "Nothing new" not in encore(*refit, "--seed", "2", api=prefect_server)
    before, second = versions()
    assert before == first

    assert "posterior mean" in encore("show", "sample")
    assert second in encore("show", "sample")
    assert first in encore("publications", "sample")
    verified = encore("verify", "sample", "--all").splitlines()
    assert [line.split()[1].strip(":") for line in verified if "each as it was published" in line] == [second, first]
    moved = json.loads(encore("diff", "sample", "--json"))
    assert (moved["before"], moved["after"]) == (first, second)
    told = encore("predict", "sample", "--artist", book.BEYONCE)
    assert 67 < float(re.findall(r"\d+\.\d", told)[0]) < 71

    # And by who has DuckDB alone, as the page says.
    (script,) = blocks(DOCS / "publication.md", "py")
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    assert "artist 07" in typed("script.py", folder=tmp_path)
