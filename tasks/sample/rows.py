"""The same model row by row in PyMC, as a reference and for what cannot be summed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.sample.nuts import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.parameters import SampleParameters
    from schemas.priors import Prior
    from tasks.sample.grouped import Grouped
    from tasks.sample.nuts import Chains
    from tasks.sample.scales import Scales


def _distribution(prior: Prior, name: str, dims: str | None) -> Any:
    """Make the PyMC variable of a prior on positive numbers."""
    import pymc as pm

    first, *rest = prior.arguments
    match prior.family:
        case "exponential":
            return pm.Exponential(name, lam=first, dims=dims)
        case "half_normal":
            return pm.HalfNormal(name, sigma=first, dims=dims)
        case "half_cauchy":
            return pm.HalfCauchy(name, beta=first, dims=dims)
        case "half_student_t":
            return pm.HalfStudentT(name, nu=first, sigma=rest[0], dims=dims)
        case "gamma":
            return pm.Gamma(name, alpha=first, beta=rest[0], dims=dims)
        case "lognormal":
            return pm.LogNormal(name, mu=first, sigma=rest[0], dims=dims)
    message = f"{prior} is not a prior of a scale"
    raise ValueError(message)


def build(grouped: Grouped, scales: Scales) -> Any:
    """Write the model down in PyMC.

    Parameters
    ----------
    grouped : Grouped
        With its rows kept.
    scales : Scales

    Returns
    -------
    pymc.Model
        Its variables are named and shaped as in a published posterior; `mu` is in points.
    """
    import pymc as pm

    design, folder = grouped.design, grouped.folder / "rows"
    artist, z, y = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("artist", "z", "y"))
    features, genres, blocks = design.names("feature"), design.names("genre"), design.blocks()
    coords = {"artist": grouped.artists, "feature": features, "genre": genres, "block": blocks}
    priors = {scale.name: scale.prior for scale in scales.free}
    with pm.Model(coords={name: values for name, values in coords.items() if len(values)}) as model:

        def scale(name: str, dims: str | None = None) -> Any:
            prior = priors[name]
            if not prior.relative:
                return _distribution(prior, name, dims)
            return pm.Deterministic(name, _distribution(prior, f"{name}_over_sigma", dims) * sigma, dims=dims)

        sigma = scale("sigma")
        mean, width = scales.intercept.arguments
        mu = pm.Normal("mu", mean + design.popularity_mean, width)
        expected = mu
        if features:
            block_of = {column.name: column.block for column in design.columns}
            index = np.array([blocks.index(block_of[name]) for name in features])
            beta = pm.Normal("beta", 0, scale("tau_block", "block")[index], dims="feature")
            expected = expected + z[:, 1 : 1 + len(features)] @ beta
        if genres:
            genre_effect = pm.Normal("genre_effect", 0, scale("tau_genre"), dims="genre")
            expected = expected + z[:, 1 + len(features) :] @ genre_effect
        if scales.fixed_tau != 0:
            tau = (
                scale("tau")
                if scales.fixed_tau is None
                else pm.Deterministic("tau", pm.math.constant(scales.fixed_tau))
            )
            # Non-centred: most artists have a track or two, which say little about their own effect.
            raw = pm.Normal("artist_effect_over_tau", 0, 1, dims="artist")
            artist_effect = pm.Deterministic("artist_effect", raw * tau, dims="artist")
            expected = expected + artist_effect[artist]
        pm.Normal("popularity", expected, sigma, observed=y + design.popularity_mean)
    return model


def sample_rows(
    grouped: Grouped, scales: Scales, parameters: SampleParameters, progress: Callable[[int, int], None]
) -> Chains:
    """Draw every parameter of the row-by-row model by NUTS.

    Parameters
    ----------
    grouped : Grouped
    scales : Scales
    parameters : SampleParameters
    progress : callable
        Told how many of how many iterations are done, over all chains.

    Returns
    -------
    Chains
        Of the variables that a posterior publishes.
    """
    import nutpie
    import pytensor

    published = ("mu", "sigma", "tau", "tau_genre", "tau_block", "beta", "genre_effect", "artist_effect")
    # Fast maths lets a cold and a warm compiler cache differ in the last digit, and so in every draw after it.
    with pytensor.config.change_flags(numba__fastmath=False):
        model = build(grouped, scales)
        names = [name for name in published if name in model.named_vars]
        compiled = nutpie.compile_pymc_model(model, backend="numba", var_names=names)
        chains = run(compiled, parameters, progress)
    return chains._replace(draws={name: chains.draws[name] for name in names})
