"""What group and sample left of one fit, as judging needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from schemas.priors import parse_prior
from schemas.reports import Design, SamplingReport
from schemas.statistics import Statistics
from tasks.predictive import Draws

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """n tracks to predict.

    Parameters
    ----------
    artist : ndarray of int, shape (n,)
        Positions among the J artists in training; J and above for those who have no track there.
    z : ndarray, shape (n, D)
    y : ndarray, shape (n,)
        Popularity less its mean in training, in points.
    """

    artist: NDArray[np.int64]
    z: Floats
    y: Floats

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder that group wrote under ``held_out``."""
        artist, z, y = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("artist", "z", "y"))
        return cls(artist, z, y)

    def chosen(self, where: NDArray[np.bool_]) -> Self:
        """Return some of them."""
        return type(self)(self.artist[where], self.z[where], self.y[where])


@dataclass(frozen=True)
class Posterior:
    """S draws, in order of chain and draw.

    Parameters
    ----------
    draws : Draws
    precisions : ndarray, shape (S, D)
        Prior precision of each coefficient, given the scales.
    intercept : float
        Prior mean of the intercept, relative to the mean of popularity in training.
    """

    draws: Draws
    precisions: Floats
    intercept: float

    def thinned(self, most: int) -> Self:
        """Return at most `most` draws, evenly spread over the chains."""
        count = len(self.draws.sigma)
        chosen = np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.int64))
        draws = Draws(self.draws.theta[chosen], self.draws.sigma[chosen], self.draws.tau[chosen])
        return type(self)(draws, self.precisions[chosen], self.intercept)


@dataclass(frozen=True)
class Evidence:
    """One fit and the tracks to judge it by.

    Parameters
    ----------
    design : Design
    statistics : Statistics
        Of training.
    posterior : Posterior
    tested, again : Rows
        Tracks that no fit saw; a sample of those in training, whose artists have others there.
    """

    design: Design
    statistics: Statistics
    posterior: Posterior
    tested: Rows
    again: Rows

    @classmethod
    def load(cls, grouped: Path, sampled: Path) -> Self:
        """Read what group and sample wrote."""
        design = Design.model_validate_json((grouped / "design.json").read_text(encoding="utf-8"))
        report = SamplingReport.model_validate_json((sampled / "sampling.json").read_text(encoding="utf-8"))
        return cls(
            design,
            Statistics.load(grouped / "statistics"),
            _posterior(sampled / "posterior.nc", design, report),
            Rows.load(grouped / "held_out" / "tested"),
            Rows.load(grouped / "held_out" / "again"),
        )


def _posterior(path: Path, design: Design, report: SamplingReport) -> Posterior:
    import xarray as xr

    with xr.open_datatree(path, engine="h5netcdf") as tree:
        drawn = tree["posterior"].to_dataset().load()
    sigma = _flat(drawn["sigma"])
    theta = np.column_stack(
        [
            _flat(drawn["mu"]) - design.popularity_mean,
            # In the order of the design's columns: slopes genre by genre.
            *(
                _flat(drawn[name]).reshape(len(sigma), -1)
                for name in ("beta", "genre_effect", "slope_deviation")
                if name in drawn
            ),
        ]
    )
    location, width = parse_prior(report.priors["mu"]).arguments
    scales = [np.full(len(sigma), width)]
    scales += [_flat(_scale(drawn, column.kind, column.block)) for column in design.columns[1:]]
    precisions = np.column_stack(scales) ** -2
    tau = _flat(drawn["tau"]) if "tau" in drawn else np.zeros(len(sigma))
    if theta.shape[1] != len(design.columns):
        message = f"{path} has {theta.shape[1]} coefficients, and its design {len(design.columns)} columns"
        raise ValueError(message)
    return Posterior(Draws(theta, sigma, tau), precisions, location - design.popularity_mean)


def _scale(drawn: Any, kind: str, block: str) -> Any:
    if kind == "genre":
        return drawn["tau_genre"]
    return drawn["tau_block" if kind == "feature" else "tau_slope"].sel(block=block)


def _flat(variable: Any) -> Floats:
    values = variable.transpose("chain", "draw", ...).to_numpy()
    flat: Floats = np.asarray(values, dtype=np.float64).reshape(-1, *values.shape[2:])
    return flat
