"""Where things stand in the report's charts."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from tasks.publish import charts
from tasks.publish.charts import Bar, Scale, shrinkage


def artists(raw: list[float], mean: list[float], tracks: list[int]) -> pa.Table:
    return pa.table({"raw_mean": raw, "mean": mean, "tracks": tracks})


def test_a_bar_is_in_percent_of_its_scale() -> None:
    scale = Scale.around([-10.0, 30.0, 0.0, math.nan])
    assert scale.bar(-10.0, 0.0, 10.0, zero=0.0) == Bar(left=0.0, width=50.0, middle=25.0, zero=25.0)


@pytest.mark.parametrize("values", [[], [5.0], [math.nan], [2.0, 2.0]])
def test_a_scale_of_next_to_nothing_has_a_width(values: list[float]) -> None:
    scale = Scale.around(values)
    assert scale.high > scale.low


def test_ticks_are_round_and_hold_what_lies_outside_0_to_100() -> None:
    chart = shrinkage(artists([0.0, 100.0], [-3.0, 60.0], [1, 50]))
    assert [label for _, label in chart.ticks] == ["0", "20", "40", "60", "80", "100"]
    assert chart.ticks[0][0] == pytest.approx(400 / 11, abs=0.5)  # the axis starts at -10
    assert chart.ticks[-1][0] == 400


def test_dots_are_classed_by_tracks() -> None:
    chart = shrinkage(artists([0.0, 50.0, 100.0], [0.0, 50.0, 100.0], [1, 4, 30]))
    assert {dots.label: dots.path for dots in chart.dots if dots.count} == {
        "1 track": "M0 400h0",
        "2 to 4": "M200 200h0",
        "30 or more": "M400 0h0",
    }


def test_a_crowd_is_thinned_out_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "MOST_DOTS", 10)
    chart = shrinkage(artists([50.0] * 35, [50.0] * 35, [1] * 35))
    assert (chart.shown, chart.total) == (9, 35)
    assert sum(dots.count for dots in chart.dots) == 9
