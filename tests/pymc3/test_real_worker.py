"""The real PyMC3, started, stopped, killed, and asked for the same draws again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from agreement import sampled

from schemas.errors import EngineFailed
from schemas.parameters import SampleParameters
from tasks.sample.sampling import sample_posterior

pytestmark = [pytest.mark.pymc3, pytest.mark.usefixtures("room"), pytest.mark.timeout(1200)]
REPOSITORY = Path(__file__).resolve().parents[2]


def working_in(folder: Path) -> list[int]:
    """Return the processes that were told to work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            state = (process / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except OSError:
            continue
        if os.fsencode(folder) in words and state not in "ZX":
            found.append(int(process.name))
    return found


def test_the_same_seed_gives_the_same_draws_on_one_core_and_on_several(grouped_book: Path, tmp_path: Path) -> None:
    parameters = SampleParameters(engine="pymc3", draws=50, tune=200, chains=3)
    first, _ = sampled(grouped_book, tmp_path / "first", parameters)
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if before:
        os.sched_setaffinity(0, {min(before)})
    try:
        again, _ = sampled(grouped_book, tmp_path / "again", parameters)
    finally:
        if before:
            os.sched_setaffinity(0, before)
    for name in first.data_vars:
        np.testing.assert_array_equal(first[name], again[name])
    other, _ = sampled(grouped_book, tmp_path / "other", parameters.model_copy(update={"seed": 2}))
    assert not np.array_equal(first["mu"], other["mu"])


@pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_or_interrupted_it_leaves_nobody_behind(how: int, grouped_book: Path, tmp_path: Path) -> None:
    code = f"""
import signal
import sys
from pathlib import Path
# What is started in the background of a script ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)
from schemas.parameters import SampleParameters
from tasks.sample.sampling import sample_posterior
def hear(done, of):
    print(done, flush=True)
parameters = SampleParameters(engine="pymc3", draws=100_000, tune=100_000)
sample_posterior(Path({str(grouped_book)!r}), parameters, Path({str(tmp_path)!r}), progress=hear)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline()  # it samples
        assert len(working_in(tmp_path)) >= 1
        parent.send_signal(how)
        parent.wait()
    deadline = time.monotonic() + 20
    while working_in(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert working_in(tmp_path) == []
    if how == signal.SIGINT:
        assert list(tmp_path.iterdir()) == []


def test_the_command_publishes_what_it_drew(book_corpus: Path, tmp_path: Path) -> None:
    command = ["refit", str(book_corpus), "--name", "book", "--to", str(tmp_path / "publications"), "--no-genres"]
    options = ["--features", "none", "--engine", "pymc3", "--tune", "1000", "--draws", "500"]
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *command, *options],
        cwd=REPOSITORY,
        env={**os.environ, "PREFECT_HOME": str(tmp_path / "prefect")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "PyMC3 compiles the model" in done.stderr
    manifest = json.loads(next((tmp_path / "publications" / "book" / "versions").glob("*/manifest.json")).read_bytes())
    assert manifest["sampling"]["engine"] == "pymc3"
    assert manifest["sampling"]["versions"]["pymc3"] == "3.11.6"
    assert manifest["verdict"]["passed"] is True
    assert manifest["parameters"]["sample"]["time_limit"] == 60


def test_at_its_time_limit_it_is_gone(grouped_book: Path, tmp_path: Path) -> None:
    parameters = SampleParameters(engine="pymc3", draws=100_000, tune=100_000, time_limit=0.3)
    with pytest.raises(EngineFailed, match=r"stopped at the time limit of 0\.3 minutes, .* of 800,000 iterations done"):
        sample_posterior(grouped_book, parameters, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert working_in(tmp_path) == []
