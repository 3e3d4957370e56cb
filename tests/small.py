"""A small grouped corpus, and the rows it was summed from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from schemas.reports import Design, DesignColumn
from tasks.group.sums import statistics_of, sums_of
from tasks.sample.grouped import Grouped


@dataclass(frozen=True)
class Rows:
    """Standardised rows: ``artist`` (N,), ``z`` (N, D), ``y`` (N,)."""

    artist: np.ndarray
    z: np.ndarray
    y: np.ndarray
    grouped: Grouped


def make_rows(seed: int, artists: int = 12, features: int = 3, genres: int = 2, *, slopes: bool = False) -> Rows:
    """Simulate a corpus with known structure."""
    generator = np.random.default_rng(seed)
    artist = np.repeat(np.arange(artists), generator.integers(1, 6, artists))
    count = len(artist)
    z = np.ones((count, 1 + features + genres))
    z[:, 1 : 1 + features] = generator.normal(size=(count, features))
    z[:, 1 + features :] = np.eye(genres)[generator.integers(0, genres, count)] if genres else 0
    y = z[:, 1:].sum(axis=1) * 2 + generator.normal(0, 8, artists)[artist] + generator.normal(0, 10, count)
    y -= y.mean()
    columns = [DesignColumn(name="intercept", kind="intercept")]
    columns += [
        DesignColumn(name=f"feature {number}", kind="feature", block="a" if number < 2 else "b")
        for number in range(features)
    ]
    columns += [DesignColumn(name=f"genre {number}", kind="genre") for number in range(genres)]
    if slopes:
        products = z[:, 1 + features :, None] * z[:, None, 1 : 1 + features]
        z = np.hstack([z, products.reshape(count, -1)])
        columns += [
            DesignColumn(
                name=f"{genre.name}: {own.name}", kind="slope", block=own.block, genre=genre.name, feature=own.name
            )
            for genre in columns[1 + features :]
            for own in columns[1 : 1 + features]
        ]
    design = Design(
        columns=tuple(columns),
        observations=count,
        artists=artists,
        popularity_mean=50.0,
        popularity_sd=float(y.std()),
    )
    names = np.array([f"{number:03d}" for number in artist], dtype=object)
    statistics = statistics_of(sums_of(names, np.column_stack([z, y])))
    grouped = Grouped(design, statistics, [f"{number:03d}" for number in range(artists)], Path())
    return Rows(artist, z, y, grouped)
