"""Corpora drawn from the model, written as ingest would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.reports import IngestReport, RowCounts, SourceReport
from schemas.tracks import arrow_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FEATURES = ("energy", "valence")


@dataclass(frozen=True)
class Tracks:
    """Tracks of a corpus, column by column; `popularity` is left as the model draws it, beyond 0 and 100 too."""

    columns: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.columns["popularity"])

    def taken(self, order: NDArray[np.int64]) -> Tracks:
        """Return some of them, in an order."""
        return Tracks({name: [values[place] for place in order] for name, values in self.columns.items()})


def draw_tracks(seed: int, artists: int = 40, most: int = 9, tau: float = 10.0, sigma: float = 12.0) -> Tracks:
    """Draw tracks from the model: two features, three genres, artists with 1 to `most` tracks each."""
    generator = np.random.default_rng(seed)
    artist = np.repeat(np.arange(artists), generator.integers(1, most + 1, artists))
    count = len(artist)
    features = {name: generator.uniform(0, 1, count) for name in FEATURES}
    genre = generator.integers(0, 3, count)
    popularity = (
        50
        + 15 * (features["energy"] - 0.5)
        + np.array([-6.0, 0.0, 6.0])[genre]
        + generator.normal(0, tau, artists)[artist]
        + generator.normal(0, sigma, count)
    )
    return Tracks(
        {
            "track_id": [f"{seed:011d}{number:011d}" for number in range(count)],
            "artists": [[f"artist {number:04d}"] for number in artist],
            "genres": [[f"genre {number}"] for number in genre],
            "popularity": list(popularity),
            **{name: list(values) for name, values in features.items()},
        }
    )


def write_ingested(folder: Path, tracks: Tracks, partitions: int = 1) -> Path:
    """Write tracks as ingest would, in some partitions."""
    count = len(tracks)
    (folder / "tracks").mkdir(parents=True)
    columns = [
        pa.array(tracks.columns[field.name], field.type)
        if field.name in tracks.columns
        else pa.array(range(count), field.type)
        if not field.nullable
        else pa.nulls(count, field.type)
        for field in arrow_schema()
    ]
    table = pa.table(columns, schema=arrow_schema())
    edges = np.linspace(0, count, partitions + 1).astype(int)
    for number in range(partitions):
        part = table.slice(edges[number], edges[number + 1] - edges[number])
        pq.write_table(part, folder / "tracks" / f"part-{number:05d}.parquet")
    report = IngestReport(
        sources=(SourceReport(id=1, name="tracks.csv", sha256="0" * 64, layout="114k", why="", rows_in=count),),
        rows=RowCounts(rows_in=count, kept=count, repeats=0, quarantined=0),
        reasons={},
        columns=tuple(tracks.columns),
        conflicts=0,
        mean_popularity=float(np.mean(tracks.columns["popularity"])),
        share_of_zeros=0,
    )
    (folder / "report.json").write_text(report.model_dump_json(), encoding="utf-8")
    return folder
