"""Draws of every parameter to a posterior, artists a few at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.convergence import convergence
from tasks.mixture import Mixture
from tasks.sample.exact import Moments
from tasks.sample.posterior import Intervals, Posterior, average_track, coefficient_draws, unseen, with_stored_draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.parameters import SampleParameters
    from tasks.sample.grouped import Grouped
    from tasks.sample.nuts import Chains

    Floats = NDArray[np.float64]

# Parts of mixtures held at once: 2 MB an array, which a processor's cache holds.
_PARTS = 1 << 18
# `posterior` has streams 1 and 2 of the same seed, predictions 3 and 4, what the priors expect 5.
_UNSEEN_STREAM = 6
_SPREADINGS = 25


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
    theta = coefficient_draws(grouped, draws)
    chosen = with_stored_draws(grouped, parameters.artist_draws if "artist_effect" in draws else 0)
    level, effect, intervals, measured = _artists(grouped, theta, flat, parameters)
    if len(chosen):
        draws["artist_effect"] = draws["artist_effect"][..., chosen]
    else:
        draws.pop("artist_effect", None)
    tau = flat.get("tau", np.zeros(count))
    return Posterior(
        draws=draws,
        statistics=chains.statistics,
        artists=[grouped.artists[position] for position in chosen],
        level=level,
        effect=effect,
        unseen=unseen(grouped, theta, (flat["sigma"], tau))
        if "nu" not in flat
        else _unseen_with_tails(grouped, theta, flat, parameters.seed),
        intervals=intervals,
        convergence=measured,
    )


def _artists(
    grouped: Grouped, theta: Floats, flat: dict[str, Floats], parameters: SampleParameters
) -> tuple[Moments, Moments, Intervals | None, dict[str, Floats]]:
    """Return moments of every artist's level, in points, and effect; intervals where errors have tails; convergence.

    With errors of Student's t a level is skewed where tracks disagree, so that its ends are those of its draws.
    """
    artists, size = len(grouped.artists), max(1, _PARTS // len(theta))
    moments, ends = np.zeros((4, artists)), np.zeros((5, artists))
    tails = (1 - parameters.interval) / 2, (1 + parameters.interval) / 2
    measured: dict[str, list[Floats]] = {}
    for start in range(0, artists, size):
        part = slice(start, min(start + size, artists))
        level = theta @ grouped.statistics.means[part, :-1].T + grouped.design.popularity_mean
        if "artist_effect" in flat:
            effect = flat["artist_effect"][:, part]
            level += effect
            moments[2:, part] = effect.mean(axis=0), effect.std(axis=0)
            _measure("effect", effect, parameters, measured)
        moments[:2, part] = level.mean(axis=0), level.std(axis=0)
        _measure("level", level, parameters, measured)
        if "nu" in flat:
            tracks = Mixture(level, flat["sigma"][:, None], flat["nu"][:, None])
            ends[:2, part] = np.quantile(level, tails, axis=0)
            ends[2:, part] = tracks.moments()[1], *(tracks.quantile(tail) for tail in tails)
    told = {name: np.concatenate(parts) for name, parts in measured.items()}
    return Moments(*moments[:2]), Moments(*moments[2:]), Intervals(*ends) if "nu" in flat else None, told


def _measure(kind: str, draws: Floats, parameters: SampleParameters, measured: dict[str, list[Floats]]) -> None:
    """Measure draws of some artists, shape (S, n): most are not kept, and the gate asks for all."""
    values = draws.T.reshape(draws.shape[1], parameters.chains, -1)
    for name, column in convergence(values, parameters.interval).items():
        measured.setdefault(f"{kind}_{name}", []).append(column)


def _unseen_with_tails(grouped: Grouped, theta: Floats, flat: dict[str, Floats], seed: int) -> Mixture:
    """Return the next track of an artist nobody has seen, with errors of Student's t.

    The sum of a normal and a t has no name; so the artist's effect is spread over the draws as normal scores, in
    several random orders (a Latin hypercube sample of draw and effect).
    """
    from scipy.special import ndtri

    count = len(theta)
    generator = np.random.default_rng([seed, _UNSEEN_STREAM])
    centre = np.tile(average_track(grouped, theta), _SPREADINGS)
    if "tau" in flat:
        scores = ndtri((np.arange(count) + 0.5) / count)
        orders = np.concatenate([generator.permutation(scores) for _ in range(_SPREADINGS)])
        centre = centre + np.tile(flat["tau"], _SPREADINGS) * orders
    sigma, nu = (np.tile(flat[name], _SPREADINGS)[:, None] for name in ("sigma", "nu"))
    return Mixture(centre[:, None], sigma, nu)
