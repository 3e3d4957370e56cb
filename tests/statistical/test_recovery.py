"""What a corpus was simulated from is found again, with or without slopes by genre.

Each true value lies within 4.5 posterior sds of its posterior mean, and the squared distances are as large as they
should be on average: over the some 1,300 numbers here, a false alarm in about 100 runs of other seeds. The seeds are
fixed, so it is none or always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray as xr
from simulated_rows import simulate, write_grouped

from schemas.parameters import SampleParameters
from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    from pathlib import Path

SDS = 4.5


@pytest.mark.parametrize("slopes", [False, True], ids=["common slopes", "slopes by genre"])
def test_parameters_are_recovered(slopes: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    corpus = simulate(21, 600, slopes=slopes)
    (tmp_path / "out").mkdir()
    sample_posterior(
        write_grouped(corpus, tmp_path / "grouped"), SampleParameters(draws=500, artist_draws=600), tmp_path / "out"
    )
    posterior = xr.load_datatree(tmp_path / "out" / "posterior.nc", engine="h5netcdf")["posterior"].to_dataset()
    names = ["sigma", "tau", "beta", "genre_effect", "artist_effect", *(["slope_deviation"] if slopes else [])]
    truth = corpus.truth
    # Genre effects are around their own mean, which the intercept takes up.
    draws = {name: posterior[name].to_numpy().reshape(2000, -1) for name in names}
    expected = {name: np.atleast_1d(getattr(truth, name)).reshape(-1) for name in names}
    draws["genre_effect"] -= draws["genre_effect"].mean(axis=1, keepdims=True)
    expected["genre_effect"] = expected["genre_effect"] - expected["genre_effect"].mean()
    for name in names:
        distance = (draws[name].mean(axis=0) - expected[name]) / draws[name].std(axis=0)
        assert np.abs(distance).max() < SDS, name
    artists = pq.read_table(tmp_path / "out" / "artists.parquet").to_pandas()
    zbar = np.array([corpus.z[corpus.artist == number].mean(axis=0) for number in range(600)])
    theta = [truth.mu, *truth.beta, *truth.genre_effect, *(truth.slope_deviation.ravel() if slopes else ())]
    distance = (artists["mean"].to_numpy() - zbar @ np.array(theta) - truth.artist_effect) / artists["sd"].to_numpy()
    assert np.abs(distance).max() < SDS
    # 600 squared standard normal distances have mean 1 with sd 0.058, more so as they share theta: 4.5 of 0.07.
    assert abs((distance**2).mean() - 1) < SDS * 0.07
    inside = (np.abs(distance) < 1.6449).mean()
    assert abs(inside - 0.9) < SDS * np.sqrt(0.09 / 600)
