"""The collapsed engine against the row-by-row model in PyMC on the committed corpus: 5,849 tracks, 1,255 artists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray as xr

from schemas.parameters import GroupParameters, IngestParameters, SampleParameters
from tasks.group.grouping import group_tracks
from tasks.ingest.corpus import ingest_corpus
from tasks.ingest.sources import find_sources
from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    from pathlib import Path

# 1,300 scalars, a mean and a sd each: beyond 5.5 standard errors somewhere in one of 10,000 runs of other seeds.
ERRORS = 5.5


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_rows_and_sums_agree_on_real_tracks(sample_corpus: Path, tmp_path: Path) -> None:
    import arviz_stats

    for step in ("ingested", "grouped", "collapsed", "rows"):
        (tmp_path / step).mkdir()
    ingest_corpus(find_sources([str(sample_corpus)]), IngestParameters(), tmp_path / "ingested")
    group_tracks(tmp_path / "ingested", GroupParameters(), tmp_path / "grouped", keep_rows=True)
    posteriors, errors = [], []
    for engine, tune in (("collapsed", 500), ("rows", 1000)):
        sample_posterior(tmp_path / "grouped", SampleParameters(engine=engine, tune=tune), tmp_path / engine)
        draws = xr.load_datatree(tmp_path / engine / "posterior.nc", engine="h5netcdf")["posterior"].to_dataset()
        posteriors.append(draws)
        errors.append({method: arviz_stats.mcse(draws, method=method) for method in ("mean", "sd")})
    collapsed, rows = posteriors
    for name in collapsed.data_vars:
        for method, statistic in (("mean", "mean"), ("sd", "std")):
            ours, theirs = (getattr(draws[name], statistic)(("chain", "draw")) for draws in (collapsed, rows))
            error = np.hypot(errors[0][method][name], errors[1][method][name])
            assert float(np.abs((ours - theirs) / error).max()) < ERRORS, f"{method} of {name}"
    tables = [pq.read_table(tmp_path / engine / "artists.parquet").to_pandas() for engine in ("collapsed", "rows")]
    assert np.abs(tables[0]["mean"] - tables[1]["mean"]).max() < 0.2 * tables[0]["sd"].max()
