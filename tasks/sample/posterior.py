"""Draws to files: ``posterior.nc`` for ArviZ, and a table of artists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.sample.exact import Moments, draw_artist_effects, given_scales

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.parameters import SampleParameters
    from tasks.sample.collapsed import CollapsedDensity
    from tasks.sample.grouped import Grouped
    from tasks.sample.nuts import Chains
    from tasks.sample.scales import Scales

    Floats = NDArray[np.float64]

DIMS = {
    "tau_block": ("block",),
    "beta": ("feature",),
    "genre_effect": ("genre",),
    "tau_slope": ("block",),
    "slope_deviation": ("genre", "feature"),
    "artist_effect": ("artist",),
}


@dataclass(frozen=True)
class Posterior:
    """A posterior, ready to be written.

    Parameters
    ----------
    draws : dict of str to ndarray, shape (chains, draws, ...)
        By published name; mu in points.
    statistics : dict of str to ndarray, shape (chains, draws)
        Of the sampler.
    artists : list of str
        Those with stored draws of ``artist_effect``.
    level, effect : Moments
        Of every artist, in the order of the grouped data; the level in points.
    unseen : Moments
        Of the level of an artist nobody has seen, given each draw, shape (chains * draws,).
    """

    draws: dict[str, Floats]
    statistics: dict[str, NDArray[Any]]
    artists: list[str]
    level: Moments
    effect: Moments
    unseen: Moments


def with_stored_draws(grouped: Grouped, limit: int) -> NDArray[np.int64]:
    """Return the positions of the `limit` artists with most tracks, in the order of their names."""
    most = np.argsort(-grouped.statistics.counts, kind="stable")[:limit]
    return np.sort(most)


def _taus(scales: Scales, values: Floats) -> Floats:
    if scales.fixed_tau is not None:
        return np.full(len(values), scales.fixed_tau)
    return values[:, scales.position("tau")]


def from_scales(grouped: Grouped, density: CollapsedDensity, chains: Chains, parameters: SampleParameters) -> Posterior:
    """Draw everything else exactly, given draws of the scales.

    Parameters
    ----------
    grouped : Grouped
    density : CollapsedDensity
    chains : Chains
        From `nuts.sample_scales`.
    parameters : SampleParameters

    Returns
    -------
    Posterior
    """
    scales, design = density.scales, grouped.design
    shape = chains.draws["unconstrained"].shape[:2]
    values = scales.natural(chains.draws["unconstrained"].reshape(shape[0] * shape[1], -1))
    # A stream of its own for each kind of noise: storing more artists must not change the coefficients.
    for_theta, for_artists = (np.random.default_rng([parameters.seed, stream]) for stream in (1, 2))
    sigma, tau = values[:, 0], _taus(scales, values)
    exact = given_scales(density, grouped.statistics, values, tau, for_theta)
    theta = exact.draws
    features, genres = len(design.names("feature")), len(design.names("genre"))
    draws = {"mu": theta[:, 0] + design.popularity_mean, "sigma": sigma}
    if features:
        blocks = [scales.position("tau_block", block) for block in design.blocks()]
        draws |= {"tau_block": values[:, blocks], "beta": theta[:, 1 : 1 + features]}
    if genres:
        effects = theta[:, 1 + features : 1 + features + genres]
        draws |= {"tau_genre": values[:, scales.position("tau_genre")], "genre_effect": effects}
    if design.names("slope"):
        blocks = [scales.position("tau_slope", block) for block in design.blocks()]
        deviations = theta[:, 1 + features + genres :].reshape(-1, genres, features)
        draws |= {"tau_slope": values[:, blocks], "slope_deviation": deviations}
    chosen = with_stored_draws(grouped, parameters.artist_draws if parameters.pooling != "complete" else 0)
    if parameters.pooling != "complete":
        draws["tau"] = tau
    if len(chosen):
        draws["artist_effect"] = draw_artist_effects(grouped.statistics, chosen, (sigma, tau), theta, for_artists)
    level = exact.level
    return Posterior(
        draws={name: draw.reshape(*shape, *draw.shape[1:]) for name, draw in draws.items()},
        statistics=chains.statistics,
        artists=[grouped.artists[position] for position in chosen],
        level=Moments(level.mean + design.popularity_mean, level.sd),
        effect=exact.effect,
        unseen=_unseen(grouped, theta, (sigma, tau)),
    )


def from_rows(grouped: Grouped, chains: Chains, parameters: SampleParameters) -> Posterior:
    """Summarise draws of every parameter.

    Parameters
    ----------
    grouped : Grouped
    chains : Chains
        From `rows.sample_rows`.
    parameters : SampleParameters

    Returns
    -------
    Posterior
    """
    draws = dict(chains.draws)
    flat = {name: draw.reshape(-1, *draw.shape[2:]) for name, draw in draws.items()}
    count = len(flat["mu"])
    theta = np.column_stack(
        [
            flat["mu"] - grouped.design.popularity_mean,
            *(flat[name] for name in ("beta", "genre_effect") if name in flat),
        ]
    )
    effects = flat.get("artist_effect", np.zeros((count, len(grouped.artists))))
    level = theta @ grouped.statistics.means[:, :-1].T + effects + grouped.design.popularity_mean
    chosen = with_stored_draws(grouped, parameters.artist_draws)
    if "artist_effect" in draws:
        draws["artist_effect"] = draws["artist_effect"][..., chosen]
    tau = flat.get("tau", np.zeros(count))
    return Posterior(
        draws=draws,
        statistics=chains.statistics,
        artists=[grouped.artists[position] for position in chosen],
        level=Moments(level.mean(axis=0), level.std(axis=0)),
        effect=Moments(effects.mean(axis=0), effects.std(axis=0)),
        unseen=_unseen(grouped, theta, (flat["sigma"], tau)),
    )


def _unseen(grouped: Grouped, theta: Floats, scales: tuple[Floats, Floats]) -> Moments:
    """Return, given each draw, the mean and sd of the next track of an artist nobody has seen, in points.

    Its features and genre are those of the average track.
    """
    statistics = grouped.statistics
    average = statistics.counts @ statistics.means[:, :-1] / statistics.observations
    sigma, tau = scales
    return Moments(theta @ average + grouped.design.popularity_mean, np.sqrt(sigma**2 + tau**2))


def mixture_quantile(parts: Moments, probability: float) -> float:
    """Return a quantile of an equal mixture of normals.

    Parameters
    ----------
    parts : Moments
        Mean and sd of each.
    probability : float

    Returns
    -------
    float
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr

    width = 40 * parts.sd.max()
    low, high = parts.mean.min() - width, parts.mean.max() + width
    return float(brentq(lambda x: ndtr((x - parts.mean) / parts.sd).mean() - probability, low, high))


