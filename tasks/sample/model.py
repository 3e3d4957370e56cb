"""The model track by track in PyMC: a reference for the sums, and the only way where errors are not normal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.sample.scales import resolved

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.distributions import Prior
    from schemas.parameters import SampleParameters
    from schemas.statistics import Statistics
    from tasks.sample.grouped import Grouped
    from tasks.sample.scales import Scales

    Floats = NDArray[np.float64]

# Student's t has a variance only above it.
LEAST_NU = 2.0


def build(grouped: Grouped, scales: Scales, parameters: SampleParameters) -> Any:
    """Write the model down in PyMC.

    Parameters
    ----------
    grouped : Grouped
        With its rows kept.
    scales : Scales
    parameters : SampleParameters
        Its likelihood, parametrisation and priors.

    Returns
    -------
    pymc.Model
        Its variables are named and shaped as in a published posterior; `mu` is in points.
    """
    import pymc as pm

    design, statistics, folder = grouped.design, grouped.statistics, grouped.folder / "rows"
    artist, z, y = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("artist", "z", "y"))
    features, genres, blocks = design.names("feature"), design.names("genre"), design.blocks()
    block_of = {column.name: column.block for column in design.columns}
    block = np.array([blocks.index(block_of[name]) for name in features], dtype=np.int64)
    seen = _cross_products(statistics, scales)
    coords = {"artist": grouped.artists, "feature": features, "genre": genres, "block": blocks}
    priors = resolved(parameters.priors, design)
    form = parameters.parametrisation
    with pm.Model(coords={name: values for name, values in coords.items() if len(values)}) as model:
        # What popularity makes of the model is data, not constants: once compiled, it serves others of the same layout.
        observed, centre = pm.Data("observed", y), pm.Data("centre", design.popularity_mean)
        information = pm.Data("information", np.maximum(seen.diagonal(), 1))

        def scale(name: str, dims: str | None = None) -> Any:
            family, arguments = _family(priors[name])
            if not priors[name].relative:
                return family(name, **arguments, dims=dims)
            return pm.Deterministic(name, family(f"{name}_over_sigma", **arguments, dims=dims) * sigma, dims=dims)

        sigma = scale("sigma")
        noise = sigma
        if parameters.likelihood == "student_t":
            nu = _above(LEAST_NU, "nu", priors["nu"])
            # One over the root of the Fisher information that a track has of its location.
            noise = sigma * pm.math.sqrt((nu + 3) / (nu + 1))
        mu = pm.Normal("mu", *priors["mu"].arguments)
        shift = mu - centre
        theta, place = [shift[None]], 1
        if features:
            spread = noise / pm.math.sqrt(information[place : place + len(features)])
            theta.append(_effects("beta", scale("tau_block", "block")[block], (spread, 0.0), form, ("feature",)))
            place += len(features)
        if genres:
            own = slice(place, place + len(genres))
            means = pm.Data("genre_means", seen[own, -1] / seen[own, 0])
            told = noise / pm.math.sqrt(information[own]), means - shift
            theta.append(_effects("genre_effect", scale("tau_genre"), told, form, ("genre",)))
            place += len(genres)
        if design.names("slope"):
            spread = noise / pm.math.sqrt(information[place:-1].reshape((len(genres), len(features))))
            size = scale("tau_slope", "block")[block]
            slopes = _effects("slope_deviation", size, (spread, 0.0), form, ("genre", "feature"))
            theta.append(slopes.ravel())
        coefficients = pm.math.concatenate(theta)
        expected = z @ coefficients
        if scales.fixed_tau != 0:
            tau = (
                scale("tau")
                if scales.fixed_tau is None
                else pm.Deterministic("tau", pm.math.constant(scales.fixed_tau))
            )
            surplus = pm.Data("artist_means", statistics.means[:, -1]) - statistics.means[:, :-1] @ coefficients
            told = noise / np.sqrt(statistics.counts), surplus
            expected += _effects("artist_effect", tau, told, form, ("artist",))[artist]
        if parameters.likelihood == "student_t":
            pm.StudentT("popularity", nu=nu, mu=expected, sigma=sigma, observed=observed)
        else:
            pm.Normal("popularity", expected, sigma, observed=observed)
    return model


def _effects(name: str, scale: Any, told: tuple[Any, Any], form: str, dims: tuple[str, ...]) -> Any:
    """Add effects ~ N(0, scale^2) in coordinates that NUTS gets on with: location + width x raw.

    Centred ones have width 1 and a location that moves with all else: best where tracks say much of an effect. Non-
    centred ones have width `scale`: best where they say little, for then the prior is all that holds an effect. In
    between lies the normal posterior of the effect given all else, of mean w x surplus and sd sqrt(w) x spread with
    w = scale^2 / (scale^2 + spread^2): raw is then about N(0, 1), wherever the scales are. (Papaspiliopoulos, Roberts
    and Skold 2007, A general framework for the parametrization of hierarchical models, Statistical Science 22(1).)
    Whatever location and width are, effects have their prior, and the posterior is the same.

    Parameters
    ----------
    name : str
    scale : tensor
    told : tuple
        What tracks say of an effect, all else given: with which sd, and what it is.
    form : {"auto", "centred", "non_centred"}
    dims : tuple of str

    Returns
    -------
    tensor
    """
    import pymc as pm

    spread, surplus = told
    if form == "centred":
        location, width, raw_mean, raw_sd = surplus, 1.0, -surplus, scale
    elif form == "non_centred":
        location, width, raw_mean, raw_sd = 0.0, scale, 0.0, 1.0
    else:
        root = pm.math.sqrt(scale**2 + spread**2)
        location, width = (scale / root) ** 2 * surplus, scale * spread / root
        raw_mean, raw_sd = -surplus * scale / (spread * root), root / spread
    raw = pm.Normal(f"{name}_raw", raw_mean, raw_sd, dims=dims)
    return pm.Deterministic(name, location + width * raw, dims=dims)


def _cross_products(statistics: Statistics, scales: Scales) -> Floats:
    """Return A'A as far as artist effects leave it, at the scales around which chains start, shape (D + 1, D + 1).

    Divided by sigma^2 this is the information of the tracks; how much exactly matters to speed alone.
    """
    start = {scale.name: scale.start for scale in scales.free}
    ratio = ((start["tau"] if scales.fixed_tau is None else scales.fixed_tau) / start["sigma"]) ** 2
    left = statistics.counts / (1 + statistics.counts * ratio)
    product: Floats = statistics.within + statistics.means.T @ (statistics.means * left[:, None])
    return product


def _family(prior: Prior) -> tuple[Any, dict[str, float]]:
    """Return PyMC's distribution for a prior on positive numbers, and its arguments."""
    import pymc as pm

    family, names = {
        "exponential": (pm.Exponential, ("lam",)),
        "half_normal": (pm.HalfNormal, ("sigma",)),
        "half_cauchy": (pm.HalfCauchy, ("beta",)),
        "half_student_t": (pm.HalfStudentT, ("nu", "sigma")),
        "gamma": (pm.Gamma, ("alpha", "beta")),
        "lognormal": (pm.LogNormal, ("mu", "sigma")),
    }[prior.family]
    return family, dict(zip(names, prior.arguments, strict=True))


def _above(least: float, name: str, prior: Prior) -> Any:
    """Add a number whose prior is cut off below; its density is `prior`'s but for the constant that makes it one."""
    import pymc as pm

    family, arguments = _family(prior)
    # pm.Truncated would need the distribution function, which the half Student's t of PyMC has not.
    interval = pm.distributions.transforms.Interval(lower=least, upper=None)
    return family(name, **arguments, default_transform=interval, initval=5 * least)
