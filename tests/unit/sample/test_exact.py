"""What follows from the scales: coefficients, artist effects, and each artist's mean and sd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from schemas.parameters import SampleParameters
from tasks.sample.collapsed import CollapsedDensity
from tasks.sample.exact import draw_artist_effects, given_scales
from tasks.sample.scales import scales_for

if TYPE_CHECKING:
    from small import Rows


def joint(rows: Rows, density: CollapsedDensity, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of (theta, a) given the scales, from the rows."""
    size, artists = density.columns, rows.artist.max() + 1
    design = np.hstack([rows.z, np.eye(artists)[rows.artist]])
    sd = [density.scales.intercept.arguments[1] if g == 0 else values[g - 1] for g in density.scales.group]
    prior = np.diag(np.concatenate([sd, np.full(artists, values[1])]) ** -2.0)
    covariance = np.linalg.inv(design.T @ design / values[0] ** 2 + prior)
    assert size + artists == len(covariance)
    return covariance @ design.T @ rows.y / values[0] ** 2, covariance


@pytest.fixture
def density(rows: Rows) -> CollapsedDensity:
    return CollapsedDensity(rows.grouped.statistics, scales_for(rows.grouped.design, SampleParameters()))


def test_moments_of_artists_are_exact(rows: Rows, density: CollapsedDensity) -> None:
    # Three draws of the scales: the mixture of three normals is known in closed form from the rows.
    generator = np.random.default_rng(3)
    start = density.scales.start()
    values = np.array([density.scales.natural(start + generator.normal(0, 0.3, len(start))) for _ in range(3)])
    exact = given_scales(density, rows.grouped.statistics, values, values[:, 1], generator)
    artists = len(rows.grouped.artists)
    zbar = np.array([rows.z[rows.artist == artist].mean(axis=0) for artist in range(artists)])
    for moments, contrast in (
        (exact.level, np.hstack([zbar, np.eye(artists)])),
        (exact.effect, np.hstack([zbar * 0, np.eye(artists)])),
    ):
        parts = [joint(rows, density, scales) for scales in values]
        means = np.array([contrast @ mean for mean, _ in parts])
        variances = np.array([np.diag(contrast @ covariance @ contrast.T) for _, covariance in parts])
        np.testing.assert_allclose(moments.mean, means.mean(axis=0), atol=1e-7)
        np.testing.assert_allclose(moments.sd, np.sqrt(variances.mean(axis=0) + means.var(axis=0)), atol=1e-7)


def test_draws_have_the_moments_they_should(rows: Rows, density: CollapsedDensity) -> None:
    # 20,000 draws at fixed scales: 18 means and 18 sds, each within 4.5 standard errors (false alarm below 0.03 %).
    count = 20_000
    values = np.repeat(density.scales.natural(density.scales.start())[None], count, axis=0)
    exact = given_scales(density, rows.grouped.statistics, values, values[:, 1], np.random.default_rng(4))
    chosen = np.arange(len(rows.grouped.artists))
    effects = draw_artist_effects(
        rows.grouped.statistics, chosen, (values[:, 0], values[:, 1]), exact.draws, np.random.default_rng(5)
    )
    mean, covariance = joint(rows, density, values[0])
    draws, sd = np.hstack([exact.draws, effects]), np.sqrt(np.diag(covariance))
    assert (np.abs(draws.mean(axis=0) - mean) / (sd / np.sqrt(count))).max() < 4.5
    assert (np.abs(draws.std(axis=0) / sd - 1) / np.sqrt(0.5 / count)).max() < 4.5
    correlation = np.corrcoef(draws, rowvar=False) - covariance / np.outer(sd, sd)
    assert np.abs(correlation).max() < 5 / np.sqrt(count)
