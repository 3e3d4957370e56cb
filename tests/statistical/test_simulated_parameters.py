"""The parameters that a corpus was simulated from are recovered from it.

37 comparisons, each within 4.5 posterior sds: a false alarm in some 4,000 runs of different seeds. The seed is fixed.
Rounding popularity to whole points adds 1/12 to the residual variance; 0 and 100 cut off one track in a thousand.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from schemas.parameters import GroupParameters, SampleParameters
from tasks.group.grouping import group_tracks
from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SDS = 4.5


def test_parameters_are_recovered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    corpora = importlib.import_module("corpora")
    truth = corpora.truth_for(30_000, 2_400, seed=2)
    corpora.simulate(truth, tmp_path / "corpus")
    for step in ("grouped", "sampled"):
        (tmp_path / step).mkdir()
    design = group_tracks(tmp_path / "corpus", GroupParameters(), tmp_path / "grouped")
    sample_posterior(tmp_path / "grouped", SampleParameters(draws=500), tmp_path / "sampled")
    draws = xr.load_datatree(tmp_path / "sampled" / "posterior.nc", engine="h5netcdf")["posterior"].to_dataset()
    seen = {column.name: column.scale for column in design.columns}
    expected = {
        "mu": truth.mu,
        "sigma": np.hypot(truth.sigma, 12**-0.5),
        "tau": truth.tau,
        # A coefficient is worth one sd of the feature as seen in the corpus.
        "beta": [slope * seen[name] / truth.scales[name] for name, slope in truth.slopes.items()],
        "genre_effect": list(truth.subgenres.values()),
    }
    assert list(draws["feature"].values) == list(truth.slopes)
    assert list(draws["genre"].values) == list(truth.subgenres)
    for name, values in expected.items():
        off = (draws[name].mean(("chain", "draw")) - values) / draws[name].std(("chain", "draw"))
        assert float(np.abs(off).max()) < SDS, f"{name}: {off.values}"
