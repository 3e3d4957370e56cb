"""Draws to rows: the coefficients, genres and slopes of a publication."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from schemas.errors import CorruptStep

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_SCALARS = ("mu", "sigma", "tau", "tau_genre", "nu")


@dataclass(frozen=True)
class Coefficient:
    """A row of ``coefficients.parquet`` or ``genres.parquet``.

    Parameters
    ----------
    name : str
        Of a slope, its feature.
    kind : str
        ``intercept``, ``scale``, ``feature``, ``slope`` or ``genre``.
    block : str
        Feature block, or empty.
    mean, sd, low, high : float
        Posterior mean, sd and equal-tailed interval, in points of popularity; for a feature or a slope, in points for
        each standard deviation of the feature.
    genre : str
        Of a slope; else empty.
    """

    name: str
    kind: str
    block: str
    mean: float
    sd: float
    low: float
    high: float
    genre: str = ""


@dataclass(frozen=True)
class Slope(Coefficient):
    """What a feature is worth in one genre: the common slope and the genre's deviation from it, together.

    Parameters
    ----------
    apart : bool
        Whether the interval of the deviation leaves zero out.
    """

    apart: bool = False


class Draws(NamedTuple):
    """Draws, each of shape (chains, draws), by name or label; empty where the model has none.

    Parameters
    ----------
    scales : dict
        The intercept and the scales, by published name.
    blocks : dict of str to str
        The feature block of those that have one.
    betas, genres : dict
        By feature and by genre.
    deviations : dict of dict
        From the common slopes, by genre and feature.
    """

    scales: dict[str, NDArray[np.float64]]
    blocks: dict[str, str]
    betas: dict[str, NDArray[np.float64]]
    genres: dict[str, NDArray[np.float64]]
    deviations: dict[str, dict[str, NDArray[np.float64]]]


def read_posterior(path: Path) -> Draws:
    """Read what the tables and pages of a publication are made from.

    Parameters
    ----------
    path : Path
        ``posterior.nc``.

    Raises
    ------
    CorruptStep
        If it holds no draws of mu.
    """
    # h5netcdf alone: xarray would bring pandas with it for the sake of a few arrays.
    import h5netcdf

    with h5netcdf.File(path, "r", decode_vlen_strings=True) as file:
        posterior = file["posterior"]
        scales = {name: _scalar(posterior, name) for name in _SCALARS if name in posterior.variables}
        blocks: dict[str, str] = {}
        for name in ("tau_block", "tau_slope"):
            by_block = _vector(posterior, name, "block")
            scales |= {f"{name}[{block}]": draws for block, draws in by_block.items()}
            blocks |= {f"{name}[{block}]": block for block in by_block}
        betas = _vector(posterior, "beta", "feature")
        genres = _vector(posterior, "genre_effect", "genre")
        deviations = _matrix(posterior, "slope_deviation", "genre", "feature")
    if "mu" not in scales:
        message = f"{path} holds no draws of mu; run sampling again by force"
        raise CorruptStep(message)
    return Draws(scales, blocks, betas, genres, deviations)


def coefficients_of(
    posterior: Draws, block_of: Mapping[str, str], interval: float
) -> tuple[tuple[Coefficient, ...], tuple[Coefficient, ...]]:
    """Summarise all but the slopes.

    Parameters
    ----------
    posterior : Draws
    block_of : mapping of str to str
        Feature to block.
    interval : float

    Returns
    -------
    coefficients, genres : tuple of Coefficient
        Genres by posterior mean, the highest first.
    """
    rows = [
        Coefficient(
            name, "intercept" if name == "mu" else "scale", posterior.blocks.get(name, ""), *_summary(draws, interval)
        )
        for name, draws in posterior.scales.items()
    ]
    rows += [
        Coefficient(name, "feature", block_of.get(name, ""), *_summary(draws, interval))
        for name, draws in posterior.betas.items()
    ]
    genres = [Coefficient(name, "genre", "", *_summary(draws, interval)) for name, draws in posterior.genres.items()]
    return tuple(rows), tuple(sorted(genres, key=lambda row: (-row.mean, row.name)))


def slopes_of(posterior: Draws, block_of: Mapping[str, str], interval: float) -> tuple[Slope, ...]:
    """Summarise what each feature is worth in each genre, genre by genre; empty without slopes."""
    rows = []
    for genre, deviations in posterior.deviations.items():
        for feature, deviation in deviations.items():
            _, _, low, high = _summary(deviation, interval)
            total = _summary(posterior.betas[feature] + deviation, interval)
            rows.append(Slope(feature, "slope", block_of.get(feature, ""), *total, genre, apart=low > 0 or high < 0))
    return tuple(rows)


def _scalar(posterior: Any, name: str) -> NDArray[np.float64]:
    return np.asarray(posterior.variables[name][...], dtype=np.float64)


def _vector(posterior: Any, name: str, axis: str) -> dict[str, NDArray[np.float64]]:
    """Return the draws of each element, shape (chains, draws), by its label; empty if there is no such variable."""
    if name not in posterior.variables:
        return {}
    variable = posterior.variables[name]
    values = np.moveaxis(np.asarray(variable[...], dtype=np.float64), variable.dimensions.index(axis), 0)
    return dict(zip(_labels(posterior, axis), values, strict=True))


def _matrix(posterior: Any, name: str, rows: str, columns: str) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return the draws of each element, shape (chains, draws), by its two labels; empty without such a variable."""
    if name not in posterior.variables:
        return {}
    variable = posterior.variables[name]
    places = [variable.dimensions.index(axis) for axis in (rows, columns)]
    values = np.moveaxis(np.asarray(variable[...], dtype=np.float64), places, [0, 1])
    labels = _labels(posterior, columns)
    return {
        row: dict(zip(labels, each, strict=True)) for row, each in zip(_labels(posterior, rows), values, strict=True)
    }


def _labels(posterior: Any, axis: str) -> list[str]:
    return [str(label) for label in posterior.variables[axis][...]]


def _summary(draws: NDArray[np.float64], interval: float) -> tuple[float, float, float, float]:
    """Return mean, sd and the two ends of the interval."""
    low, high = np.quantile(draws, [(1 - interval) / 2, (1 + interval) / 2])
    return float(draws.mean()), float(draws.std(ddof=1)), float(low), float(high)
