"""The same corpus, parameters and seed give the same bytes, whatever the machine is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from schemas.parameters import GroupParameters, IngestParameters, SampleParameters
from tasks.group.grouping import group_tracks
from tasks.ingest.corpus import ingest_corpus
from tasks.ingest.sources import find_sources
from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    from pathlib import Path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_threads_and_repetition_change_nothing(sample_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "ingested").mkdir()
    ingest_corpus(find_sources([str(sample_corpus)]), IngestParameters(), tmp_path / "ingested")
    made = []
    for threads in (1, 2, 2):
        grouped, sampled = (tmp_path / f"{step}-{len(made)}" for step in ("grouped", "sampled"))
        grouped.mkdir()
        sampled.mkdir()
        with threadpool_limits(threads):
            group_tracks(tmp_path / "ingested", GroupParameters(), grouped)
            sample_posterior(grouped, SampleParameters(draws=50, tune=50), sampled)
        made.append(contents(grouped) | contents(sampled))
    assert "posterior.nc" in made[0]
    assert made[0] == made[1] == made[2]
