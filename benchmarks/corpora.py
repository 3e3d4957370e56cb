"""Simulated corpora of any size, as ingest would leave them, from known parameters.

    python benchmarks/corpora.py FOLDER --tracks 1000000 --artists 80000 [--seed 1] [--plain FOLDER]

Artists' track counts are heavy-tailed, an artist mostly stays within one sub-genre and has a style, so that features
correlate within artists as well as with each other, and popularity follows the model, rounded and kept within 0..100
as Spotify's is. Tracks come in no order, a partition at a time: memory holds one partition and a few numbers an artist.
``--plain`` also writes each column of the regression as raw binary, for programs that read no Parquet.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int32]

PARTITION = 250_000
SUBGENRES = 24
# By feature: points of popularity for one sd; what a standard normal z becomes: exp, logistic or linear in a + b z.
FEATURES = {
    "danceability": (1.2, "logistic", 0.65, 0.70),
    "energy": (-2.0, "logistic", 0.95, 0.90),
    "loudness": (1.8, "linear", -6.7, 2.8),
    "speechiness": (-0.4, "exp", -2.7, 0.60),
    "acousticness": (0.6, "logistic", -2.3, 1.90),
    "instrumentalness": (-1.5, "logistic", -7.0, 4.50),
    "liveness": (-0.5, "exp", -1.95, 0.55),
    "valence": (0.3, "logistic", 0.05, 1.10),
    "tempo": (0.5, "linear", 121.0, 24.0),
    "duration_ms": (-1.0, "exp", 12.3, 0.25),
}
# Where |r| is 0.1 or more between features of real tracks.
CORRELATIONS = {
    ("energy", "loudness"): 0.67,
    ("energy", "acousticness"): -0.54,
    ("loudness", "acousticness"): -0.32,
    ("danceability", "valence"): 0.32,
    ("danceability", "speechiness"): 0.25,
    ("speechiness", "instrumentalness"): -0.19,
    ("acousticness", "instrumentalness"): -0.18,
    ("valence", "instrumentalness"): -0.18,
    ("energy", "tempo"): 0.18,
    ("loudness", "instrumentalness"): -0.17,
    ("acousticness", "tempo"): -0.16,
    ("danceability", "liveness"): -0.15,
    ("danceability", "tempo"): -0.15,
    ("energy", "liveness"): 0.13,
    ("danceability", "energy"): -0.12,
}
STYLE = 0.3  # share of a feature's variance that lies between artists
FAITHFUL = 0.8  # share of an artist's tracks that surely are in the artist's own sub-genre


@dataclass(frozen=True)
class Truth:
    """What a corpus was simulated from; kept in ``truth.json``.

    Attributes
    ----------
    tracks, artists, seed : int
    mu, sigma, tau : float
        In points; tau is the sd of artist effects, sigma that of tracks around what is expected of them.
    slopes : dict of str to float
        Points for one sd of a feature; the sds are `scales`.
    centres, scales : dict of str to float
        Means and sds of the features before sampling.
    subgenres : dict of str to float
        Effects in points, mean 0.
    """

    tracks: int
    artists: int
    seed: int
    mu: float
    sigma: float
    tau: float
    slopes: dict[str, float]
    centres: dict[str, float]
    scales: dict[str, float]
    subgenres: dict[str, float]


def artist_sizes(tracks: int, artists: int, generator: np.random.Generator, largest: int = 5000) -> Integers:
    """Draw how many tracks each artist has: a log-normal, rounded, from 1 to `largest`, adding up to `tracks`.

    Parameters
    ----------
    tracks, artists : int
    generator : numpy.random.Generator
    largest : int

    Returns
    -------
    ndarray of int, shape (artists,)

    Raises
    ------
    ValueError
        If so many tracks cannot be shared out among so few artists, or so few among so many.
    """
    if not artists <= tracks <= artists * largest:
        message = f"{tracks:,} tracks cannot be those of {artists:,} artists with 1 to {largest:,} each"
        raise ValueError(message)
    weights = generator.lognormal(0, 1.6, artists)

    def sizes(factor: float) -> Integers:
        return np.clip(np.rint(factor * weights), 1, largest).astype(np.int32)

    low, high = 0.0, largest / float(weights.min())
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if sizes(middle).sum() < tracks else (low, middle)
    found = sizes(low)
    while missing := tracks - int(found.sum()):  # artists that round at the same point, a few at most
        able = np.flatnonzero(found < largest if missing > 0 else found > 1)
        found[generator.permutation(able)[: abs(missing)]] += np.sign(missing)
    return found


def _shaped(latent: Floats) -> Floats:
    """Turn standard normals, shape (n, features), into features in their own units."""
    columns = []
    for position, (_, kind, a, b) in enumerate(FEATURES.values()):
        line = a + b * latent[:, position]
        if kind == "logistic":
            line = 1 / (1 + np.exp(-line))
        elif kind == "exp":
            line = np.exp(line)
        columns.append(line)
    shaped = np.column_stack(columns)
    for name, low, high in (("speechiness", 0, 1), ("liveness", 0, 1), ("loudness", -60, 5), ("tempo", 40, 250)):
        position = list(FEATURES).index(name)
        shaped[:, position] = shaped[:, position].clip(low, high)
    return shaped


def _mixing() -> Floats:
    """Return the Cholesky factor of the features' correlations."""
    names = list(FEATURES)
    matrix = np.eye(len(names))
    for (left, right), r in CORRELATIONS.items():
        i, j = names.index(left), names.index(right)
        matrix[i, j] = matrix[j, i] = r
    factor: Floats = np.linalg.cholesky(matrix)
    return factor


