"""What is ranked: parameters, the likelihood of the tracks, and tracks that come later.

A quantity of data and parameters, the likelihood here, shows faults to which the parameters alone are blind: a
posterior that never looked at the data is the prior, and every parameter ranks evenly in that (Modrák, Moon, Kim,
Bürkner, Huurre, Faltejsková, Gelman and Vehtari 2023, Bayesian Analysis, doi:10.1214/23-BA1404).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from prior_corpora import GENRES
from scipy.special import gammaln, ndtr

from schemas.statistics import Statistics
from tasks.mixture import Mixture
from tasks.predict.levels import Published, student_centres
from tasks.predictive import Draws, Known, conditional

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from prior_corpora import Drawn
    from variants import Variant

    Floats = NDArray[np.float64]

KNOWN, NEW = "next tracks, known artists", "next tracks, new artists"
# What a normal with the mean and sd of artists.parquet covers.
TABLES = ("artists.parquet: effect", "artists.parquet: mean", "artists.parquet: next track")


def scalars(variant: Variant, drawn: Drawn) -> list[tuple[str, str, tuple[int, ...], float]]:
    """Return the parameters: what each is called, its variable, where it is in that, and its true value."""
    blocks = sorted({variant.block_of(name) for name in variant.features})
    labels = {
        "beta": (variant.features,),
        "genre_effect": (GENRES,),
        "slope_deviation": (GENRES, variant.features),
        "tau_block": (blocks,),
        "tau_slope": (blocks,),
    }
    found = []
    for name, values in drawn.truth.items():
        for at in np.ndindex(values.shape if name != "artist_effect" else (0,)):
            inside = ", ".join(of[place] for of, place in zip(labels.get(name, ()), at, strict=True))
            found.append((f"{name}[{inside}]" if at else name, name, at, float(values[at])))
    return found


def rank(truth: float, draws: Floats) -> int:
    """Return how many draws lie below."""
    return int((draws < truth).sum())


def effect_ranks(truth: Floats, draws: Floats) -> NDArray[np.int64]:
    """Return the rank of each artist's effect, shape (J,)."""
    ranks: NDArray[np.int64] = (draws < truth).sum(axis=0)
    return ranks


def log_likelihoods(drawn: Drawn, draws: dict[str, Floats]) -> tuple[float, Floats]:
    """Return log p(tracks | parameters) of the truth, and of each draw."""
    return float(
        _log_likelihood(drawn, {name: value[None] for name, value in drawn.truth.items()})[0]
    ), _log_likelihood(drawn, draws)


def _theta(draws: dict[str, Floats]) -> Floats:
    names = [name for name in ("mu", "beta", "genre_effect", "slope_deviation") if name in draws]
    return np.column_stack([draws[name].reshape(len(draws["mu"]), -1) for name in names])


def _log_likelihood(drawn: Drawn, draws: dict[str, Floats]) -> Floats:
    expected = _theta(draws) @ drawn.z.T
    if "artist_effect" in draws:
        expected += draws["artist_effect"][:, drawn.layout.artist]
    sigma = draws["sigma"][:, None]
    score = (drawn.popularity - expected) / sigma
    if "nu" not in draws:
        log_p = -np.log(sigma) - score**2 / 2
    else:
        nu = draws["nu"][:, None]
        constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - np.log(nu) / 2
        log_p = constant - np.log(sigma) - (nu + 1) / 2 * np.log1p(score**2 / nu)
    total: Floats = log_p.sum(axis=1)
    return total


def later_places(drawn: Drawn, grouped: Path, flat: dict[str, Floats], centre: float) -> dict[str, Floats]:
    """Return where later tracks lie in their predictive distributions, as `encore predict` makes them: from 0 to 1."""
    statistics = Statistics.load(grouped / "statistics")
    size = len(statistics.counts)
    more = len(drawn.later) - size
    theta = _theta(flat)
    theta[:, 0] -= centre
    draws = Draws(theta, flat["sigma"], flat.get("tau", np.zeros(len(theta))))
    nobody = np.zeros((more, theta.shape[1] + 1))
    known = Known(np.concatenate([statistics.counts, np.zeros(more)]), np.vstack([statistics.means, nobody]))
    if "nu" in flat:
        names = [*(str(at) for at in range(size)), *[None] * more]
        effects = {str(at): flat["artist_effect"][:, at] for at in range(size)}
        centres = student_centres(draws, known, drawn.new_z, names, Published(effects, {}), 1)
        mixture = Mixture(centres, draws.sigma[:, None], flat["nu"][:, None])
    else:
        mixture = Mixture(*conditional(draws, known, drawn.new_z))
    places = mixture.cdf(drawn.later - centre)
    # Without pooling, nothing is said of artists whom nobody has seen.
    return {KNOWN: places[:size]} | ({NEW: places[size:]} if drawn.predicts_new_artists else {})


def table_places(drawn: Drawn, path: Path) -> dict[str, Floats]:
    """Return where effects, levels and next tracks lie in normals with the means and sds of the table: from 0 to 1."""
    import pyarrow.parquet as pq

    read = pq.read_table(path)
    table = {name: read[name].to_numpy() for name in read.column_names if name != "artist"}
    places = {
        TABLES[1]: (drawn.level - table["mean"]) / table["sd"],
        TABLES[2]: (drawn.alike - table["next_mean"]) / table["next_sd"],
    }
    if "artist_effect" in drawn.truth:
        places[TABLES[0]] = (drawn.truth["artist_effect"] - table["effect_mean"]) / table["effect_sd"]
    return {name: ndtr(score) for name, score in places.items()}
