"""Draws to files: ``posterior.nc`` for ArviZ, and a table of artists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.mixture import Mixture
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
    "variance_share": ("part",),
    "new_artist_below": ("end",),
}


@dataclass(frozen=True)
class Intervals:
    """Ends of the interval of each artist's level, and sd and ends of its next track, in points, each of shape (J,)."""

    low: Floats
    high: Floats
    next_sd: Floats
    next_low: Floats
    next_high: Floats


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
    unseen : Mixture
        The next track of an artist nobody has seen, one mixture over the draws.
    intervals : Intervals, optional
        Of every artist, where errors are not normal, nor so the posterior of a level.
    convergence : dict of str to ndarray, shape (J,), optional
        ``level_rhat, ...``: of every artist's own draws, where NUTS drew them and not all are kept.
    """

    draws: dict[str, Floats]
    statistics: dict[str, NDArray[Any]]
    artists: list[str]
    level: Moments
    effect: Moments
    unseen: Mixture
    intervals: Intervals | None = None
    convergence: dict[str, Floats] | None = None


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
        unseen=unseen(grouped, theta, (sigma, tau)),
    )


def unseen(grouped: Grouped, theta: Floats, scales: tuple[Floats, Floats]) -> Mixture:
    """Return the next track of an artist nobody has seen, in points, with normal errors.

    Its features and genre are those of the average track.
    """
    sigma, tau = scales
    return Mixture(average_track(grouped, theta)[:, None], np.sqrt(sigma**2 + tau**2)[:, None])


def coefficient_draws(grouped: Grouped, draws: dict[str, Floats]) -> Floats:
    """Return the coefficients of all columns, the intercept relative to the corpus mean, shape (S, D)."""
    count = draws["mu"].size
    parts = [draws[name].reshape(count, -1) for name in ("beta", "genre_effect", "slope_deviation") if name in draws]
    return np.column_stack([draws["mu"].reshape(count) - grouped.design.popularity_mean, *parts])


def average_track(grouped: Grouped, theta: Floats) -> Floats:
    """Return what is expected of a track with the features and genres of the average one, in points, shape (S,)."""
    statistics = grouped.statistics
    average = statistics.counts @ statistics.means[:, :-1] / statistics.observations
    expected: Floats = theta @ average + grouped.design.popularity_mean
    return expected


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
    low, high = (float(np.clip(end, 0, 100)) for end in new_artist_ends(posterior, interval))
    mean, sd = posterior.unseen.moments()
    return {"mean": float(mean[0]), "sd": float(sd[0]), "low": low, "high": high}


def new_artist_ends(posterior: Posterior, interval: float) -> tuple[float, float]:
    """Return the ends of its interval as the model has them, below 0 and above 100 too."""
    tail = (1 - interval) / 2
    low, high = (float(posterior.unseen.quantile(p)[0]) for p in (tail, 1 - tail))
    return low, high


def write_artists(grouped: Grouped, posterior: Posterior, interval: float, path: Path) -> None:
    """Write one row an artist, with the columns of `schemas.publication.artists_schema` that are known by now.

    With normal errors, intervals are normal with the posterior mean and sd. The posterior of an artist's level is a
    mixture of normals over the scales; its tails differ from a normal's by the small excess kurtosis that the
    uncertainty of sigma and tau brings, which at the 5 % point all but cancels (Cornish-Fisher: (z^3 - 3 z) / 24 of
    it).

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
    ends = posterior.intervals or _normal_intervals(posterior, z)
    columns = {
        "artist": grouped.artists,
        "tracks": grouped.statistics.counts,
        # Taking the corpus mean and adding it again leaves 1e-14 where 0 should be.
        "raw_mean": np.round(grouped.statistics.means[:, -1] + grouped.design.popularity_mean, 9),
        "mean": level.mean,
        "sd": level.sd,
        "low": np.clip(ends.low, 0, 100),
        "high": np.clip(ends.high, 0, 100),
        "next_mean": level.mean,
        "next_sd": ends.next_sd,
        "next_low": np.clip(ends.next_low, 0, 100),
        "next_high": np.clip(ends.next_high, 0, 100),
        "effect_mean": effect.mean,
        "effect_sd": effect.sd,
    }
    schema = pa.schema([field for field in artists_schema() if field.name in columns])
    pq.write_table(pa.table(columns, schema=schema), path, compression="zstd")


def write_convergence(grouped: Grouped, convergence: dict[str, Floats], path: Path) -> None:
    """Write what was measured of every artist's own draws, a row an artist, for the gate."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(
        pa.table({"artist": pa.array(grouped.artists, pa.string()), **convergence}), path, compression="zstd"
    )


def _normal_intervals(posterior: Posterior, z: float) -> Intervals:
    level = posterior.level
    following = np.sqrt(level.sd**2 + (posterior.draws["sigma"] ** 2).mean())
    ends = (level.mean + sign * z * sd for sd in (level.sd, following) for sign in (-1, 1))
    low, high, next_low, next_high = ends
    return Intervals(low, high, following, next_low, next_high)


def write_netcdf(
    grouped: Grouped,
    posterior: Posterior,
    derived: tuple[dict[str, Floats], dict[str, list[str]]],
    attributes: dict[str, str],
    path: Path,
) -> None:
    """Write ``posterior.nc``, the same bytes for the same posterior.

    Parameters
    ----------
    grouped : Grouped
    posterior : Posterior
    derived : tuple
        Draws of what follows from it and the labels of their axes, from `derived.derived_draws`.
    attributes : dict of str to str
        Of the posterior group. No time of day: the file would then differ from run to run.
    path : Path
    """
    import xarray as xr

    design = grouped.design
    chains, draws = posterior.draws["mu"].shape[:2]
    labels = {
        "block": list(design.blocks()),
        "feature": list(design.names("feature")),
        "genre": list(design.names("genre")),
        "artist": posterior.artists,
        **derived[1],
    }

    def dataset(variables: dict[str, Any]) -> xr.Dataset:
        dims = {name: DIMS.get(name, ()) for name in sorted(variables)}
        coords: dict[str, Any] = {"chain": np.arange(chains), "draw": np.arange(draws)}
        coords |= {
            dim: np.array(labels[dim], dtype=object) for dim in sorted({dim for own in dims.values() for dim in own})
        }
        data = {name: (("chain", "draw", *own), variables[name]) for name, own in dims.items()}
        return xr.Dataset(data, coords=coords, attrs=attributes)

    groups = {"posterior": posterior.draws, "derived": derived[0], "sample_stats": posterior.statistics}
    tree = xr.DataTree.from_dict({name: dataset(variables) for name, variables in groups.items()})
    tree.to_netcdf(path, engine="h5netcdf")
