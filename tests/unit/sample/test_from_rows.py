"""Draws of every parameter, summed up a few artists at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import stats
from small import make_rows

from schemas.parameters import SampleParameters
from tasks.sample import from_rows as module
from tasks.sample.from_rows import from_rows
from tasks.sample.nuts import Chains
from tasks.sample.posterior import new_artist, write_artists, write_netcdf

if TYPE_CHECKING:
    from pathlib import Path

    from small import Rows

    from tasks.sample.posterior import Posterior

CHAINS, DRAWS = 2, 150


def some_draws(*, tails: bool, artists: bool = True) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)

    def normal(centre: float, sd: float, *shape: int) -> np.ndarray:
        return generator.normal(centre, sd, (CHAINS, DRAWS, *shape))

    draws = {
        "mu": normal(50, 2),
        "sigma": np.exp(normal(2.3, 0.1)),
        "tau_block": np.exp(normal(0, 1, 2)),
        "tau_genre": np.exp(normal(0, 1)),
        "tau_slope": np.exp(normal(0, 1, 2)),
        "beta": normal(1, 2, 3),
        "genre_effect": normal(0, 3, 2),
        "slope_deviation": normal(0, 1, 2, 3),
    }
    if tails:
        draws["nu"] = 2 + np.exp(normal(0, 1))
    if artists:
        draws |= {"tau": np.exp(normal(2, 0.2)), "artist_effect": normal(0, 8, 12)}
    return draws


@pytest.fixture
def corpus() -> Rows:
    return make_rows(7, slopes=True)


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold 5 of the 12 artists at once."""
    monkeypatch.setattr(module, "_PARTS", 5 * CHAINS * DRAWS)


def summed_up(corpus: Rows, draws: dict[str, np.ndarray], limit: int = 4) -> Posterior:
    likelihood = "student_t" if "nu" in draws else "normal"
    parameters = SampleParameters.model_validate({"engine": "rows", "likelihood": likelihood, "artist_draws": limit})
    return from_rows(corpus.grouped, Chains(draws, {}), parameters)


def levels(corpus: Rows, draws: dict[str, np.ndarray]) -> np.ndarray:
    """Return draws of every artist's level from the rows, shape (S, J)."""
    flat = {name: draw.reshape(CHAINS * DRAWS, -1) for name, draw in draws.items()}
    theta = np.hstack([flat["mu"] - 50, flat["beta"], flat["genre_effect"], flat["slope_deviation"]])
    zbar = np.array([corpus.z[corpus.artist == artist].mean(axis=0) for artist in range(12)])
    return 50 + theta @ zbar.T + flat.get("artist_effect", np.zeros((1, 12)))


@pytest.mark.parametrize("tails", [False, True])
def test_every_artist_is_summed_up(corpus: Rows, tails: bool) -> None:  # noqa: FBT001 - a parameter of the test
    draws = some_draws(tails=tails)
    posterior = summed_up(corpus, draws)
    level, effect = levels(corpus, draws), draws["artist_effect"].reshape(-1, 12)
    for ours, theirs in ((posterior.level, level), (posterior.effect, effect)):
        np.testing.assert_allclose(ours.mean, theirs.mean(axis=0))
        np.testing.assert_allclose(ours.sd, theirs.std(axis=0))
    most = np.sort(np.argsort(-corpus.grouped.statistics.counts, kind="stable")[:4])
    np.testing.assert_array_equal(posterior.draws["artist_effect"], draws["artist_effect"][..., most])
    assert posterior.artists == [corpus.grouped.artists[place] for place in most]
    assert (posterior.intervals is not None) == tails


def test_with_tails_ends_are_those_of_draws_and_of_the_mixture(corpus: Rows, tmp_path: Path) -> None:
    draws = some_draws(tails=True)
    level = levels(corpus, draws)
    write_artists(corpus.grouped, summed_up(corpus, draws), 0.9, tmp_path / "artists.parquet")
    table = pq.read_table(tmp_path / "artists.parquet").to_pandas()
    for name, tail in (("low", 0.05), ("high", 0.95)):
        np.testing.assert_allclose(table[name], np.quantile(level, tail, axis=0))
        standard = (table[f"next_{name}"].to_numpy() - level) / draws["sigma"].reshape(-1, 1)
        inside = (table[f"next_{name}"] > 0) & (table[f"next_{name}"] < 100)
        found = stats.t.cdf(standard, draws["nu"].reshape(-1, 1)).mean(axis=0)
        np.testing.assert_allclose(found[inside], tail, atol=1e-8)
        assert inside.sum() > 6
    variance = np.median(draws["sigma"] ** 2 * draws["nu"] / (draws["nu"] - 2))
    np.testing.assert_allclose(table["next_sd"], np.sqrt(level.var(axis=0) + variance))
    np.testing.assert_allclose(table["next_mean"], level.mean(axis=0))


@pytest.mark.parametrize("pooled", [False, True])
def test_an_artist_nobody_has_seen_is_a_draw_from_all(corpus: Rows, pooled: bool) -> None:  # noqa: FBT001 - as above
    # Orders in which effects are spread over 300 draws move the ends by 0.02 points (sd over 30 seeds); the mean too.
    draws = some_draws(tails=True, artists=not pooled)
    posterior = summed_up(corpus, draws)
    found = new_artist(posterior, 0.5)
    flat = {name: draw.reshape(CHAINS * DRAWS, -1) for name, draw in draws.items()}
    theta = np.hstack([flat["mu"] - 50, flat["beta"], flat["genre_effect"], flat["slope_deviation"]])
    centre = 50 + theta @ corpus.z.mean(axis=0)
    generator = np.random.default_rng(6)
    shape = (20_000, CHAINS * DRAWS)
    tau = flat["tau"][:, 0] if not pooled else 0.0
    tracks = centre + tau * generator.standard_normal(shape)
    tracks += flat["sigma"][:, 0] * generator.standard_t(flat["nu"][:, 0], shape)
    assert found["low"] == pytest.approx(np.quantile(tracks, 0.25), abs=0.1)
    assert found["high"] == pytest.approx(np.quantile(tracks, 0.75), abs=0.1)
    assert found["mean"] == pytest.approx(centre.mean(), abs=0.1)
    assert found == new_artist(summed_up(corpus, draws), 0.5)


@pytest.mark.parametrize("limit", [0, 12])
def test_what_is_stored_can_be_read(corpus: Rows, limit: int, tmp_path: Path) -> None:
    import xarray as xr

    posterior = summed_up(corpus, some_draws(tails=True), limit)
    write_netcdf(corpus.grouped, posterior, ({}, {}), {}, tmp_path / "posterior.nc")
    found = xr.load_datatree(tmp_path / "posterior.nc", engine="h5netcdf")["posterior"].to_dataset()
    assert found["nu"].dims == ("chain", "draw")
    assert found["slope_deviation"].dims == ("chain", "draw", "genre", "feature")
    assert found["tau_slope"].dims == ("chain", "draw", "block")
    assert found.sizes.get("artist", 0) == limit
