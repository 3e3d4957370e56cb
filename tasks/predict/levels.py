"""Where tracks of artists lie given each draw of the posterior: artist effects on request, and errors with tails."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tasks.predictive import Draws, Known

    Floats = NDArray[np.float64]

_EFFECT_STREAM, _SCORE_STREAM = 3, 4  # `sample` has streams 1 and 2 of the same seed


def _stream(seed: int, stream: int, name: str | None) -> np.random.Generator:
    """Return random numbers of an artist's own: they do not depend on who else is asked for."""
    own = int.from_bytes(sha256((name or "").encode()).digest()[:16])
    return np.random.default_rng([seed, stream, own])


def effect_draws(draws: Draws, known: Known, names: Sequence[str], seed: int) -> Floats:
    """Draw the effects of artists: a_j | theta, h ~ N(w_j (ybar_j - zbar_j' theta), tau^2 (1 - w_j)).

    Parameters
    ----------
    draws : Draws
        S of them.
    known : Known
        Of C artists, each with a track or more.
    names : sequence of str, length C
    seed : int

    Returns
    -------
    ndarray, shape (S, C)
    """
    effects = np.empty((len(draws.sigma), len(names)))
    own = draws.tau**2
    # One artist at a time: a product of two matrices rounds an artist's row by how many others there are.
    for place, (name, count, mean) in enumerate(zip(names, known.counts, known.means, strict=True)):
        weight = own / (own + draws.sigma**2 / count)
        noise = _stream(seed, _EFFECT_STREAM, name).standard_normal(len(own))
        effects[:, place] = weight * (mean[-1] - draws.theta @ mean[:-1]) + np.sqrt(own * (1 - weight)) * noise
    return effects


@dataclass(frozen=True)
class Published:
    """What a publication says of artists whose effects cannot be drawn from sums.

    Parameters
    ----------
    effects : mapping of str to ndarray, shape (S,)
        Draws of ``artist_effect``, of those artists that have any.
    levels : mapping of str to ndarray, shape (2,)
        Mean and sd of the level zbar_j' theta + a_j, relative to the corpus mean of popularity.
    """

    effects: Mapping[str, Floats]
    levels: Mapping[str, Floats]


def student_centres(
    draws: Draws, known: Known, z: Floats, names: Sequence[str | None], published: Published, seed: int
) -> Floats:
    """Return where tracks with errors of Student's t lie, given each draw.

    There are no sums that give an artist's effect given the scales, so that it comes from what was published: its
    draws; for other artists the mean and sd of its level, taken as normal and as independent of what the track differs
    by, (z - zbar_j)' theta; for artists nobody has seen N(0, tau^2). Normals are spread over the draws as normal
    scores, in an order of the artist's own.

    Parameters
    ----------
    draws : Draws
        S of them.
    known : Known
        Of C artists.
    z : ndarray, shape (C, D)
        The row of each track.
    names : sequence of str or None, length C
    published : Published
    seed : int

    Returns
    -------
    ndarray, shape (S, C)
        Relative to the corpus mean of popularity, in points.
    """
    from scipy.special import ndtri

    count = len(draws.sigma)
    scores = ndtri((np.arange(count) + 0.5) / count)
    centres = draws.theta @ z.T
    for place, name in enumerate(names):
        if name is not None and name in published.effects:
            centres[:, place] += published.effects[name]
            continue
        spread = _stream(seed, _SCORE_STREAM, name).permutation(scores)
        if name is not None and name in published.levels:
            mean, sd = published.levels[name]
            centres[:, place] += mean + sd * spread - draws.theta @ known.means[place, :-1]
        else:
            centres[:, place] += draws.tau * spread
    return centres
