"""Each rung changes what fell short, never the seed, and only what it can mend."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.parameters import SampleParameters
from schemas.verdict import Rung, Shortfall, Verdict
from tasks.gate.ladder import next_rung

ASKED = SampleParameters(draws=500, tune=300, seed=7)
THRESHOLDS = {
    "max_rhat": 1.01,
    "min_ess_bulk": 400.0,
    "min_ess_tail": 400.0,
    "max_mcse_mean": 0.05,
    "max_mcse_end": 0.15,
    "longest_stay": 0.05,
    "divergences": 0.0,
    "min_bfmi": 0.3,
    "treedepth_share": 0.01,
}
GOOD = {"max_rhat": 1.001, "min_ess_bulk": 900.0, "min_ess_tail": 900.0, "max_mcse_mean": 0.02, "max_mcse_end": 0.1}


def fell_short(rung: Rung | None = None, **values: float) -> Verdict:
    """Return a verdict on a posterior that fell short of some checks."""
    measured: dict[str, float | None] = {**dict.fromkeys(THRESHOLDS, 0.0), **GOOD, "min_bfmi": 1.0, **values}
    shortfalls = tuple(
        Shortfall(
            check=check, parameter="tau", value=value, threshold=THRESHOLDS.get(check, 0), sentence=f"{check} bad"
        )
        for check, value in values.items()
    )
    rung = rung or Rung()
    return Verdict(
        passed=False,
        chains=4,
        draws=500,
        parameters=3,
        constants=(),
        measured={check: measured[check] for check in THRESHOLDS},
        thresholds=THRESHOLDS,
        shortfalls=shortfalls,
        fell_short=dict.fromkeys(values, 1),
        quantities=1,
        rung=rung.number,
        why=rung.why,
        changes=rung.changes,
        earlier=rung.earlier,
    )


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        ({"max_rhat": 1.2}, {"tune": 1000, "draws": 1000}),
        ({"divergences": 3.0}, {"tune": 1000, "target_accept": 0.9}),
        ({"treedepth_share": 0.2}, {"tune": 1000}),
        ({"min_bfmi": 0.1}, {"tune": 1000}),
        ({"longest_stay": 0.2}, {"tune": 1000, "target_accept": 0.9}),
        ({"min_ess_tail": 100.0}, {"draws": 2500}),  # 500 x 400 / 100 and a quarter more
        ({"min_ess_bulk": 390.0}, {"draws": 1000}),
        ({"min_ess_bulk": 1.0}, {"draws": 5000}),  # no more than ten times
        ({"max_mcse_end": 0.3}, {"draws": 2500}),  # errors fall with the root
        ({"max_mcse_mean": 0.051}, {"draws": 1000}),
    ],
)
def test_what_fell_short_is_what_is_changed(values: dict[str, float], changes: dict[str, Any]) -> None:
    following = next_rung(ASKED, ASKED, fell_short(**values))
    assert following is not None
    parameters, rung = following
    assert parameters == ASKED.model_copy(update=changes)
    assert rung.changes == changes
    assert rung.number == 1
    assert rung.why.startswith(f"tau fell short: {next(iter(values))} bad; so ")
    assert [one.rung for one in rung.earlier] == [0]


@pytest.mark.parametrize("check", ["missing", "chains", "alike", "not finite", "table", "model"])
def test_what_sampling_again_would_not_mend_is_not_sampled_again(check: str) -> None:
    assert next_rung(ASKED, ASKED, fell_short(**{check: 0.0, "max_rhat": 1.2})) is None


def test_rungs_go_on_from_each_other() -> None:
    asked = SampleParameters(engine="rows", draws=200, tune=100, target_accept=0.8)
    first = next_rung(asked, asked, fell_short(divergences=5.0, max_rhat=1.3))
    assert first is not None
    second = next_rung(asked, first[0], fell_short(first[1], divergences=1.0))
    assert second is not None
    assert second[1].changes == {
        "tune": 2000,
        "draws": 1000,
        "target_accept": 0.95,
        "parametrisation": "non_centred",
    }
    assert second[1].number == 2
    assert [one.rung for one in second[1].earlier] == [0, 1]
    assert second[1].earlier[1].changes == first[1].changes
    assert second[0].seed == asked.seed


def test_there_is_an_end_to_it() -> None:
    most = SampleParameters(draws=10_000, tune=10_000, target_accept=0.99)
    assert next_rung(most, most, fell_short(max_rhat=1.2, divergences=1.0)) is None
    longer = SampleParameters(draws=50_000)
    assert next_rung(longer, longer, fell_short(min_ess_bulk=300.0)) is None
