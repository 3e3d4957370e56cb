"""The same corpus, parameters and seed give the same bytes, whatever the machine is doing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from schemas.parameters import IngestParameters
from tasks.ingest.corpus import ingest_corpus
from tasks.ingest.sources import find_sources

REPOSITORY = Path(__file__).resolve().parents[2]
_START = """
import sys
from pathlib import Path
from schemas.parameters import GroupParameters, SampleParameters
ingested, folder = map(Path, sys.argv[1:])
"""
GROUP = f"""{_START}
from tasks.group.grouping import group_tracks
group_tracks(ingested, GroupParameters(), folder / "grouped")
"""
SAMPLE = f"""{_START}
from tasks.sample.sampling import sample_posterior
sample_posterior(folder / "grouped", SampleParameters(draws=50, tune=50), folder / "sampled")
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_threads_and_repetition_change_nothing(sample_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "ingested").mkdir()
    ingest_corpus(find_sources([str(sample_corpus)]), IngestParameters(), tmp_path / "ingested")
    made = []
    for threads in ("1", "2", ""):
        folder = tmp_path / f"threads-{threads}"
        (folder / "grouped").mkdir(parents=True)
        (folder / "sampled").mkdir()
        # A process each, which loads its libraries in the order a resumed run does: none is there before its step.
        for script in (GROUP, SAMPLE):
            environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
            if threads:
                environment["OPENBLAS_NUM_THREADS"] = threads
            command = [sys.executable, "-c", script, str(tmp_path / "ingested"), str(folder)]
            subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)
        made.append(contents(folder))
    assert "sampled/posterior.nc" in made[0]
    assert made[0] == made[1] == made[2]
