"""Corpora drawn from the prior: parameters first, then tracks, as `group` would find them after ingest.

Nothing here calls the code that is calibrated. Features are standardised by this module's own arithmetic, genres shared
out by it, and popularity is left as the model draws it, beyond 0 and 100 too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit
from simulated import Tracks

from schemas.distributions import parse_prior

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from variants import Variant

    Floats = NDArray[np.float64]

GENRES = ("folk", "jazz", "metal")
NEW_ARTISTS = 10
_LEAST_NU = 2.0


@dataclass(frozen=True)
class Layout:
    """All that is given and not modelled.

    Parameters
    ----------
    artist : ndarray of int, shape (N,)
    features : ndarray, shape (N, F)
        In their own units.
    shares : ndarray, shape (N, G)
        Of each genre in each track; rows add up to 1.
    new_features, new_shares : ndarray, shapes (J + NEW_ARTISTS, F) and (J + NEW_ARTISTS, G)
        A later track of each artist, and one of each of some new ones.
    """

    artist: NDArray[np.int64]
    features: Floats
    shares: Floats
    new_features: Floats
    new_shares: Floats

    def rows(self, *, slopes: bool) -> tuple[Floats, Floats]:
        """Return Z of the tracks and of the later ones: 1, standardised features, shares, and their products."""
        mean, sd = self.features.mean(axis=0), self.features.std(axis=0)

        def made(features: Floats, shares: Floats) -> Floats:
            z = (features - mean) / sd
            products = (shares[:, :, None] * z[:, None, :]).reshape(len(z), -1) if slopes else z[:, :0]
            return np.hstack([np.ones((len(z), 1)), z, shares, products])

        return made(self.features, self.shares), made(self.new_features, self.new_shares)


@dataclass(frozen=True)
class Drawn:
    """A corpus from the prior, what it came from, and what comes later.

    Parameters
    ----------
    tracks : Tracks
    layout : Layout
    truth : dict of str to ndarray
        By published name, shaped as published.
    z, new_z : ndarray, shapes (N, D) and (J + NEW_ARTISTS, D)
    popularity, later : ndarray, shapes (N,) and (J + NEW_ARTISTS,)
    level, alike : ndarray, shape (J,)
        What is expected of a track like the artist's own, and such a track.
    predicts_new_artists : bool
        Whether the model says how artists differ.
    """

    tracks: Tracks
    layout: Layout
    truth: dict[str, Floats]
    z: Floats
    new_z: Floats
    popularity: Floats
    later: Floats
    level: Floats
    alike: Floats
    predicts_new_artists: bool


def layout(variant: Variant, generator: np.random.Generator) -> Layout:
    """Draw artists, features and genres: few artists with many tracks, and genres and features that go with artists."""
    while True:
        artists = variant.artists
        counts = np.minimum(generator.geometric(0.25, artists), 20)
        counts[:3] = 1, 2, 14  # whose effects are looked at one by one
        artist = np.repeat(np.arange(artists), counts)
        everyone = np.concatenate([artist, np.arange(artists + NEW_ARTISTS)])
        features = _features(variant.features, everyone, generator)
        home = generator.integers(0, len(GENRES), artists + NEW_ARTISTS)[everyone]
        away = generator.random(len(everyone)) < 0.4
        first = np.where(away, generator.integers(0, len(GENRES), len(everyone)), home)
        second = np.where(generator.random(len(everyone)) < 0.15, (first + 1) % len(GENRES), first)
        shares = (np.eye(len(GENRES))[first] + np.eye(len(GENRES))[second]) / 2
        made = Layout(
            artist,
            features[: len(artist)],
            shares[: len(artist)],
            *(part[len(artist) :] for part in (features, shares)),
        )
        if made.shares.any(axis=0).all() and (variant.grouping.get("blocks") != "learned" or _is_learnt(made, variant)):
            return made


def _features(names: tuple[str, ...], artist: NDArray[np.int64], generator: np.random.Generator) -> Floats:
    latent = generator.normal(size=(len(artist), len(names)))
    latent += 0.7 * generator.normal(size=(artist.max() + 1, len(names)))[artist]
    if "loudness" in names:
        energy, loudness = names.index("energy"), names.index("loudness")
        latent[:, loudness] = latent[:, energy] + 0.6 * latent[:, loudness]
    return np.column_stack(
        [-9 + 3 * own if name == "loudness" else expit(own) for name, own in zip(names, latent.T, strict=True)]
    )


def _is_learnt(made: Layout, variant: Variant) -> bool:
    """Say whether energy and loudness are a cluster, and the other features none: popularity has no part in it."""
    correlation = np.abs(np.corrcoef(made.features, rowvar=False)) - np.eye(made.features.shape[1])
    pair = [variant.features.index(name) for name in ("energy", "loudness")]
    return bool(correlation[tuple(pair)] > 0.5 and np.delete(correlation, pair, axis=0).max() < 0.25)


def draw_corpus(variant: Variant, number: int) -> Drawn:
    """Draw a corpus.

    Parameters
    ----------
    variant : Variant
    number : int
        The same number gives the same corpus.

    Returns
    -------
    Drawn
    """
    generator = np.random.default_rng([20261126, number])
    made = layout(variant, np.random.default_rng(8) if variant.one_layout else generator)
    truth = _parameters(variant, generator)
    z, new_z = made.rows(slopes=variant.slopes)
    theta = np.concatenate(
        [np.ravel(truth[name]) for name in ("mu", "beta", "genre_effect", "slope_deviation") if name in truth]
    )
    effects = truth.pop("all_effects")
    if variant.pooling != "complete":
        truth["artist_effect"] = effects[: variant.artists]
    popularity = z @ theta + effects[made.artist] + _errors(truth, len(z), generator)
    later = new_z @ theta + effects + _errors(truth, len(new_z), generator)
    counts = np.bincount(made.artist)
    level = np.bincount(made.artist, z @ theta) / counts + effects[: len(counts)]
    alike = level + _errors(truth, len(counts), generator)
    tracks = _tracks(variant, made, popularity)
    return Drawn(tracks, made, truth, z, new_z, popularity, later, level, alike, variant.pooling != "none")


def _errors(truth: dict[str, Floats], count: int, generator: np.random.Generator) -> Floats:
    own = generator.standard_t(truth["nu"], count) if "nu" in truth else generator.standard_normal(count)
    return truth["sigma"] * own


def _parameters(variant: Variant, generator: np.random.Generator) -> dict[str, Floats]:
    """Draw all parameters from their priors, and the effects of all artists, new ones too."""
    sigma = draw_scale(variant.priors["sigma"], generator)

    def scale(name: str) -> float:
        own = draw_scale(variant.priors[name], generator)
        return own * sigma if parse_prior(variant.priors[name]).relative else own

    truth = {"mu": np.array(generator.normal(*parse_prior(variant.priors["mu"]).arguments)), "sigma": np.array(sigma)}
    # Without pooling, how artists are spread makes no difference to the ranks; docs/calibration.md says why.
    tau = 0.0 if variant.pooling == "complete" else scale("tau")
    if variant.pooling == "partial":
        truth["tau"] = np.array(tau)
    blocks = sorted({variant.block_of(name) for name in variant.features})
    by_block = {block: scale("tau_block") for block in blocks}
    truth["tau_block"] = np.array([by_block[block] for block in blocks])
    truth["beta"] = np.array([generator.normal(0, by_block[variant.block_of(name)]) for name in variant.features])
    truth["tau_genre"] = np.array(scale("tau_genre"))
    truth["genre_effect"] = generator.normal(0, truth["tau_genre"], len(GENRES))
    if variant.slopes:
        of_block = {block: scale("tau_slope") for block in blocks}
        truth["tau_slope"] = np.array([of_block[block] for block in blocks])
        spread = np.array([of_block[variant.block_of(name)] for name in variant.features])
        truth["slope_deviation"] = generator.normal(0, spread, (len(GENRES), len(spread)))
    if variant.student_t:
        truth["nu"] = np.array(_above(_LEAST_NU, variant.priors["nu"], generator))
    truth["all_effects"] = generator.normal(0, tau, variant.artists + NEW_ARTISTS)
    return truth


def draw_scale(prior: str, generator: np.random.Generator) -> float:
    """Draw from a prior on positive numbers; of one relative to sigma, the multiple."""
    parsed = parse_prior(prior)
    first, *rest = parsed.arguments
    match parsed.family:
        case "exponential":
            return float(generator.exponential(1 / first))
        case "half_normal":
            return float(abs(generator.normal(0, first)))
        case "half_student_t":
            return float(rest[0] * abs(generator.standard_t(first)))
        case "gamma":
            return float(generator.gamma(first, 1 / rest[0]))
        case "lognormal":
            return float(generator.lognormal(first, rest[0]))
    raise NotImplementedError(prior)


def _above(least: float, prior: str, generator: np.random.Generator) -> float:
    while (drawn := draw_scale(prior, generator)) <= least:
        pass
    return drawn


def _tracks(variant: Variant, made: Layout, popularity: Floats) -> Tracks:
    count = len(popularity)
    return Tracks(
        {
            "track_id": [f"{number:022d}" for number in range(count)],
            "artists": [[f"artist {number:04d}"] for number in made.artist],
            "genres": [[name for name, share in zip(GENRES, row, strict=True) if share] for row in made.shares],
            "popularity": list(popularity),
            **{name: list(values) for name, values in zip(variant.features, made.features.T, strict=True)},
        }
    )
