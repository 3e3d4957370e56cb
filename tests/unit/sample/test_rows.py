"""What is done about draws that would not fit, and about Ctrl-C."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from small import make_rows

from schemas.errors import InvalidParameter
from schemas.parameters import SampleParameters
from tasks.sample import engines, rows
from tasks.sample.scales import scales_for


def sample(parameters: SampleParameters, artists: int = 12) -> None:
    grouped = make_rows(1).grouped
    scales = scales_for(grouped.design, parameters)
    many = replace(grouped, artists=[str(number) for number in range(artists)])
    rows.sample_rows(many, scales, parameters, Path("nowhere"), lambda _done, _all: None)


@pytest.mark.parametrize("likelihood", ["normal", "student_t"])
def test_draws_that_would_not_fit_are_refused_with_a_way_out(likelihood: str) -> None:
    parameters = SampleParameters.model_validate({"engine": "rows", "likelihood": likelihood, "draws": 10_000})
    with pytest.raises(InvalidParameter, match=r"40,000 draws of 100,000 artists .* --engine collapsed"):
        sample(parameters, artists=100_000)


def test_a_sampler_that_is_not_here_is_refused_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda _name: None)
    with pytest.raises(InvalidParameter, match="needs numpyro and jax, not installed here"):
        sample(SampleParameters(engine="numpyro"))


def test_ctrl_c_ends_what_runs_in_a_thread() -> None:
    stopped, ended = threading.Event(), threading.Event()

    def work() -> None:
        assert stopped.wait(30)
        ended.set()

    def press() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rows.in_thread(work, stopped, press)
    assert ended.wait(30)


def test_what_a_thread_returns_or_raises_is_handed_on() -> None:
    assert rows.in_thread(lambda: 7, threading.Event(), lambda: None) == 7

    def work() -> None:
        message = "broken"
        raise ZeroDivisionError(message)

    with pytest.raises(ZeroDivisionError, match="broken"):
        rows.in_thread(work, threading.Event(), lambda: None)
