"""What the gate reads besides the draws: what should be in them, and what was seen of each artist."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.publication import means_name
from tasks.gate.artists import COLUMNS, KINDS, ArtistDiagnostics, Coefficients

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.reports import Design, SamplingReport
    from tasks.gate.artists import Part
    from tasks.gate.reading import Drawn

    Floats = NDArray[np.float64]

# Numbers of artists' means in memory at a time: 8 MiB.
_CELLS = 1 << 20
_AXES = {"beta": ("feature",), "genre_effect": ("genre",), "slope_deviation": ("genre", "feature")}


def expected_variables(design: Design, report: SamplingReport) -> dict[str, int]:
    """Return what a posterior has to hold, with how many scalars each."""
    features, genres, blocks = len(design.names("feature")), len(design.names("genre")), len(design.blocks())
    expected = {"mu": 1, "sigma": 1}
    if report.pooling != "complete":
        expected["tau"] = 1
    if features:
        expected |= {"tau_block": blocks, "beta": features}
    if genres:
        expected |= {"tau_genre": 1, "genre_effect": genres}
    if design.names("slope"):
        expected |= {"tau_slope": blocks, "slope_deviation": genres * features}
    if report.likelihood == "student_t":
        expected["nu"] = 1
    return expected


def coefficients_of(drawn: Drawn, design: Design) -> Coefficients | None:
    """Return the draws that artists' moments follow from; None where some are not there."""
    variables, columns = drawn.variables, design.columns
    if "mu" not in variables or "sigma" not in variables:
        return None
    count = drawn.chains * drawn.draws
    theta = np.full((count, len(columns)), np.nan)
    theta[:, 0] = variables["mu"].reshape(count) - design.popularity_mean
    place_of = {column.variable: place for place, column in enumerate(columns)}
    for name, axes in _AXES.items():
        if name not in variables:
            continue
        values = variables[name].reshape(count, -1)
        labels: list[tuple[str, ...]] = [()]
        for axis in axes:
            labels = [(*label, each) for label in labels for each in drawn.labels.get(axis, [])]
        for column, label in enumerate(labels):
            if (name, *label) in place_of and column < values.shape[1]:
                theta[:, place_of[name, *label]] = values[:, column]
    tau = variables["tau"].reshape(count) if "tau" in variables else np.zeros(count)
    return Coefficients(drawn.chains, theta, variables["sigma"].reshape(count), tau)


def without_draws(coefficients: Coefficients, design: Design) -> list[str]:
    """Name the coefficients of which there are no draws, those under another label among them."""
    lacking = np.isnan(coefficients.theta).all(axis=0)
    found = []
    for column, is_lacking in zip(design.columns, lacking, strict=True):
        if is_lacking:
            name, *labels = column.variable
            found.append(f"posterior.{name}[{', '.join(labels)}]" if labels else f"posterior.{name}")
    return found


def with_slopes(drawn: Drawn) -> Drawn:
    """Add what a feature is worth in a genre, as it is published: ``beta`` and its deviation together."""
    beta, deviation = (drawn.variables.get(name) for name in ("beta", "slope_deviation"))
    axes = [drawn.labels.get(axis, []) for axis in _AXES["slope_deviation"]]
    if beta is None or deviation is None or deviation.shape[2:] != (len(axes[0]), beta.shape[2]):
        return drawn  # what is wrong with them stands in what is missing
    slopes = (beta[:, :, None] + deviation).reshape(*beta.shape[:2], -1).transpose(2, 0, 1)
    names = [f"slope[{genre}, {feature}]" for genre in axes[0] for feature in axes[1]]
    return replace(drawn, names=[*drawn.names, *names], values=np.concatenate([drawn.values, slopes]))


def artists_of_group(grouped: Path) -> Iterator[Part]:
    """Give names, track counts and means of the artists that `group` left, some thousands at a time."""
    import pyarrow.parquet as pq

    names = pq.read_table(grouped / "artists.parquet", columns=["artist"])["artist"]
    counts, means = (
        # Mapped, not read: of 800,000 artists that is more than all the rest.
        np.load(grouped / "statistics" / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        for name in ("counts", "means")
    )
    size = max(_CELLS // means.shape[1], 1)
    for start in range(0, len(counts), size):
        part = slice(start, start + size)
        yield names[part].to_pylist(), counts[part].astype(np.float64), np.array(means[part])


def artists_of_publication(path: Path, design: Design) -> Iterator[Part]:
    """Give the same from ``artist_means.parquet``, whose features are in their own units."""
    import pyarrow.parquet as pq

    columns = design.columns[1:]
    shift, scale = (np.array([getattr(column, name) for column in columns]) for name in ("centre", "scale"))
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=max(_CELLS // (len(columns) + 2), 1)):
            means = np.ones((batch.num_rows, len(columns) + 2))
            for place, column in enumerate(columns):
                means[:, place + 1] = (_numbers(batch[means_name(column)]) - shift[place]) / scale[place]
            means[:, -1] = _numbers(batch["raw_mean"]) - design.popularity_mean
            yield batch["artist"].to_pylist(), _numbers(batch["tracks"]), means


def _numbers(column: Any) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def artists_of_sample(path: Path) -> ArtistDiagnostics:
    """Return what `sample` measured of the draws of every artist, where it drew them one by one."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    names = table["artist"].to_pylist()
    columns = {
        kind: {name: _numbers(table[f"{kind}_{name}"]) for name in COLUMNS}
        for kind in KINDS
        if f"{kind}_sd" in table.column_names
    }
    means = {kind: _numbers(table[f"{kind}_mean"]) for kind in columns}
    return ArtistDiagnostics(names, columns, means, {kind: np.arange(len(names)) for kind in columns})
