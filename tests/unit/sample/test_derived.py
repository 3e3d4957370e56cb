"""Draws of what is no parameter: they agree with what is published of them, and the gate measures them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import arviz
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small import make_rows

from schemas.parameters import GateParameters, SampleParameters
from tasks.gate.gating import gate_posterior
from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.reports import SamplingReport


def sampled(folder: Path, parameters: SampleParameters, *, slopes: bool = False, genres: int = 2) -> SamplingReport:
    """Write what group and sample leave of a small corpus."""
    rows = make_rows(3, artists=40, genres=genres, slopes=slopes)
    group, sample = folder / "group", folder / "sample"
    group.mkdir()
    sample.mkdir()
    (group / "rows").mkdir()
    for name in ("artist", "z", "y"):
        np.save(group / "rows" / f"{name}.npy", getattr(rows, name))
    (group / "design.json").write_text(rows.grouped.design.model_dump_json(), encoding="utf-8")
    rows.grouped.statistics.save(group / "statistics")
    pq.write_table(pa.table({"artist": rows.grouped.artists}), group / "artists.parquet")
    return sample_posterior(group, parameters, sample)


def measured_names(folder: Path) -> list[str]:
    """Return the scalars that the gate measures."""
    (folder / "gate").mkdir()
    lax = GateParameters(min_ess_per_chain=1, max_rhat=2, max_mcse_mean=1, max_mcse_end=2)
    gate_posterior(folder / "group", folder / "sample", lax, folder / "gate")
    names: list[str] = pq.read_table(folder / "gate" / "diagnostics.parquet")["parameter"].to_pylist()
    return names


def test_draws_have_the_summaries_that_are_published(tmp_path: Path) -> None:
    report = sampled(tmp_path, SampleParameters(draws=200, interval=0.8))
    derived = arviz.from_netcdf(tmp_path / "sample" / "posterior.nc")["derived"]
    shares = derived["variance_share"]
    assert list(shares["part"].to_numpy()) == list(report.variance)
    for part, share in report.variance.items():
        draws = shares.sel(part=part).to_numpy()
        assert [share[name] for name in ("mean", "low", "high")] == pytest.approx(
            [draws.mean(), *np.quantile(draws, [0.1, 0.9])]
        )
    np.testing.assert_allclose(shares.sum("part"), 1)
    below = derived["new_artist_below"].mean(("chain", "draw"))
    np.testing.assert_allclose(below.sel(end=["low", "high"]), [0.1, 0.9], atol=1e-7)
    assert float(derived["new_artist"].mean()) == pytest.approx(report.new_artist["mean"])


def test_the_gate_measures_all_that_is_published(tmp_path: Path) -> None:
    sampled(tmp_path, SampleParameters(draws=100), slopes=True)
    names = measured_names(tmp_path)
    for wanted in (
        *("variance_share[artists]", "variance_share[genres]", "variance_share[slopes]", "variance_share[shared]"),
        *("new_artist", "new_artist_below[low]", "new_artist_below[high]"),
    ):
        assert wanted in names
    assert sum(name.startswith("slope[") for name in names) == 6


@pytest.mark.parametrize("pooling", ["none", "complete"])
def test_what_a_model_has_not_is_not_asked_of_it(pooling: str, tmp_path: Path) -> None:
    sampled(tmp_path, SampleParameters.model_validate({"draws": 100, "pooling": pooling}))
    names = measured_names(tmp_path)
    assert "new_artist_below[low]" in names
    assert ("variance_share[residual]" in names) == (pooling == "complete")
    assert "variance_share[artists]" not in names


def test_of_students_errors_too(tmp_path: Path) -> None:
    parameters = SampleParameters.model_validate({"draws": 60, "tune": 200, "likelihood": "student_t"})
    report = sampled(tmp_path, parameters)
    names = measured_names(tmp_path)
    assert {"nu", "new_artist", "new_artist_below[high]", "variance_share[residual]"} <= set(names)
    derived = arviz.from_netcdf(tmp_path / "sample" / "posterior.nc")["derived"]
    below = derived["new_artist_below"].mean(("chain", "draw"))
    np.testing.assert_allclose(below.sel(end=["low", "high"]), [0.05, 0.95], atol=1e-7)
    # Effects are spread over the draws in some random orders: the mean moves by a few hundredths of a point.
    assert float(derived["new_artist"].mean()) == pytest.approx(report.new_artist["mean"], abs=0.2)