def truth_for(tracks: int, artists: int, seed: int) -> Truth:
    """Return the parameters of a corpus: the same for every size, but for what the seed draws."""
    generator = np.random.default_rng([seed, 1])
    typical = _shaped(generator.standard_normal((200_000, len(FEATURES))) @ _mixing().T)
    effects = generator.normal(0, 5, SUBGENRES)
    return Truth(
        tracks=tracks,
        artists=artists,
        seed=seed,
        mu=48.0,
        sigma=11.0,
        tau=9.0,
        slopes={name: slope for name, (slope, *_) in FEATURES.items()},
        centres=dict(zip(FEATURES, typical.mean(axis=0).tolist(), strict=True)),
        scales=dict(zip(FEATURES, typical.std(axis=0).tolist(), strict=True)),
        subgenres={f"sub-genre {k + 1:02d}": float(e) for k, e in enumerate(effects - effects.mean())},
    )


class _Simulator:
    """Draws partitions: what an artist is, once; what a track is, as asked."""

    def __init__(self, truth: Truth) -> None:
        generator = np.random.default_rng([truth.seed, 2])
        self.truth = truth
        sizes = artist_sizes(truth.tracks, truth.artists, generator)
        self.artist = generator.permutation(np.repeat(np.arange(truth.artists, dtype=np.int32), sizes))
        self.effect = generator.normal(0, truth.tau, truth.artists)
        self.style = generator.standard_normal((truth.artists, len(FEATURES)), dtype=np.float32)
        self.share = generator.dirichlet(np.full(SUBGENRES, 5.0))
        self.home = generator.choice(SUBGENRES, truth.artists, p=self.share).astype(np.int32)
        self.slopes, self.centres, self.scales = (
            np.array(list(values.values())) for values in (truth.slopes, truth.centres, truth.scales)
        )
        self.genre_effects = np.array(list(truth.subgenres.values()))
        self.mixing = _mixing()

    def partition(self, start: int, stop: int) -> tuple[Integers, Integers, Floats, Floats]:
        """Return artist, sub-genre, features and popularity of tracks `start` to `stop`."""
        generator = np.random.default_rng([self.truth.seed, 3, start])
        artist = self.artist[start:stop]
        count = len(artist)
        own = generator.standard_normal((count, len(FEATURES)))
        latent = (STYLE**0.5 * self.style[artist] + (1 - STYLE) ** 0.5 * own) @ self.mixing.T
        features = _shaped(latent)
        abroad = generator.random(count) >= FAITHFUL
        genre = np.where(abroad, generator.choice(SUBGENRES, count, p=self.share), self.home[artist]).astype(np.int32)
        expected = self.truth.mu + (features - self.centres) / self.scales @ self.slopes
        expected += self.genre_effects[genre] + self.effect[artist]
        popularity = np.rint(expected + generator.normal(0, self.truth.sigma, count)).clip(0, 100)
        return artist, genre, features, popularity


