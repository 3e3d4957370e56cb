"""At its extremes pooling is ordinary regression, and separate means.

Monte Carlo error is all that may differ: 4.5 standard errors over some 20 numbers, a false alarm in about 7,000 runs of
other seeds. The seeds are fixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import xarray as xr
from simulated_rows import simulate, write_grouped

from schemas.parameters import SampleParameters
from schemas.priors import Priors
from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    from pathlib import Path

ERRORS = 4.5
# So wide that nothing is shrunk.
WIDE = Priors(mu="normal(50, 10000)", tau_block="lognormal(8, 0.1)", tau_genre="lognormal(8, 0.1)")


def test_complete_pooling_is_ordinary_regression(tmp_path: Path) -> None:
    corpus = simulate(31, 80, genres=False)
    (tmp_path / "out").mkdir()
    parameters = SampleParameters(pooling="complete", priors=WIDE)
    sample_posterior(write_grouped(corpus, tmp_path / "grouped"), parameters, tmp_path / "out")
    draws = xr.load_datatree(tmp_path / "out" / "posterior.nc", engine="h5netcdf")["posterior"].to_dataset()
    assert set(draws.data_vars) == {"mu", "sigma", "tau_block", "beta"}
    theta = np.column_stack([draws["mu"].to_numpy().reshape(-1, 1), draws["beta"].to_numpy().reshape(-1, 5)])
    estimate, residual, *_ = np.linalg.lstsq(corpus.z, corpus.popularity)
    count, size = corpus.z.shape
    error = np.sqrt(np.diag(np.linalg.inv(corpus.z.T @ corpus.z)) * residual[0] / (count - size))
    assert (np.abs(theta.mean(axis=0) - estimate) / (error / np.sqrt(len(theta)))).max() < ERRORS
    # The posterior sd is the standard error, but for the uncertainty of sigma, of order 1 / N.
    assert np.abs(theta.std(axis=0) / error - 1).max() < ERRORS * np.sqrt(0.5 / len(theta)) + 2 / count


def test_no_pooling_is_a_mean_for_each_artist(tmp_path: Path) -> None:
    corpus = simulate(32, 80, features=False, genres=False)
    (tmp_path / "out").mkdir()
    sample_posterior(write_grouped(corpus, tmp_path / "grouped"), SampleParameters(pooling="none"), tmp_path / "out")
    artists = pq.read_table(tmp_path / "out" / "artists.parquet").to_pandas()
    means = np.array([corpus.popularity[corpus.artist == number].mean() for number in range(80)])
    counts = np.bincount(corpus.artist)
    np.testing.assert_allclose(artists["mean"], means, atol=0.02)
    within = ((corpus.popularity - means[corpus.artist]) ** 2).sum() / (len(corpus.artist) - 80)
    # Each artist's sd is sigma / sqrt(n); sigma's posterior mean of squares is near the within-artist variance.
    np.testing.assert_allclose(artists["sd"], np.sqrt(within / counts), rtol=0.02)
