"""Ingesting in tests: small corpora are written on the spot."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.parameters import IngestParameters
from schemas.tracks import arrow_schema
from tasks.ingest.sources import find_sources
from tasks.tracks import partitions_of, read_tracks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from schemas.reports import IngestReport

GOOD = {
    "track_id": "",
    "artists": "Ann;Bob",
    "album_name": "Album",
    "track_name": "Song",
    "popularity": "50",
    "duration_ms": "200000",
    "explicit": "False",
    "danceability": "0.5",
    "energy": "0.5",
    "key": "5",
    "loudness": "-5.5",
    "mode": "1",
    "speechiness": "0.5",
    "acousticness": "0.5",
    "instrumentalness": "0.5",
    "liveness": "0.5",
    "valence": "0.5",
    "tempo": "120.5",
    "time_signature": "4",
    "track_genre": "pop",
}


@dataclass(frozen=True)
class Ingested:
    """What an ingest left: its folder, its report and its tables."""

    folder: Path
    report: IngestReport
    tracks: pa.Table
    quarantine: list[dict[str, Any]]


@pytest.fixture(scope="session")
def ingest() -> Callable[..., Ingested]:
    """Return a function that ingests files into a folder; parameters by name."""

    def run(folder: Path, *files: Path, progress: Any = None, **parameters: Any) -> Ingested:
        from tasks.ingest.corpus import ingest_corpus

        folder.mkdir()
        sources = find_sources([str(file) for file in files])
        told = {"progress": progress} if progress else {}
        report = ingest_corpus(sources, IngestParameters(**parameters), folder, **told)
        tracks = pa.concat_tables([read_tracks(part, arrow_schema().names) for part in partitions_of(folder)])
        # Sources by their place in the report are easier to read than by their ids.
        places = [[source.id for source in report.sources].index(one) for one in tracks["source"].to_pylist()]
        return Ingested(
            folder,
            report,
            tracks.set_column(0, "source", pa.array(places)),
            pq.read_table(folder / "quarantine.parquet").to_pylist(),
        )

    return run


@pytest.fixture(scope="session")
def write_csv() -> Callable[..., Path]:
    """Return a function that writes a corpus in the 114k layout: each row differs from a good one as told."""

    def write(path: Path, rows: Sequence[dict[str, str]], columns: Sequence[str] = tuple(GOOD)) -> Path:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(GOOD | {"track_id": f"{number:022}"} | row for number, row in enumerate(rows, 1))
        return path

    return write


@pytest.fixture(scope="session")
def sample(ingest: Callable[..., Ingested], sample_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """Return the committed corpus, ingested."""
    return ingest(tmp_path_factory.mktemp("sample") / "out", sample_corpus)
