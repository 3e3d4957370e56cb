"""How much of the variance of popularity goes with each part of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.sample.spread import Spread, variance_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from schemas.parameters import SampleParameters
    from schemas.reports import Design
    from tasks.sample.grouped import Grouped

    Floats = NDArray[np.float64]


def share_draws(grouped: Grouped, draws: Mapping[str, Floats], parameters: SampleParameters) -> dict[str, Floats]:
    """Return the share of the variance of popularity that goes with each part, draw by draw.

    Given a draw, the variance of a track of the corpus is theta' S theta + tau^2 + sigma^2, with S the covariance of Z
    over tracks: the decomposition behind the R^2 of Nakagawa and Schielzeth (2013), Methods in Ecology and Evolution
    4(2). Part p of Z gets theta_p' S_pp theta_p, what would be left if all else were equal. Parts are correlated, so
    these do not add up to theta' S theta. What is missing, twice the covariances between parts, is ``shared``: positive
    where parts go together (loud genres are popular, and so are loud tracks), negative where one takes back what
    another adds. It is not dealt out, for no rule that does so keeps a part that matters from having a share of nothing
    or less.

    Parameters
    ----------
    grouped : Grouped
    draws : mapping of str to ndarray, shape (chains, draws, ...)
        As published: ``sigma``, and of ``tau, nu, beta, genre_effect, slope_deviation`` what the model has.
    parameters : SampleParameters
        Its pooling.

    Returns
    -------
    dict of str to ndarray, shape (chains, draws)
        ``block: <name>`` for each block, ``genres``, ``slopes``, ``shared`` (where there are two of these),
        ``artists``, ``residual``; of each draw, they add up to 1. Empty without pooling: tau is then fixed, not
        estimated, and no share of anything.
    """
    if parameters.pooling == "none":
        return {}
    shape = draws["sigma"].shape
    flat = {name: draw.reshape(-1, *draw.shape[2:]) for name, draw in draws.items() if name != "artist_effect"}
    count = len(flat["sigma"])
    slopes = flat.get("slope_deviation", np.zeros((count, 0))).reshape(count, -1)
    parts = [flat[name] for name in ("beta", "genre_effect") if name in flat]
    theta = np.column_stack([np.zeros(count), *parts, slopes])
    covariance = Spread.of(grouped.statistics).over_tracks()[:-1, :-1]
    variances = {
        part: variance_of(theta[:, columns], covariance[np.ix_(columns, columns)])
        for part, columns in _parts(grouped.design).items()
    }
    if len(variances) > 1:
        variances["shared"] = variance_of(theta, covariance) - np.sum(list(variances.values()), axis=0)
    if parameters.pooling == "partial":
        variances["artists"] = flat["tau"] ** 2
    noise = flat["sigma"] ** 2
    variances["residual"] = noise * flat["nu"] / (flat["nu"] - 2) if "nu" in flat else noise
    total = np.sum(list(variances.values()), axis=0)
    return {part: (variance / total).reshape(shape) for part, variance in variances.items()}


def summaries(shares: Mapping[str, Floats], interval: float) -> dict[str, dict[str, float]]:
    """Return ``mean, low, high`` of each share over the posterior."""
    tail = (1 - interval) / 2
    return {part: _summary(share, tail) for part, share in shares.items()}


def _parts(design: Design) -> dict[str, list[int]]:
    """Return the columns of each part of Z theta."""
    parts: dict[str, list[int]] = {f"block: {block}": [] for block in design.blocks()}
    for position, column in enumerate(design.columns):
        if column.kind == "feature":
            parts[f"block: {column.block}"].append(position)
        elif column.kind != "intercept":
            parts.setdefault(f"{column.kind}s", []).append(position)
    return parts


def _summary(shares: Floats, tail: float) -> dict[str, float]:
    low, high = np.quantile(shares, [tail, 1 - tail])
    return {"mean": float(shares.mean()), "low": float(low), "high": float(high)}
