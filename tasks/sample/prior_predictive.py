"""What the priors expect of a corpus like this one before any popularity is seen, beside what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tasks.sample.scales import resolved, scales_for
from tasks.sample.spread import Spread, variance_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.parameters import SampleParameters
    from schemas.priors import Prior
    from tasks.sample.grouped import Grouped

    Floats = NDArray[np.float64]

_DRAWS = 1000
_TRACKS = 200  # simulated for each draw
_PROBABILITIES = (0.05, 0.5, 0.95)
# Heavy tails reach any number; beyond this many points there is nothing to tell apart.
_LARGEST = 1e6
_LEAST_NU = 2.0  # below it, errors have no variance


class _Corpora(NamedTuple):
    """Parameters drawn from the priors, of S corpora; the intercept relative to the mean popularity."""

    theta: Floats
    tau: Floats
    sigma: Floats
    nu: Floats | None

    @property
    def noise(self) -> Floats:
        """Variance of the errors, shape (S,)."""
        if self.nu is None:
            return self.sigma**2
        with np.errstate(divide="ignore"):
            return np.minimum(self.sigma**2 * self.nu / (self.nu - _LEAST_NU), _LARGEST**2)


def prior_predictive(grouped: Grouped, parameters: SampleParameters) -> dict[str, dict[str, float]]:
    """Draw parameters from the priors, and say what corpora they would make of these artists and tracks.

    Variances over tracks and over artists are the expected ones given the parameters, from the sums alone; means of
    the corpus and of genres are drawn, with the covariances that shared artists and tracks give them (Gabry, Simpson,
    Vehtari, Betancourt and Gelman 2019, Visualization in Bayesian workflow, J. R. Stat. Soc. A 182(2), on what the
    check is for).

    Parameters
    ----------
    grouped : Grouped
    parameters : SampleParameters

    Returns
    -------
    dict
        ``mean``, ``sd_of_tracks``, ``sd_of_artist_means``, ``sd_of_genre_means`` (of the genres there are), all in
        points, and ``share_outside``, the share of tracks below 0 or above 100, to ``low, median, high`` (5 %, 50 %,
        95 %) and ``observed``.
    """
    # A stream of its own, so that nothing else depends on it; predictions have 3 and 4.
    generator = np.random.default_rng([parameters.seed, 5])
    design, spread = grouped.design, Spread.of(grouped.statistics)
    corpora = _draw(grouped, parameters, generator)
    theta, tau, noise = corpora.theta, corpora.tau, corpora.noise
    artists = spread.over_artists()
    across = np.sqrt(variance_of(theta, spread.over_tracks()[:-1, :-1]))
    own = float(spread.by_squared_count[0, 0]) / spread.tracks**2
    of_tracks = across**2 + tau**2 * (1 - own) + noise * (1 - 1 / spread.tracks)
    per_artist = float((grouped.statistics.artists_of_size / grouped.statistics.sizes).sum()) / spread.artists
    of_artists = variance_of(theta, artists[:-1, :-1]) + (tau**2 + noise * per_artist) * (1 - 1 / spread.artists)
    expected = theta @ spread.mean()[:-1] + design.popularity_mean
    jitter = np.sqrt(tau**2 * own + noise / spread.tracks) * generator.standard_normal(_DRAWS)
    simulated = {
        "mean": (expected + jitter, design.popularity_mean),
        "sd_of_tracks": (np.sqrt(of_tracks), design.popularity_sd),
        "sd_of_artist_means": (np.sqrt(of_artists), float(np.sqrt(artists[-1, -1]))),
    }
    columns = [position for position, column in enumerate(design.columns) if column.kind == "genre"]
    if columns:
        means, observed = _genre_means(spread, np.array(columns), corpora, generator)
        simulated["sd_of_genre_means"] = (means.std(axis=1), float(observed.std()))
    outside = _share_outside(expected, np.hypot(across, tau), corpora, generator)
    simulated["share_outside"] = (outside, 0.0)  # what is outside does not pass ingest
    return {name: _summary(values, observed) for name, (values, observed) in simulated.items()}


def _draw(grouped: Grouped, parameters: SampleParameters, generator: np.random.Generator) -> _Corpora:
    scales = scales_for(grouped.design, parameters)
    values = np.empty((_DRAWS, len(scales.free)))
    for position, scale in enumerate(scales.free):
        values[:, position] = _from(scale.prior, generator)
        if scale.prior.relative:
            values[:, position] *= values[:, 0]
    theta = generator.standard_normal((_DRAWS, len(scales.group)))
    mean, sd = scales.intercept.arguments
    # The intercept has a prior of its own, group 0; k + 1 is the scale free[k].
    theta *= np.column_stack([np.full(_DRAWS, sd), values])[:, scales.group]
    theta[:, 0] += mean
    named = [scale.name for scale in scales.free]
    tau = values[:, named.index("tau")] if "tau" in named else np.full(_DRAWS, scales.fixed_tau or 0.0)
    nu = None
    if parameters.likelihood == "student_t":
        pool = _from(resolved(parameters.priors, grouped.design)["nu"], generator, 20 * _DRAWS)
        above = pool[pool > _LEAST_NU]
        nu = np.resize(above if len(above) else np.array([_LEAST_NU]), _DRAWS)
    return _Corpora(theta, tau, values[:, 0], nu)


def _from(prior: Prior, generator: np.random.Generator, count: int = _DRAWS) -> Floats:
    """Draw from a prior on positive numbers."""
    first, *rest = prior.arguments
    match prior.family:
        case "exponential":
            drawn = generator.exponential(1 / first, count)
        case "half_normal":
            drawn = first * np.abs(generator.standard_normal(count))
        case "half_cauchy":
            drawn = first * np.abs(generator.standard_cauchy(count))
        case "half_student_t":
            drawn = rest[0] * np.abs(generator.standard_t(first, count))
        case "gamma":
            drawn = generator.gamma(first, 1 / rest[0], count)
        case "lognormal":
            with np.errstate(over="ignore"):
                drawn = np.exp(generator.normal(first, rest[0], count))
        case _:
            message = f"{prior} is not a prior of a scale"
            raise ValueError(message)
    return np.minimum(drawn, _LARGEST)


def _genre_means(
    spread: Spread, columns: NDArray[np.int64], corpora: _Corpora, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw the mean popularity of each genre, shape (S, G), and return those observed, shape (G,)."""
    size = spread.cross[columns, 0]
    block = np.ix_(columns, columns)
    pair = np.outer(size, size)
    means = corpora.theta @ (spread.cross[columns, :-1] / size[:, None]).T
    # An artist's effect reaches a genre as often as the artist has tracks in it, an error once.
    for sd, shared in ((corpora.tau, spread.by_squared_count[block]), (np.sqrt(corpora.noise), spread.cross[block])):
        means += sd[:, None] * (generator.standard_normal(means.shape) @ _root(shared / pair))
    return means, spread.cross[columns, -1] / size


def _root(covariance: Floats) -> Floats:
    """Return the symmetric square root of a covariance that may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root


def _share_outside(expected: Floats, sd: Floats, corpora: _Corpora, generator: np.random.Generator) -> Floats:
    """Return the share of tracks of each corpus that lie outside 0..100, of simulated ones."""
    shape = (_DRAWS, _TRACKS)
    errors = (
        generator.standard_normal(shape) if corpora.nu is None else generator.standard_t(corpora.nu[:, None], shape)
    )
    tracks = expected[:, None] + sd[:, None] * generator.standard_normal(shape) + corpora.sigma[:, None] * errors
    share: Floats = ((tracks < 0) | (tracks > 100)).mean(axis=1)  # noqa: PLR2004 - popularity ends there
    return share


def _summary(values: Floats, observed: float) -> dict[str, float]:
    low, median, high = np.quantile(values, _PROBABILITIES)
    return {"low": float(low), "median": float(median), "high": float(high), "observed": observed}
