"""Corpora simulated from the model, with known parameters, as `group` would leave them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.reports import Design, DesignColumn
from tasks.group.sums import statistics_of, sums_of

if TYPE_CHECKING:
    from pathlib import Path

FEATURES = {"energy": "energy", "loudness": "energy", "acousticness": "energy", "valence": "mood", "liveness": "mood"}
GENRES = ("folk", "jazz", "pop", "rock")


@dataclass(frozen=True)
class Truth:
    """What a corpus was simulated from; theta without the intercept, in points."""

    mu: float
    sigma: float
    tau: float
    beta: np.ndarray
    genre_effect: np.ndarray
    slope_deviation: np.ndarray
    artist_effect: np.ndarray


@dataclass(frozen=True)
class Corpus:
    """Rows of the regression: ``artist`` (N,), ``z`` (N, D), ``popularity`` (N,), with the design's columns."""

    truth: Truth
    artist: np.ndarray
    z: np.ndarray
    popularity: np.ndarray
    columns: tuple[DesignColumn, ...]


def simulate(seed: int, artists: int, *, features: bool = True, genres: bool = True, slopes: bool = False) -> Corpus:
    """Draw a corpus: heavy-tailed track counts, correlated features, and popularity from the model."""
    generator = np.random.default_rng(seed)
    counts = np.minimum(1 + generator.geometric(0.25, artists) * generator.integers(1, 6, artists), 90)
    artist = np.repeat(np.arange(artists), counts)
    count = len(artist)
    columns, parts = [DesignColumn(name="intercept", kind="intercept")], [np.ones((count, 1))]
    beta, effect = generator.normal(0, 3, len(FEATURES)), generator.normal(0, 5, len(GENRES))
    deviation = generator.normal(0, 1.5, (len(GENRES), len(FEATURES)))
    standard = generator.normal(size=(count, len(FEATURES))) + 0.5 * generator.normal(size=(count, 1))
    standard = (standard - standard.mean(axis=0)) / standard.std(axis=0)
    share = np.eye(len(GENRES))[generator.integers(0, len(GENRES), count)]
    expected = np.full(count, 48.0)
    if features:
        parts.append(standard)
        columns += [DesignColumn(name=name, kind="feature", block=block) for name, block in FEATURES.items()]
        expected += standard @ beta
    if genres:
        parts.append(share)
        columns += [DesignColumn(name=name, kind="genre") for name in GENRES]
        expected += share @ effect
    if slopes:
        parts.append((share[:, :, None] * standard[:, None, :]).reshape(count, -1))
        columns += [
            DesignColumn(name=f"{genre}: {name}", kind="slope", genre=genre, feature=name, block=block)
            for genre in GENRES
            for name, block in FEATURES.items()
        ]
        expected += (share @ deviation * standard).sum(axis=1)
    sigma, tau = 11.0, 7.0
    own = generator.normal(0, tau, artists)
    popularity = expected + own[artist] + generator.normal(0, sigma, count)
    truth = Truth(48.0, sigma, tau, beta, effect, deviation, own)
    return Corpus(truth, artist, np.hstack(parts), popularity, tuple(columns))


def write_grouped(corpus: Corpus, folder: Path) -> Path:
    """Write a corpus as `group` leaves it, rows and all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = np.array([f"artist {number:05d}" for number in corpus.artist], dtype=object)
    y = corpus.popularity - corpus.popularity.mean()
    sums = sums_of(names, np.column_stack([corpus.z, y]))
    (folder / "rows").mkdir(parents=True)
    for name, values in (("artist", corpus.artist), ("z", corpus.z), ("y", y)):
        np.save(folder / "rows" / f"{name}.npy", values)
    statistics_of(sums).save(folder / "statistics")
    design = Design(
        columns=corpus.columns,
        observations=len(y),
        artists=len(sums.names),
        popularity_mean=float(corpus.popularity.mean()),
        popularity_sd=float(y.std()),
    )
    (folder / "design.json").write_text(design.model_dump_json(), encoding="utf-8")
    pq.write_table(pa.table({"artist": pa.array(sums.names, pa.string())}), folder / "artists.parquet")
    return folder
