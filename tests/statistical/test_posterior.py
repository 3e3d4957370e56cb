"""The engine against brute force: every mean and sd within Monte Carlo error.

Each comparison allows 4.5 Monte Carlo standard errors, as ArviZ estimates them; over the some 60 comparisons here that
is a false alarm in about 2,500 runs of different seeds. The seeds are fixed, so it is none or always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import book
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from schemas.parameters import SampleParameters
from schemas.priors import Priors, parse_prior
from schemas.reports import Design, DesignColumn
from tasks.group.sums import statistics_of, sums_of
from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    from pathlib import Path

ERRORS = 4.5


def grouped_book(folder: Path) -> Path:
    """Write the book's corpus as group would, with an intercept alone."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tracks = book.tracks()
    popularity = np.array([popularity for *_, popularity in tracks])
    rows = np.column_stack([np.ones(len(tracks)), popularity - popularity.mean()])
    sums = sums_of(np.array([artist for _, artist, _ in tracks], dtype=object), rows)
    folder.mkdir()
    statistics_of(sums).save(folder / "statistics")
    design = Design(
        columns=(DesignColumn(name="intercept", kind="intercept"),),
        observations=len(tracks),
        artists=len(sums.names),
        popularity_mean=float(popularity.mean()),
        popularity_sd=float(popularity.std()),
    )
    (folder / "design.json").write_text(design.model_dump_json(), encoding="utf-8")
    pq.write_table(pa.table({"artist": pa.array(sums.names, pa.string())}), folder / "artists.parquet")
    return folder


def scale_prior(text: str, values: np.ndarray) -> np.ndarray:
    """Return the log density of a prior by SciPy."""
    prior = parse_prior(text)
    a = prior.arguments
    return {
        "exponential": lambda: stats.expon(scale=1 / a[0]),
        "half_normal": lambda: stats.halfnorm(scale=a[0]),
        "half_cauchy": lambda: stats.halfcauchy(scale=a[0]),
        "half_student_t": lambda: stats.t(a[0], scale=a[1]),
    }[prior.family]().logpdf(values)


def grid(priors: Priors) -> dict[str, tuple[float, float]]:
    """Return mean and sd of mu, sigma and tau on a fine grid of (sigma, tau), mu integrated in closed form."""
    counts, totals = (np.array(column, dtype=float) for column in zip(*book.ARTISTS, strict=True))
    means = totals / counts
    sigma = np.linspace(10, 20, 301)[:, None, None]
    tau = np.linspace(0.05, 45, 451)[None, :, None]
    variance = tau**2 + sigma**2 / counts
    location, width = parse_prior(priors.mu).arguments
    # mu is normal given the scales: precision and mean of the artists' means and of the prior.
    precision = (1 / variance).sum(axis=-1) + 1 / width**2
    centre = ((means / variance).sum(axis=-1) + location / width**2) / precision
    quadratic = (means**2 / variance).sum(axis=-1) + location**2 / width**2 - precision * centre**2
    log_p = -0.5 * np.log(variance).sum(axis=-1) - 0.5 * np.log(precision) - 0.5 * quadratic
    within = counts.sum() - len(counts)
    log_p += -within * np.log(sigma[..., 0]) - 0.5 * book.WITHIN / sigma[..., 0] ** 2
    log_p += scale_prior(priors.sigma, sigma[..., 0])
    if parse_prior(priors.tau).relative:
        log_p += scale_prior(priors.tau, tau[..., 0] / sigma[..., 0]) - np.log(sigma[..., 0])
    else:
        log_p += scale_prior(priors.tau, tau[..., 0])
    weight = np.exp(log_p - log_p.max())
    weight /= weight.sum()
    assert weight[[0, -1]].sum() + weight[:, -1].sum() < 1e-6  # the grid is wide enough
    found = {}
    for name, value, extra in (
        ("mu", centre, 1 / precision),
        ("sigma", sigma[..., 0] + 0 * centre, 0),
        ("tau", tau[..., 0] + 0 * centre, 0),
    ):
        mean = float((weight * value).sum())
        found[name] = mean, float(np.sqrt((weight * ((value - mean) ** 2 + extra)).sum()))
    return found


def standard_errors(draws: xr.Dataset, expected: dict[str, tuple[float, float]]) -> dict[str, float]:
    """Return by how many Monte Carlo standard errors each mean and sd is off."""
    import arviz_stats

    off = {}
    for name, (mean, sd) in expected.items():
        error = {method: float(arviz_stats.mcse(draws, method=method)[name]) for method in ("mean", "sd")}
        off[f"mean of {name}"] = (float(draws[name].mean()) - mean) / error["mean"]
        off[f"sd of {name}"] = (float(draws[name].std()) - sd) / error["sd"]
    return off


@pytest.mark.parametrize(
    ("mu", "sigma", "tau"),
    [
        ("normal(50, 10)", "half_normal(10)", "half_normal(15)"),
        ("normal(50, 52)", "exponential(0.048)", "exponential(1)"),
        ("normal(50, 52)", "exponential(0.048)", "exponential(1) relative to sigma"),
        ("normal(30, 3)", "half_student_t(3, 5)", "half_cauchy(2)"),
    ],
)
def test_it_is_the_posterior_on_a_grid(mu: str, sigma: str, tau: str, tmp_path: Path) -> None:
    priors = Priors(mu=mu, sigma=sigma, tau=tau)
    (tmp_path / "out").mkdir()
    parameters = SampleParameters(priors=priors, draws=2000)
    sample_posterior(grouped_book(tmp_path / "grouped"), parameters, tmp_path / "out")
    draws = xr.load_datatree(tmp_path / "out" / "posterior.nc", engine="h5netcdf")["posterior"].to_dataset()
    off = standard_errors(draws[["mu", "sigma", "tau"]], grid(priors))
    assert {name: round(errors, 1) for name, errors in off.items() if abs(errors) > ERRORS} == {}


def test_relative_to_sigma_is_another_prior() -> None:
    # The trap: decov(1, 1, 1, 1) makes tau relative to sigma, where books write tau ~ Exp(1).
    absolute = grid(Priors(mu="normal(50, 52)", sigma="exponential(0.048)", tau="exponential(1)"))
    relative = grid(Priors(mu="normal(50, 52)", sigma="exponential(0.048)", tau="exponential(1) relative to sigma"))
    assert absolute["tau"][0] == pytest.approx(12.6, abs=0.1)
    assert relative["tau"][0] == pytest.approx(15.0, abs=0.15)
