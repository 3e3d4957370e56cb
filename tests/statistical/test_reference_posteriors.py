"""Models of the field with known answers, fitted by our own steps with their columns renamed.

- Dyestuff: 6 batches of 5 samples of dyestuff, yield in grams. Davies and Goldsmith (1972), Statistical Methods in
  Research and Production, table 6.1; lme4's `Dyestuff`, the example `Dyes` of BUGS. In a balanced one-way layout the
  restricted likelihood is highest at sigma^2 = MS within and tau^2 = (MS between - MS within) / 5: sds of 49.51 and
  42.00, and an intercept of 1527.5, as lme4 prints them (Bates, Maechler, Bolker and Walker 2015, J. Stat. Softw. 67).
- Dyestuff2: the same layout, simulated by Box and Tiao (1973), Bayesian Inference in Statistical Analysis, table 5.1.4,
  so that batches differ less than samples do. The restricted likelihood is highest at tau = 0 and sigma = 3.716.
- Radon: counties with few and many houses and a predictor of each house, the floor, as in Gelman and Hill (2007), Data
  Analysis Using Regression and Multilevel/Hierarchical Models, ch. 12. The houses are simulated in that layout; the
  known answer is a brute-force sum over a grid of all three scales.

Yields are scaled into 0..100; what follows scales with them. Every mean and sd allows 4.5 Monte Carlo standard errors:
over the 24 comparisons here, a false alarm in some 6,000 runs of other seeds. The seeds are fixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import arviz_stats
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr
from scipy.optimize import minimize

from schemas.parameters import GroupParameters, IngestParameters, SampleParameters
from schemas.priors import Priors
from tasks.group.grouping import group_tracks
from tasks.ingest.corpus import ingest_corpus
from tasks.ingest.sources import find_sources
from tasks.sample.collapsed import CollapsedDensity
from tasks.sample.grouped import Grouped
from tasks.sample.sampling import sample_posterior
from tasks.sample.scales import scales_for

if TYPE_CHECKING:
    from pathlib import Path

    Floats = np.ndarray

ERRORS = 4.5
DYESTUFF = np.array(
    [
        [1545, 1440, 1440, 1520, 1580],
        [1540, 1555, 1490, 1560, 1495],
        [1595, 1550, 1605, 1510, 1560],
        [1445, 1440, 1595, 1465, 1545],
        [1595, 1630, 1515, 1635, 1625],
        [1520, 1455, 1450, 1480, 1445],
    ],
    dtype=float,
)
DYESTUFF2 = np.array(
    [
        [7.298, 3.846, 2.434, 9.566, 7.990],
        [5.220, 6.556, 0.608, 11.788, -0.892],
        [0.110, 10.386, 13.434, 5.510, 8.166],
        [2.212, 4.852, 7.092, 9.288, 4.980],
        [0.282, 9.014, 4.458, 9.446, 7.198],
        [1.722, 4.782, 8.106, 0.758, 3.758],
    ]
)
# By data set: what a yield is times and plus, to be a popularity.
INTO_POINTS = {"dyestuff": (DYESTUFF, 0.05, 0.0), "dyestuff2": (DYESTUFF2, 5.0, 10.0)}
RADON = Priors(mu="normal(50, 20)", sigma="exponential(0.1)", tau="exponential(0.1)", tau_block="half_normal(5)")


def grouped(folder: Path, columns: dict[str, list]) -> Path:
    """Take a table through ingest and group, with nothing changed but the names of its columns."""
    pq.write_table(pa.table(columns), folder / "table.parquet")
    for step in ("ingested", "grouped"):
        (folder / step).mkdir()
    ingest_corpus(find_sources([str(folder / "table.parquet")]), IngestParameters(repeats="keep"), folder / "ingested")
    group_tracks(folder / "ingested", GroupParameters(genres="none"), folder / "grouped")
    return folder / "grouped"


def batches(name: str) -> dict[str, list]:
    """Return a one-way layout as a corpus: a batch is an artist, a sample a track, its yield a popularity."""
    yields, times, plus = INTO_POINTS[name]
    return {
        "artists": [f"batch {letter}" for letter in "ABCDEF" for _ in range(5)],
        "popularity": list(times * yields.ravel() + plus),
    }


def standard_errors(folder: Path, sampled: Path, parameters: SampleParameters, known: dict[str, tuple]) -> dict:
    """Sample, and return by how many Monte Carlo standard errors each mean and sd is off that is by too many."""
    sampled.mkdir()
    sample_posterior(folder, parameters, sampled)
    draws = xr.load_datatree(sampled / "posterior.nc", engine="h5netcdf")["posterior"].to_dataset()
    draws = draws.assign(tau_block=draws["tau_block"][..., 0], beta=draws["beta"][..., 0]) if "beta" in draws else draws
    off = {}
    for name, (mean, sd) in known.items():
        error = {method: float(arviz_stats.mcse(draws[name], method=method)) for method in ("mean", "sd")}
        off[f"mean of {name}"] = (float(draws[name].mean()) - mean) / error["mean"]
        off[f"sd of {name}"] = (float(draws[name].std()) - sd) / error["sd"]
    assert len(off) == 2 * len(known)
    return {name: round(errors, 1) for name, errors in off.items() if not abs(errors) < ERRORS}


@pytest.mark.parametrize(
    ("name", "sigma", "tau", "mean"), [("dyestuff", 49.51, 42.00, 1527.5), ("dyestuff2", 3.716, 0.0, 5.6656)]
)
def test_the_restricted_likelihood_is_highest_where_lme4_says(
    name: str, sigma: float, tau: float, mean: float, tmp_path: Path
) -> None:
    # A prior of mu so wide that it says nothing makes the collapsed likelihood the restricted one.
    data = Grouped.load(grouped(tmp_path, batches(name)))
    parameters = SampleParameters(priors=Priors(mu="normal(50, 1e6)"))
    density = CollapsedDensity(data.statistics, scales_for(data.design, parameters))
    _, times, plus = INTO_POINTS[name]
    best = minimize(
        lambda values: -density.likelihood(values)[0],
        np.array([2.0, 2.0]) * times * sigma / 2,
        jac=lambda values: -density.likelihood(values)[1],
        bounds=[(1e-6, None), (1e-9, None)],
        options={"ftol": 1e-14, "gtol": 1e-10},
    )
    assert best.x / times == pytest.approx([sigma, tau], abs=0.0051 if sigma > 10 else 0.00051)
    centre = density.conditional(best.x).mean[0] + data.design.popularity_mean
    assert (centre - plus) / times == pytest.approx(mean, abs=1e-4)
    yields = INTO_POINTS[name][0]
    within = yields.var(axis=1, ddof=1).mean()
    between = 5 * yields.mean(axis=1).var(ddof=1)
    if between > within:
        assert (best.x / times) ** 2 == pytest.approx([within, (between - within) / 5], rel=1e-4)


@pytest.mark.parametrize("name", ["dyestuff", "dyestuff2"])
def test_a_one_way_layout_has_its_posterior(name: str, tmp_path: Path) -> None:
    yields, times, plus = INTO_POINTS[name]
    priors = Priors(mu="normal(60, 40)", sigma="half_normal(10)", tau="half_normal(10)")
    # Closed form but for the scales: MS within and the batches' means are all there is to the data.
    y = times * yields + plus
    means, within = y.mean(axis=1), ((y - y.mean(axis=1, keepdims=True)) ** 2).sum()
    top = 8 if name == "dyestuff" else 45
    sigma = np.linspace(0.5, top, 1200)[:, None]
    tau = np.linspace(1e-3, 45, 1500)[None]
    variance = tau**2 + sigma**2 / 5
    precision = 6 / variance + 40.0**-2
    centre = (means.sum() / variance + 60 / 40.0**2) / precision
    log_p = -24 * np.log(sigma) - within / (2 * sigma**2) - 3 * np.log(variance) - np.log(precision) / 2
    log_p -= ((means**2).sum() / variance + 60**2 / 40.0**2 - precision * centre**2) / 2
    log_p -= (sigma**2 + tau**2) / (2 * 10**2)
    weight = np.exp(log_p - log_p.max())
    weight /= weight.sum()
    assert weight[[0, -1]].sum() + weight[:, -1].sum() < 1e-5  # the grid is wide enough
    known = moments(weight, {"mu": (centre, 1 / precision), "sigma": (sigma, 0.0), "tau": (tau, 0.0)})
    parameters = SampleParameters(priors=priors, draws=1500)
    assert standard_errors(grouped(tmp_path, batches(name)), tmp_path / "sampled", parameters, known) == {}


def moments(weight: Floats, values: dict[str, tuple]) -> dict[str, tuple[float, float]]:
    """Return mean and sd of each quantity, given its mean and variance at each point of a grid."""
    found = {}
    for name, (mean, variance) in values.items():
        total = float((weight * mean).sum())
        found[name] = total, float(np.sqrt((weight * ((mean - total) ** 2 + variance)).sum()))
    return found


def test_counties_of_houses_have_their_posterior(tmp_path: Path) -> None:
    # 60 counties, 1 to 40 houses each, one in six measured on the first floor, none in a basement of some counties.
    generator = np.random.default_rng(12)
    county = np.repeat(np.arange(60), np.minimum(generator.geometric(0.12, 60), 40))
    floor = (generator.random(len(county)) < 0.17).astype(float)
    radon = 52 - 6 * floor + generator.normal(0, 3, 60)[county] + generator.normal(0, 7, len(county))
    table = {"artists": [f"county {number:02d}" for number in county], "popularity": list(radon), "energy": list(floor)}
    # What the step calls beta is for one sd of the predictor, around its mean.
    z = np.column_stack([np.ones(len(floor)), (floor - floor.mean()) / floor.std()])
    known = on_a_grid(county, z, radon)
    parameters = SampleParameters(priors=RADON, draws=1500)
    assert standard_errors(grouped(tmp_path, table), tmp_path / "sampled", parameters, known) == {}


def on_a_grid(county: Floats, z: Floats, y: Floats) -> dict[str, tuple[float, float]]:
    """Sum over a grid of sigma, tau and tau_block; the two coefficients are normal given those."""
    counts = np.bincount(county)
    sums = np.stack([np.bincount(county, column) for column in (*z.T, y)], axis=1)
    rows = np.column_stack([z, y])
    cross = rows.T @ rows
    sigma = np.linspace(5.5, 9, 60)[:, None, None]
    tau = np.linspace(0.02, 8, 80)[None, :, None]
    block = np.exp(np.linspace(np.log(0.02), np.log(25), 120))[None, None]
    # By Sherman and Morrison, A' V^-1 A = (A'A - sum_j shrink_j s_j s_j') / sigma^2.
    shrink = tau[..., None] ** 2 / (sigma[..., None] ** 2 + counts * tau[..., None] ** 2)
    moment = (cross - np.einsum("stoj,jk,jl->stokl", shrink, sums, sums)) / sigma[..., None, None] ** 2
    log_det = len(y) * 2 * np.log(sigma) + np.log1p(counts * (tau / sigma)[..., None] ** 2).sum(axis=-1)
    precision = moment[..., :2, :2] + np.zeros((*np.broadcast_shapes(sigma.shape, tau.shape, block.shape), 2, 2))
    precision[..., 0, 0] += 20.0**-2
    precision[..., 1, 1] += block**-2
    b = moment[..., :2, 2] + np.array([50 / 20.0**2, 0])
    covariance = np.linalg.inv(precision)
    centre = np.einsum("...kl,...l->...k", covariance, b)
    log_p = -log_det / 2 - moment[..., 2, 2] / 2 - np.log(block) - np.linalg.slogdet(precision)[1] / 2
    log_p = log_p + (b * centre).sum(axis=-1) / 2
    log_p += -0.1 * sigma - 0.1 * tau - block**2 / (2 * 5.0**2) + np.log(block)  # even steps of log tau_block
    weight = np.exp(log_p - log_p.max())
    weight /= weight.sum()
    assert weight[[0, -1]].sum() + weight[:, -1].sum() + weight[..., [0, -1]].sum() < 1e-3
    return moments(
        weight,
        {
            "mu": (centre[..., 0], covariance[..., 0, 0]),
            "beta": (centre[..., 1], covariance[..., 1, 1]),
            "sigma": (sigma, 0.0),
            "tau": (tau, 0.0),
            "tau_block": (block, 0.0),
        },
    )
