"""The collapsed engine and the row-by-row model in PyMC have one posterior.

Means and sds of every parameter and of every artist, each within 5 standard errors of the difference; over some 250
comparisons that is a false alarm in about 7,000 runs of different seeds. The seeds are fixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr

from schemas.parameters import GroupParameters, SampleParameters
from schemas.priors import Priors
from schemas.reports import IngestReport, RowCounts
from schemas.tracks import arrow_schema
from tasks.group.grouping import group_tracks
from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    from pathlib import Path

FEATURES = ("energy", "loudness", "valence")
ERRORS = 5.0


def ingested(folder: Path, artists: int = 30) -> Path:
    """Simulate a small corpus and write it as ingest would."""
    generator = np.random.default_rng(11)
    artist = np.repeat(np.arange(artists), generator.integers(1, 9, artists))
    count = len(artist)
    features = {name: generator.uniform(0, 1, count) for name in FEATURES}
    genre = generator.integers(0, 3, count)
    popularity = (
        50
        + 15 * (features["energy"] - 0.5)
        + np.array([-8.0, 0.0, 8.0])[genre]
        + generator.normal(0, 7, artists)[artist]
        + generator.normal(0, 9, count)
    ).clip(0, 100)
    known = {
        "artists": [[f"artist {number:02d}"] for number in artist],
        "genres": [[f"genre {number}"] for number in genre],
        "popularity": popularity,
        **features,
    }
    columns = [
        pa.array(known[field.name], field.type)
        if field.name in known
        else pa.array(range(count), field.type)
        if not field.nullable
        else pa.nulls(count, field.type)
        for field in arrow_schema()
    ]
    (folder / "tracks").mkdir(parents=True)
    pq.write_table(pa.table(columns, schema=arrow_schema()), folder / "tracks" / "part-00000.parquet")
    report = IngestReport(
        sources=(),
        rows=RowCounts(rows_in=count, kept=count, repeats=0, quarantined=0),
        reasons={},
        columns=tuple(known),
        conflicts=0,
        mean_popularity=float(popularity.mean()),
        share_of_zeros=0,
    )
    (folder / "report.json").write_text(report.model_dump_json(), encoding="utf-8")
    return folder


@pytest.mark.timeout(600)  # the row engine compiles for most of a minute where nothing is cached
def test_rows_and_sums_agree(tmp_path: Path) -> None:
    import arviz_stats

    source = ingested(tmp_path / "ingested")
    (tmp_path / "grouped").mkdir()
    group_tracks(source, GroupParameters(), tmp_path / "grouped", keep_rows=True)
    priors = Priors.model_validate({"tau": "half_normal(1) relative to sigma", "tau_block": "exponential(0.2)"})
    posteriors, tables, errors = [], [], []
    for engine in ("collapsed", "rows"):
        folder = tmp_path / engine
        folder.mkdir()
        parameters = SampleParameters(engine=engine, priors=priors, draws=1500, tune=1000, target_accept=0.95)
        sample_posterior(tmp_path / "grouped", parameters, folder)
        draws = xr.load_datatree(folder / "posterior.nc", engine="h5netcdf")["posterior"].to_dataset()
        posteriors.append(draws)
        errors.append({method: arviz_stats.mcse(draws, method=method) for method in ("mean", "sd")})
        tables.append(pq.read_table(folder / "artists.parquet").to_pandas())
    collapsed, rows = posteriors
    assert set(collapsed.data_vars) == set(rows.data_vars) >= {"mu", "tau", "beta", "genre_effect", "artist_effect"}
    for name in collapsed.data_vars:
        for method in ("mean", "sd"):
            ours, theirs = (
                getattr(draws[name], "mean" if method == "mean" else "std")(("chain", "draw")) for draws in posteriors
            )
            error = np.hypot(errors[0][method][name], errors[1][method][name])
            assert float(np.abs((ours - theirs) / error).max()) < ERRORS, f"{method} of {name}"
    ours, theirs = tables
    assert list(ours["artist"]) == list(theirs["artist"])
    # The table of the row engine has the Monte Carlo error of its draws; its ESS is above 1,000.
    assert (np.abs(ours["mean"] - theirs["mean"]) / (theirs["sd"] / 1000**0.5)).max() < ERRORS
    assert np.abs(ours["sd"] / theirs["sd"] - 1).max() < ERRORS * (0.5 / 1000) ** 0.5
    assert (ours["raw_mean"] == theirs["raw_mean"]).all()
