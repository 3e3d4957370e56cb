"""Predictions from a real publication, as `docs/predict.md` shows them."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_readme import DOCS, blocks, typed

if TYPE_CHECKING:
    from conftest import Published

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = DOCS / "predict.md"


@pytest.fixture
def checkout(published: Published, tmp_path: Path) -> Path:
    """Return a folder in which `make refit` has run, as far as readers of a publication can tell."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "publications").symlink_to(published.to)
    (tracks,) = re.findall(r"(?ms)^\$ cat tracks\.csv\n(.*?)^\$", PAGE.read_text(encoding="utf-8"))
    (tmp_path / "tracks.csv").write_text(tracks, encoding="utf-8")
    return tmp_path


def start(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+\.\d", text)]


def test_the_page_shows_what_is_printed(checkout: Path) -> None:
    import shlex

    shown = "\n".join(blocks(PAGE, "console"))
    commands = typed(PAGE, "encore")
    assert len(commands) == 5
    for command in commands:
        run = start(checkout, "-m", "flows.cli", *shlex.split(command)[1:])
        assert run.returncode == 0, run.stderr
        said = re.split(r"(?m)^\$ ", shown.partition(f"$ {command}\n")[2])[0]
        actual = run.stderr + run.stdout
        # On another processor draws differ in the last digits, and in the end by Monte Carlo error.
        assert re.sub(r"[ \d.]+", " ", actual).split() == re.sub(r"[ \d.]+", " ", said).split()
        assert numbers(actual) == pytest.approx(numbers(said), abs=1.5)
    with (checkout / "predictions.csv").open(encoding="utf-8", newline="") as file:
        assert [row["basis"] for row in csv.DictReader(file)] == ["11 tracks", "1 track", "nobody seen"]


def test_the_snippet_runs_as_shown(checkout: Path) -> None:
    (snippet,) = blocks(PAGE, "python")
    (checkout / "snippet.py").write_text(snippet, encoding="utf-8")
    run = start(checkout, "snippet.py")
    assert run.returncode == 0, run.stderr
    assert "nobody seen" in run.stdout
    assert float(run.stdout.splitlines()[-1]) == pytest.approx(0.63, abs=0.05)


def test_draws_open_in_arviz(checkout: Path) -> None:
    done = start(checkout, "-m", "flows.cli", "draws", "sample", "--artist", "Eminem", "--out", "draws.nc")
    assert done.returncode == 0, done.stderr
    script = "import arviz as az; print(az.summary(az.from_netcdf('draws.nc')))"
    assert "artist_level[Eminem]" in start(checkout, "-c", script).stdout


def test_a_prediction_agrees_with_the_leaderboard(published: Published) -> None:
    import numpy as np
    import pyarrow.parquet as pq

    from tasks.predict import Predictor

    predictor = Predictor.open(published.to / "sample")
    table = pq.read_table(published.folder / "artists.parquet")
    predicted = predictor.predict(table.select(["artist"]))
    assert predicted["tracks"].equals(table["tracks"])
    for ours, theirs in (("mean", "next_mean"), ("sd", "next_sd"), ("low", "next_low"), ("high", "next_high")):
        np.testing.assert_allclose(predicted[ours], table[theirs], atol=0.1)
    (nobody,) = predictor.predict([{}]).to_pylist()
    for name, value in predictor.manifest.sampling.new_artist.items():
        assert nobody[name] == pytest.approx(value, abs=1e-6)