def new_artist(posterior: Posterior, interval: float) -> dict[str, float]:
    """Predict the next track of an artist nobody has seen.

    Parameters
    ----------
    posterior : Posterior
    interval : float
        Its probability.

    Returns
    -------
    dict
        ``mean, sd, low, high`` in points. Popularity ends at 0 and 100, and so do the interval's ends: what the normal
        model puts beyond an end is popularity at that end.
    """
    parts = posterior.unseen
    tail = (1 - interval) / 2
    low, high = (float(np.clip(mixture_quantile(parts, p), 0, 100)) for p in (tail, 1 - tail))
    sd = np.sqrt(parts.mean.var() + (parts.sd**2).mean())
    return {"mean": float(parts.mean.mean()), "sd": float(sd), "low": low, "high": high}


def write_artists(grouped: Grouped, posterior: Posterior, interval: float, path: Path) -> None:
    """Write one row an artist, with the columns of `schemas.publication.artists_schema` that are known by now.

    Intervals are normal with the exact posterior mean and sd. The posterior of an artist's level is a mixture of
    normals over the scales; its tails differ from a normal's by the small excess kurtosis that the uncertainty of
    sigma and tau brings, which at the 5 % point all but cancels (Cornish-Fisher: (z^3 - 3 z) / 24 of it).

    Parameters
    ----------
    grouped : Grouped
    posterior : Posterior
    interval : float
        Probability inside an interval.
    path : Path
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from scipy.special import ndtri

    from schemas.publication import artists_schema

    z = float(ndtri((1 + interval) / 2))
    level, effect = posterior.level, posterior.effect
    next_sd = np.sqrt(level.sd**2 + (posterior.draws["sigma"] ** 2).mean())
    columns = {
        "artist": grouped.artists,
        "tracks": grouped.statistics.counts,
        # Taking the corpus mean and adding it again leaves 1e-14 where 0 should be.
        "raw_mean": np.round(grouped.statistics.means[:, -1] + grouped.design.popularity_mean, 9),
        "mean": level.mean,
        "sd": level.sd,
        "low": np.clip(level.mean - z * level.sd, 0, 100),
        "high": np.clip(level.mean + z * level.sd, 0, 100),
        "next_mean": level.mean,
        "next_sd": next_sd,
        "next_low": np.clip(level.mean - z * next_sd, 0, 100),
        "next_high": np.clip(level.mean + z * next_sd, 0, 100),
        "effect_mean": effect.mean,
        "effect_sd": effect.sd,
    }
    schema = pa.schema([field for field in artists_schema() if field.name in columns])
    pq.write_table(pa.table(columns, schema=schema), path, compression="zstd")


def write_netcdf(grouped: Grouped, posterior: Posterior, attributes: dict[str, str], path: Path) -> None:
    """Write ``posterior.nc``, the same bytes for the same posterior.

    Parameters
    ----------
    grouped : Grouped
    posterior : Posterior
    attributes : dict of str to str
        Of the posterior group. No time of day: the file would then differ from run to run.
    path : Path
    """
    import xarray as xr

    design = grouped.design
    chains, draws = posterior.draws["mu"].shape[:2]
    base = {"chain": np.arange(chains), "draw": np.arange(draws)}
    labels = {
        "block": list(design.blocks()),
        "feature": list(design.names("feature")),
        "genre": list(design.names("genre")),
        "artist": posterior.artists,
    }
    used = {dim for name in posterior.draws for dim in DIMS.get(name, ())}
    variables = xr.Dataset(
        {name: (("chain", "draw", *DIMS.get(name, ())), values) for name, values in sorted(posterior.draws.items())},
        coords=base | {dim: np.array(labels[dim], dtype=object) for dim in sorted(used)},
        attrs=attributes,
    )
    statistics = xr.Dataset(
        {name: (("chain", "draw"), values) for name, values in sorted(posterior.statistics.items())},
        coords=base,
        attrs=attributes,
    )
    tree = xr.DataTree.from_dict({"posterior": variables, "sample_stats": statistics})
    tree.to_netcdf(path, engine="h5netcdf")
