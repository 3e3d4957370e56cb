"""The draws of a published posterior, as predictions need them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.predictive import Draws

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.reports import Design

    Floats = NDArray[np.float64]


_BLOCK = 256
_COEFFICIENTS = {"beta": ("feature",), "genre_effect": ("genre",), "slope_deviation": ("genre", "feature")}


@dataclass(frozen=True)
class Posterior:
    """S draws, chain by chain.

    Parameters
    ----------
    draws : Draws
    freedom : ndarray, shape (S,), optional
        Degrees of freedom of the errors; None where they are normal.
    chains : int
    pooled : bool
        Whether artists do not differ: complete pooling.
    """

    draws: Draws
    freedom: Floats | None
    chains: int
    pooled: bool


def read_posterior(path: Path, design: Design) -> Posterior:
    """Read all but the artists' effects, which are most of the file.

    Parameters
    ----------
    path : Path
        ``posterior.nc``.
    design : Design

    Returns
    -------
    Posterior
    """
    # h5netcdf alone: xarray would bring pandas with it for the sake of a few arrays.
    import h5netcdf

    place_of = {column.variable: place for place, column in enumerate(design.columns)}
    with h5netcdf.File(path, "r", decode_vlen_strings=True) as file:
        variables = file["posterior"].variables
        chains = variables["mu"].shape[0]
        sigma = _flat(variables, "sigma")
        theta = np.full((len(sigma), len(design.columns)), np.nan)
        theta[:, 0] = _flat(variables, "mu") - design.popularity_mean
        for name, axes in _COEFFICIENTS.items():
            if name in variables:
                values = _flat(variables, name)
                labels = itertools.product(*(_labels(variables, axis) for axis in axes))
                places = [place_of[(name, *label)] for label in labels]
                theta[:, places] = values.reshape(len(sigma), -1)
        pooled = "tau" not in variables
        tau = np.zeros(len(sigma)) if pooled else _flat(variables, "tau")
        freedom = _flat(variables, "nu") if "nu" in variables else None
    return Posterior(Draws(theta, sigma, tau), freedom, chains, pooled)


def stored_effects(path: Path, names: Collection[str]) -> dict[str, Floats]:
    """Return the published draws of ``artist_effect``, shape (S,), of those of some artists that have any."""
    import h5netcdf

    found: dict[str, Floats] = {}
    with h5netcdf.File(path, "r", decode_vlen_strings=True) as file:
        variables = file["posterior"].variables
        if "artist_effect" not in variables:
            return {}
        wanted = set(names)
        labels = _labels(variables, "artist")
        # Artists lie side by side in the file: a block of them is read as fast as one.
        for start in range(0, len(labels), _BLOCK):
            block = labels[start : start + _BLOCK]
            places = [place for place, label in enumerate(block) if label in wanted]
            if places:
                values = variables["artist_effect"][:, :, start : start + len(block)].astype(np.float64)
                found |= {block[place]: values[:, :, place].reshape(-1) for place in places}
    return found


def _labels(variables: Any, axis: str) -> list[str]:
    return [str(label) for label in variables[axis][...]]


def _flat(variables: Any, name: str) -> Floats:
    values = np.asarray(variables[name][...], dtype=np.float64)
    return values.reshape(-1, *values.shape[2:])
