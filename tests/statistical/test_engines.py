"""The collapsed engine and all that go row by row have one posterior.

Means and sds of every parameter, each within 5 standard errors of the difference: some 90 comparisons, and as many of
the table of artists, a false alarm in about 9,000 runs of different seeds for each test. The seeds are fixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from agreement import beyond, furthest, sampled
from simulated import draw_tracks, write_ingested

from schemas.parameters import GroupParameters, SampleParameters
from schemas.priors import Priors
from tasks.group.grouping import group_tracks

if TYPE_CHECKING:
    from pathlib import Path

ERRORS = 5.0
PRIORS = Priors(tau="half_normal(1) relative to sigma", tau_block="exponential(0.2)")


def compare(folder: Path, chosen: dict[str, Any], grouping: GroupParameters) -> None:
    """Hold what goes row by row against the sums."""
    source = write_ingested(folder / "ingested", draw_tracks(11, artists=30, most=8, tau=7, sigma=9))
    (folder / "grouped").mkdir()
    group_tracks(source, grouping, folder / "grouped", keep_rows=True)
    common = {"priors": PRIORS, "draws": 1500, "target_accept": 0.9}
    collapsed, ours = sampled(folder / "grouped", folder / "collapsed", SampleParameters.model_validate(common))
    parameters = SampleParameters.model_validate(common | {"tune": 1000} | chosen)
    rows, theirs = sampled(folder / "grouped", folder / "rows", parameters)
    assert {"mu", "tau", "tau_block", "beta", "genre_effect", "artist_effect"} <= set(collapsed.data_vars)
    assert set(rows.data_vars) == set(collapsed.data_vars) | ({"nu"} if "likelihood" in chosen else set())
    assert beyond(furthest(collapsed, rows), ERRORS) == {}
    assert list(ours["artist"]) == list(theirs["artist"])
    # The table of what goes row by row has the Monte Carlo error of its draws; its ESS is above 1,000.
    assert (np.abs(ours["mean"] - theirs["mean"]) / (theirs["sd"] / 1000**0.5)).max() < ERRORS
    for name in ("sd", "next_sd"):
        assert np.abs(ours[name] / theirs[name] - 1).max() < ERRORS * (0.5 / 1000) ** 0.5
    assert (ours["raw_mean"] == theirs["raw_mean"]).all()


@pytest.mark.timeout(600)  # to compile takes most of a minute where nothing is cached; so in all tests here
def test_rows_and_sums_agree(tmp_path: Path) -> None:
    compare(tmp_path, {"engine": "rows"}, GroupParameters())


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "chosen",
    [
        {"engine": "pymc"},
        {"engine": "numpyro"},
        # Student's t with some 20,000 degrees of freedom is normal.
        {"engine": "rows", "likelihood": "student_t", "priors": PRIORS.model_copy(update={"nu": "lognormal(10, 0.1)"})},
    ],
    ids=["pymc", "numpyro", "t that is normal"],
)
def test_other_engines_agree(chosen: dict[str, Any], tmp_path: Path) -> None:
    compare(tmp_path, chosen, GroupParameters())


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("engine", ["rows", "numpyro"])
def test_with_slopes_by_genre_they_agree(engine: str, tmp_path: Path) -> None:
    compare(tmp_path, {"engine": engine}, GroupParameters(slopes="genre"))
