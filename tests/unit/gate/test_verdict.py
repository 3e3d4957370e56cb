"""The gate lets through what can be trusted and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import xarray as xr

from schemas.parameters import GateParameters
from tasks.gate.diagnostics import measure
from tasks.gate.verdict import judge
from tasks.gate.wording import explain, summary

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.verdict import Verdict

CHAINS, DRAWS = 4, 500


def groups(seed: int = 1, chains: int = CHAINS, draws: int = DRAWS) -> dict[str, dict[str, np.ndarray]]:
    generator = np.random.default_rng(seed)
    return {
        "posterior": {
            "mu": generator.normal(50, 3, (chains, draws)),
            "sigma": generator.gamma(20, 1, (chains, draws)),
            "artist_effect": generator.normal(0, 5, (chains, draws, 3)),
        },
        "sample_stats": {
            "diverging": np.zeros((chains, draws), dtype=bool),
            "energy": generator.normal(0, 1, (chains, draws)),
            "reached_max_treedepth": np.zeros((chains, draws), dtype=bool),
        },
    }


def verdict_on(content: dict[str, dict[str, np.ndarray]], folder: Path, fixed: frozenset[str] = frozenset()) -> Verdict:
    tree = {}
    for group, variables in content.items():
        dims = {name: ("chain", "draw", "artist")[: values.ndim] for name, values in variables.items()}
        data = xr.Dataset({name: (dims[name], values) for name, values in variables.items()})
        tree[group] = data.assign_coords(artist=["A", "B", "<b>"]) if "artist" in data.dims else data
    xr.DataTree.from_dict(tree).to_netcdf(folder / "posterior.nc", engine="h5netcdf")
    return judge(measure(folder / "posterior.nc"), GateParameters(), fixed=fixed)


def test_independent_draws_pass(tmp_path: Path) -> None:
    verdict = verdict_on(groups(), tmp_path)
    assert verdict.passed
    assert not verdict.shortfalls
    assert verdict.parameters == 5
    assert summary(verdict).startswith("passed: 5 parameters, 4 chains of 500 draws; largest R-hat 1.0")


def test_measurements_are_those_of_arviz(tmp_path: Path) -> None:
    import arviz_stats

    content = groups()
    content["posterior"]["mu"] = np.cumsum(content["posterior"]["mu"] - 50, axis=1)  # a random walk
    verdict_on(content, tmp_path)
    measured = measure(tmp_path / "posterior.nc")
    tree = xr.open_datatree(tmp_path / "posterior.nc", engine="h5netcdf")
    position = measured.names.index("mu")
    for column, theirs in (
        ("rhat", arviz_stats.rhat(tree, method="rank")),
        ("ess_bulk", arviz_stats.ess(tree, method="bulk")),
        ("ess_tail", arviz_stats.ess(tree, method="tail", prob=(0.05, 0.95))),
    ):
        assert measured.columns[column][position] == pytest.approx(float(theirs["mu"]))
    assert measured.bfmi == pytest.approx(float(arviz_stats.bfmi(tree)["energy"].min()))


def shifted(values: np.ndarray, by: float) -> np.ndarray:
    return np.concatenate([values[:1] + by, values[1:]])


def replaced(values: np.ndarray, at: tuple[object, ...], by: float) -> np.ndarray:
    values = values.copy()
    values[at] = by
    return values


EVERY_TENTH = (slice(None), slice(None, None, 10))
# What to change: group, variable, and how; None removes it.
HARM = {
    "a chain elsewhere": ("posterior", "mu", lambda x: shifted(x, 6)),
    "a chain with another spread": ("posterior", "mu", lambda x: 50 + (x - 50) * np.array([[4], [1], [1], [1]])),
    "a random walk": ("posterior", "mu", lambda x: np.cumsum(x - 50, axis=1)),
    "not a number": ("posterior", "mu", lambda x: replaced(x, (2, 7), np.nan)),
    "infinite": ("posterior", "sigma", lambda x: replaced(x, (2, 7), np.inf)),
    "stuck everywhere": ("posterior", "sigma", lambda x: replaced(x, (...,), 3)),
    "a stuck chain": ("posterior", "sigma", lambda x: replaced(x, (1,), 20)),
    "one artist astray": ("posterior", "artist_effect", lambda x: shifted(x, 20)),
    "a divergence": ("sample_stats", "diverging", lambda x: replaced(x, (0, 0), 1)),
    "low energy": ("sample_stats", "energy", lambda x: np.cumsum(x, axis=1)),
    "deep trees": ("sample_stats", "reached_max_treedepth", lambda x: replaced(x, EVERY_TENTH, 1)),
    "energy not a number": ("sample_stats", "energy", lambda x: replaced(x, (0, 0), np.nan)),
    "no divergences known": ("sample_stats", "diverging", None),
    "no energy": ("sample_stats", "energy", None),
    "no sampler statistics": ("sample_stats", None, None),
    "no posterior": ("posterior", None, None),
}


def harm(content: dict[str, dict[str, np.ndarray]], how: str) -> None:
    group, variable, change = HARM[how]
    if variable is None:
        del content[group]
    elif change is None:
        del content[group][variable]
    else:
        content[group][variable] = change(content[group][variable])


@pytest.mark.parametrize(
    ("how", "who"),
    [
        ("a chain elsewhere", "mu"),
        ("a chain with another spread", "mu"),
        ("a random walk", "mu"),
        ("not a number", "mu"),
        ("infinite", "sigma"),
        ("stuck everywhere", "sigma"),
        ("a stuck chain", "sigma"),
        ("a divergence", "the sampler"),
        ("low energy", "the sampler"),
        ("deep trees", "the sampler"),
        ("no sampler statistics", "sample_stats"),
        ("no posterior", "posterior"),
        ("no divergences known", "sample_stats.diverging"),
        ("no energy", "sample_stats.energy"),
        ("energy not a number", "the sampler"),
        ("one artist astray", "artist_effect[<b>]"),
    ],
)
def test_each_fault_is_stopped_and_named(how: str, who: str, tmp_path: Path) -> None:
    content = groups()
    harm(content, how)
    verdict = verdict_on(content, tmp_path)
    assert not verdict.passed
    assert who in {shortfall.parameter for shortfall in verdict.shortfalls}
    assert who in explain(verdict) or who.startswith("artist_effect")  # of artists the worst, whichever it is
    assert verdict.advice


@pytest.mark.parametrize(("chains", "draws"), [(1, 500), (4, 3), (2, 20)])
def test_too_little_is_stopped(chains: int, draws: int, tmp_path: Path) -> None:
    assert not verdict_on(groups(chains=chains, draws=draws), tmp_path).passed


def test_what_the_model_holds_fixed_is_named_and_left_out(tmp_path: Path) -> None:
    content = groups()
    content["posterior"]["tau"] = np.full((CHAINS, DRAWS), 300.0)
    verdict = verdict_on(content, tmp_path, frozenset({"tau"}))
    assert verdict.passed
    assert verdict.constants == ("tau",)


def test_a_long_list_is_cut_to_a_few_lines(tmp_path: Path) -> None:
    content = groups(draws=20)
    lines = explain(verdict_on(content, tmp_path)).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("5 quantities fell short, worst: ")
    assert lines[-1].strip().startswith("try this: tune and sample longer")