def simulate(truth: Truth, folder: Path, plain: Path | None = None, partition: int = PARTITION) -> None:
    """Simulate a corpus and write it as ingest would, with ``truth.json`` beside it.

    Parameters
    ----------
    truth : Truth
    folder : Path
        For ``tracks/part-*.parquet`` and ``report.json``. Titles and ids, which nothing in the model reads, are null.
    plain : Path, optional
        For the same draws in raw columns: ``popularity.f64``, ``<feature>.f64`` (standardised by `truth`),
        ``artist.i32`` and ``subgenre.i32`` (both from 1).
    partition : int
        Tracks a partition.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from schemas.reports import IngestReport, RowCounts

    (folder / "tracks").mkdir(parents=True)
    simulator = _Simulator(truth)
    names = pa.array([f"Artist {number:07d}" for number in range(truth.artists)])
    subgenres = pa.array(list(truth.subgenres))
    total = zeros = 0.0
    for part, start in enumerate(range(0, truth.tracks, partition)):
        artist, genre, features, popularity = simulator.partition(start, start + partition)
        total, zeros = total + popularity.sum(), zeros + (popularity == 0).sum()
        columns = {"artists": _alone(names, artist), "subgenres": _alone(subgenres, genre), "popularity": popularity}
        columns |= dict(zip(FEATURES, features.T, strict=True))
        table = _canonical(columns, start, len(artist))
        pq.write_table(table, folder / "tracks" / f"part-{part:05d}.parquet", compression="zstd")
        if plain:
            standard = (features - simulator.centres) / simulator.scales
            raw = {"popularity.f64": popularity, "artist.i32": artist + 1, "subgenre.i32": genre + 1}
            raw |= {f"{name}.f64": standard[:, position] for position, name in enumerate(FEATURES)}
            _append(raw, plain)
    report = IngestReport(
        sources=(),
        rows=RowCounts(rows_in=truth.tracks, kept=truth.tracks, repeats=0, quarantined=0),
        reasons={},
        columns=("artists", "popularity", "subgenres", *FEATURES),
        conflicts=0,
        mean_popularity=total / truth.tracks,
        share_of_zeros=zeros / truth.tracks,
    )
    (folder / "report.json").write_text(report.model_dump_json(indent=1), encoding="utf-8")
    (folder / "truth.json").write_text(json.dumps(asdict(truth), indent=1), encoding="utf-8")


def _alone(names: pa.Array, codes: Integers) -> pa.Array:
    """Return lists of one name each."""
    import pyarrow as pa

    return pa.ListArray.from_arrays(np.arange(len(codes) + 1, dtype=np.int32), names.take(pa.array(codes)))


def _canonical(columns: dict[str, pa.Array | Floats], start: int, count: int) -> pa.Table:
    import pyarrow as pa

    from schemas.tracks import arrow_schema

    columns |= {"source": np.zeros(count), "row": np.arange(start + 1, start + count + 1)}
    arrays = [
        pa.array(columns[field.name]).cast(field.type) if field.name in columns else pa.nulls(count, field.type)
        for field in arrow_schema()
    ]
    return pa.table(arrays, schema=arrow_schema())


def _append(columns: dict[str, NDArray[np.generic]], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, values in columns.items():
        kind = {"f64": "<f8", "i32": "<i4"}[name.rpartition(".")[2]]
        with (folder / name).open("ab") as file:
            file.write(np.ascontiguousarray(values, dtype=kind).tobytes())


def main() -> None:
    """Simulate a corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to; must not exist")
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--artists", type=int, default=8_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", type=Path, help="also write raw columns there")
    given = parser.parse_args()
    simulate(truth_for(given.tracks, given.artists, given.seed), given.folder, given.plain)


if __name__ == "__main__":
    main()
