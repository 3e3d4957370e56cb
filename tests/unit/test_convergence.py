"""Whole arrays are measured as ArviZ measures one scalar after the other."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from tasks.convergence import convergence, ess, ess_of, halved, rhat, split


def scalars(chains: int, draws: int) -> np.ndarray:
    """Return draws of all kinds: correlated either way, rounded, apart, drifting, heavy-tailed, stuck for a while."""
    generator = np.random.default_rng(3)
    values = generator.normal(size=(20, chains, draws))
    for place, correlation in enumerate(np.linspace(-0.6, 0.9, 8)):
        for draw in range(1, draws):
            values[place, :, draw] *= np.sqrt(1 - correlation**2)
            values[place, :, draw] += correlation * values[place, :, draw - 1]
    values[8:10] = np.round(values[8:10], 1)
    values[10, 0] += 1
    values[11] = np.cumsum(values[11], axis=1)
    values[12] = 1 / values[12]
    values[13, :, : draws // 2] = values[13, :, :1]
    return values


@pytest.mark.parametrize(("chains", "draws"), [(4, 250), (3, 101), (2, 40)])
@pytest.mark.parametrize("interval", [0.9, 0.8])
def test_measurements_are_those_of_arviz(chains: int, draws: int, interval: float) -> None:
    from arviz_stats.base import array_stats

    values = scalars(chains, draws)
    axes: dict[str, Any] = {"chain_axis": 1, "draw_axis": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = {
            "rhat": array_stats.rhat(values, method="rank", **axes),
            "ess_bulk": array_stats.ess(values, method="bulk", **axes),
            "ess_tail": array_stats.ess(values, method="tail", prob=(0.05, 0.95), **axes),
            "mcse_mean": array_stats.mcse(values, method="mean", **axes),
            "mcse_low": array_stats.mcse(values, method="quantile", prob=(1 - interval) / 2, **axes),
            "mcse_high": array_stats.mcse(values, method="quantile", prob=(1 + interval) / 2, **axes),
        }
    ours = convergence(values, interval)
    for name, column in theirs.items():
        assert ours[name] == pytest.approx(column, rel=1e-9), name
    assert ours["sd"] == pytest.approx(values.std(axis=(1, 2), ddof=1))


def test_what_cannot_be_measured_is_no_number() -> None:
    values = scalars(4, 100)
    values[0, 1, 2], values[1, 1, 2], values[2] = np.nan, np.inf, 3.0
    measured = convergence(values, 0.9)
    for name in ("rhat", "ess_bulk", "ess_tail", "mcse_mean", "mcse_low", "mcse_high"):
        assert np.isnan(measured[name][:3]).all()
        assert np.isfinite(measured[name][3:8]).all()
    assert np.isnan(convergence(values[:, :1], 0.9)["rhat"]).all()
    assert np.isnan(convergence(values[:, :, :7], 0.9)["ess_bulk"]).all()


def test_it_does_not_matter_how_many_go_through_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = scalars(4, 100)
    together = convergence(values, 0.9)
    monkeypatch.setattr("tasks.convergence._CELLS", 500)
    for name, column in convergence(values, 0.9).items():
        assert column == pytest.approx(together[name], nan_ok=True)


def test_a_few_lags_do_where_the_autocorrelation_is_over_by_then() -> None:
    values = split(scalars(4, 400)[:8])
    around = values - values.mean(axis=2, keepdims=True)
    draws = values.shape[2]
    covariance = np.stack(
        [(around[:, :, lag:] * around[:, :, : draws - lag]).sum(axis=(1, 2)) for lag in range(10)], axis=1
    ) / (values.shape[1] * draws)
    between = values.mean(axis=2).var(axis=1, ddof=1)
    effective, over = ess_of(covariance, between, values.shape[1], draws)
    assert over.any()
    assert not over.all()
    assert effective[over] == pytest.approx(ess(values)[over])


def test_chains_are_cut_in_two_without_their_middle() -> None:
    draws = np.arange(10.0)  # two chains of five
    assert halved(draws, 2).tolist() == [0, 1, 3, 4, 5, 6, 8, 9]
    assert sorted(split(draws.reshape(1, 2, 5)).ravel()) == halved(draws, 2).tolist()
    apart = np.stack([np.zeros(50), np.ones(50)])[None] + np.random.default_rng(1).normal(0, 0.1, (1, 2, 50))
    assert rhat(apart)[0] > 5
