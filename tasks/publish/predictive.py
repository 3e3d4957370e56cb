"""The posterior predictive check: whether corpora that this model makes look like the one that there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.publish.coefficients import Draws
    from tasks.publish.evidence import Evidence

    Floats = NDArray[np.float64]

_CORPORA = 100  # that the model makes
_MOST_ARTISTS = 20_000
_MOST_TRACKS = 200_000
_BIN = 5.0  # points
_ENDS = (0.05, 0.95)


@dataclass(frozen=True)
class PredictiveCheck:
    """How artists' averages are spread, and how they would be in corpora that the model makes.

    Parameters
    ----------
    edges : ndarray, shape (bins + 1,)
        In points; what lies outside is counted in the first and the last bin.
    seen, low, middle, high : ndarray, shape (bins,)
        Shares of the artists with their average in a bin: in this corpus; and the 5 %, 50 % and 95 % points over
        corpora from the model.
    artists, corpora : int
        How many of each it is of.
    """

    edges: Floats
    seen: Floats
    low: Floats
    middle: Floats
    high: Floats
    artists: int
    corpora: int


def predictive_check(grouped: Path, evidence: Evidence) -> PredictiveCheck | None:
    """Make corpora of the same artists, tracks, genres and features, and compare artists' averages.

    Given a draw of theta and the scales, the average of n tracks of an artist as yet unseen is
    N(zbar' theta, tau^2 + sigma^2 / n), zbar being the average of the rows of the regression.

    Parameters
    ----------
    grouped : Path
        What group wrote.
    evidence : Evidence

    Returns
    -------
    PredictiveCheck or None
        None without pooling, where the model says nothing of how artists differ.
    """
    sampling, design = evidence.sampling, evidence.design
    if sampling.pooling == "none":
        return None
    statistics = grouped / "statistics"
    counts, means = (
        np.load(statistics / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ("counts", "means")
    )
    # Of very many artists, every second, third, ... by name.
    step = -(-len(counts) // _MOST_ARTISTS)
    tracks, rows = np.asarray(counts[::step]), np.asarray(means[::step])
    # Taking the mean away and adding it again leaves -1e-14 where 0 should be.
    seen = np.round(rows[:, -1] + design.popularity_mean, 9)
    z = rows[:, :-1]
    draws = evidence.posterior
    flat = draws.scales["mu"].size
    picked = np.unique(np.linspace(0, flat - 1, _CORPORA).astype(int))
    theta = _theta(draws, evidence, picked)
    sigma = draws.scales["sigma"].reshape(-1)[picked]
    tau = draws.scales["tau"].reshape(-1)[picked] if "tau" in draws.scales else np.zeros(len(picked))
    first = min(0.0, float(np.floor(seen.min() / _BIN) * _BIN))
    edges = np.arange(first, 100 + _BIN / 2, _BIN)
    rng = np.random.default_rng(0)
    shares = np.empty((len(picked), len(edges) - 1))
    with_tails = "nu" in draws.scales and int(tracks.sum()) <= _MOST_TRACKS
    for place, draw in enumerate(picked):
        # Summed by numpy: BLAS would add in an order that depends on its threads.
        expected = np.einsum("jd,d->j", z, theta[place])
        if with_tails:
            errors = rng.standard_t(draws.scales["nu"].reshape(-1)[draw], int(tracks.sum()))
            noise = np.add.reduceat(errors, np.concatenate([[0], np.cumsum(tracks)[:-1]])) / tracks
        else:
            noise = rng.standard_normal(len(tracks)) / np.sqrt(tracks)
        made = expected + tau[place] * rng.standard_normal(len(tracks)) + sigma[place] * noise
        shares[place] = _shares(made, edges)
    low, middle, high = np.quantile(shares, [_ENDS[0], 0.5, _ENDS[1]], axis=0)
    return PredictiveCheck(edges, _shares(seen, edges), low, middle, high, len(tracks), len(picked))


def _theta(draws: Draws, evidence: Evidence, picked: NDArray[np.int64]) -> Floats:
    """Return the coefficients in the order of the design, in points; shape (picked, D)."""
    columns = []
    for column in evidence.design.columns:
        match column.kind:
            case "intercept":
                values = draws.scales["mu"]
            case "feature":
                values = draws.betas[column.name]
            case "genre":
                values = draws.genres[column.name]
            case _:
                values = draws.deviations[column.genre][column.feature]
        columns.append(values.reshape(-1)[picked])
    return np.stack(columns, axis=1)


def _shares(values: Floats, edges: Floats) -> Floats:
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return counts / len(values)
