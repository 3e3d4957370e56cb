"""The model track by track, written down once for both generations of PyMC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from tasks.sample.portable.dialects import Dialect
    from tasks.sample.portable.specification import Specification

# Student's t has a variance only above it.
LEAST_NU = 2.0
PUBLISHED = (
    *("mu", "sigma", "nu", "tau", "tau_genre", "tau_block", "tau_slope"),
    *("beta", "genre_effect", "slope_deviation", "artist_effect"),
)


def build(model: Specification, dialect: Dialect) -> Any:
    """Write the model down in PyMC.

    Parameters
    ----------
    model : Specification
    dialect : Dialect
        Of the PyMC that is to sample it.

    Returns
    -------
    pymc.Model or pymc3.Model
        Its variables are named and shaped as in a published posterior; `mu` is in points.
    """
    pm = dialect.module
    artist, z, y = model.row_arrays()
    features, genres = len(model.block), model.genres
    sizes = {"artist": len(model.counts), "feature": features, "genre": genres, "block": model.blocks}
    add = _Adding(dialect, model.parametrisation)
    with pm.Model(coords={name: list(range(size)) for name, size in sizes.items() if size}) as written:
        # What popularity makes of the model is data, not constants: compiled once, it serves others of the same layout.
        data = dialect.data
        information = data("information", np.maximum(model.seen.diagonal(), 1))

        def scale(name: str, dims: str | None = None) -> Any:
            family, arguments, relative = model.priors[name]
            if not relative:
                return add.positive(name, family, arguments, dims=dims)
            multiple = add.positive(f"{name}_over_sigma", family, arguments, dims=dims)
            return pm.Deterministic(name, multiple * sigma, dims=dims)

        sigma = scale("sigma")
        noise = sigma
        if model.likelihood == "student_t":
            # The prior's density is cut off below, but for the constant that makes it one. pm.Truncated would need the
            # distribution function, which the half Student's t of PyMC has not.
            nu = add.positive("nu", *model.priors["nu"][:2], **dialect.above(LEAST_NU))
            # One over the root of the Fisher information that a track has of its location.
            noise = sigma * pm.math.sqrt((nu + 3) / (nu + 1))
        mu = pm.Normal("mu", *model.priors["mu"][1])
        shift = mu - data("centre", model.popularity_mean)
        theta, place = [shift[None]], 1
        if features:
            spread = noise / pm.math.sqrt(information[place : place + features])
            theta.append(add.effects("beta", scale("tau_block", "block")[model.block], (spread, 0.0), ("feature",)))
            place += features
        if genres:
            own = slice(place, place + genres)
            means = data("genre_means", model.seen[own, -1] / model.seen[own, 0])
            told = noise / pm.math.sqrt(information[own]), means - shift
            theta.append(add.effects("genre_effect", scale("tau_genre"), told, ("genre",)))
            place += genres
        if model.slopes:
            spread = noise / pm.math.sqrt(information[place:-1].reshape((genres, features)))
            size = scale("tau_slope", "block")[model.block]
            slopes = add.effects("slope_deviation", size, (spread, 0.0), ("genre", "feature"))
            theta.append(slopes.flatten())
        coefficients = pm.math.concatenate(theta)
        expected = pm.math.dot(z, coefficients)
        if model.fixed_tau != 0:
            fixed = model.fixed_tau
            tau = scale("tau") if fixed is None else pm.Deterministic("tau", pm.math.constant(fixed))
            surplus = data("artist_means", model.means[:, -1]) - pm.math.dot(model.means[:, :-1], coefficients)
            told = noise / np.sqrt(model.counts), surplus
            expected = expected + add.effects("artist_effect", tau, told, ("artist",))[artist]
        observed = data("observed", y)
        if model.likelihood == "student_t":
            pm.StudentT("popularity", nu=nu, mu=expected, sigma=sigma, observed=observed)
        else:
            pm.Normal("popularity", expected, sigma, observed=observed)
    return written


class _Adding(NamedTuple):
    """Adds variables to the model at hand."""

    dialect: Dialect
    form: str

    def positive(self, name: str, family: str, arguments: tuple[float, ...], **options: Any) -> Any:
        """Add a positive variable of a family of priors."""
        pm = self.dialect.module
        distribution, names = {
            "exponential": (pm.Exponential, ("lam",)),
            "half_normal": (pm.HalfNormal, ("sigma",)),
            "half_cauchy": (pm.HalfCauchy, ("beta",)),
            "half_student_t": (pm.HalfStudentT, ("nu", "sigma")),
            "gamma": (pm.Gamma, ("alpha", "beta")),
            "lognormal": (self.dialect.lognormal, ("mu", "sigma")),
        }[family]
        return distribution(name, **dict(zip(names, arguments)), **options)

    def effects(self, name: str, scale: Any, told: tuple[Any, Any], dims: tuple[str, ...]) -> Any:
        """Add effects ~ N(0, scale^2) in coordinates that NUTS gets on with: location + width x raw.

        Centred ones have width 1 and a location that moves with all else: best where tracks say much of an effect. Non-
        centred ones have width `scale`: best where they say little, for then the prior is all that holds an effect. In
        between lies the normal posterior of the effect given all else, of mean w x surplus and sd sqrt(w) x spread with
        w = scale^2 / (scale^2 + spread^2): raw is then about N(0, 1), wherever the scales are. (Papaspiliopoulos,
        Roberts and Skold 2007, A general framework for the parametrization of hierarchical models, Statistical Science
        22(1).) Whatever location and width are, effects have their prior, and the posterior is the same.

        Parameters
        ----------
        name : str
        scale : tensor
        told : tuple
            What tracks say of an effect, all else given: with which sd, and what it is.
        dims : tuple of str

        Returns
        -------
        tensor
        """
        pm = self.dialect.module
        spread, surplus = told
        if self.form == "centred":
            location, width, raw_mean, raw_sd = surplus, 1.0, -surplus, scale
        elif self.form == "non_centred":
            location, width, raw_mean, raw_sd = 0.0, scale, 0.0, 1.0
        else:
            root = pm.math.sqrt(scale**2 + spread**2)
            location, width = (scale / root) ** 2 * surplus, scale * spread / root
            raw_mean, raw_sd = -surplus * scale / (spread * root), root / spread
        raw = pm.Normal(f"{name}_raw", raw_mean, raw_sd, dims=dims)
        return pm.Deterministic(name, location + width * raw, dims=dims)
