"""The report's charts: what they draw, and that Vega-Lite takes them for what they are."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import vl_convert

from schemas.evaluation import Evaluation, Score
from tasks.publish import shrinkage_chart
from tasks.publish.changes import Changes
from tasks.publish.charts import MOST_BARS, domain_of, intervals
from tasks.publish.comparisons import changes_chart, pooling_chart
from tasks.publish.shrinkage_chart import cells


@dataclass(frozen=True)
class Row:
    """A row of a chart of intervals."""

    name: str
    mean: float
    low: float
    high: float


def drawn(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a chart."""
    values: list[dict[str, Any]] = spec["data"]["values"]
    return values


def compiled(spec: dict[str, Any]) -> str:
    """Compile a chart to Vega, which says so where it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return json.dumps(vl_convert.vegalite_to_vega(spec))


def effects(rows: list[Row]) -> dict[str, Any]:
    return intervals(rows, "Effects.", "points", domain_of(rows), 0.9)


def test_names_of_strangers_are_rows_of_data_and_no_two_are_one(hostile: tuple[str, ...]) -> None:
    rows = [Row(name, 1.0, -1.0, 2.0) for name in (*hostile, "same", "same", "\u200b", "__proto__", "=1+1")]
    spec = effects(rows)
    names = [row["name"] for row in drawn(spec)]
    assert len(set(names)) == len(rows)
    assert "same (2)" in names
    assert "(blank: U+200B)" in names
    # Nothing of them gets into an expression.
    del spec["data"]
    assert not [name for name in names if name in json.dumps(spec, ensure_ascii=False)]


def test_of_many_rows_both_ends_are_drawn() -> None:
    rows = [Row(f"genre {place}", -place, -place - 1.0, -place + 1.0) for place in range(100)]
    names = [row["name"] for row in drawn(effects(rows))]
    assert len(names) == MOST_BARS
    assert (names[0], names[-1]) == ("genre 0", "genre 99")


def test_what_is_clearly_above_or_below_zero_is_told_apart() -> None:
    rows = [Row("up", 2, 1, 3), Row("down", -2, -3, -1), Row("open", 0, -1, 1)]
    assert [row["sign"] for row in drawn(effects(rows))] == ["up", "down", "open"]


def test_an_axis_holds_every_interval_and_zero() -> None:
    low, high = domain_of([Row("a", 5, 4, 6)])
    assert low < 0
    assert high > 6
    low, high = domain_of([])
    assert low < high


def test_artists_who_lie_together_are_one_dot_and_nobody_is_lost() -> None:
    rng = np.random.default_rng(3)
    raw, mean, tracks = rng.uniform(0, 100, 5000), rng.uniform(20, 60, 5000), rng.geometric(0.2, 5000)
    dots = cells(raw, mean, tracks)
    assert sum(dot["artists"] for dot in dots) == 5000
    assert sum(dot["artists"] for dot in dots if dot["tracks"] == "1 track") == (tracks == 1).sum()
    assert np.average([dot["raw"] for dot in dots], weights=[dot["artists"] for dot in dots]) == pytest.approx(
        raw.mean(), abs=0.05
    )


def artists(count: int) -> pa.Table:
    raw = np.linspace(0, 100, count)
    return pa.table({"raw_mean": raw, "mean": 40 + 0.2 * raw, "tracks": np.arange(count) % 40 + 1})


def test_a_few_artists_have_a_dot_each_and_thousands_share_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinkage_chart, "MOST_DOTS", 100)
    few, _ = shrinkage_chart.shrinkage_chart(artists(100))
    assert few["layer"][1]["data"] == {"name": "artists"}
    many, table = shrinkage_chart.shrinkage_chart(artists(101))
    assert sum(dot["artists"] for dot in drawn(many["layer"][1])) == 101
    assert sum(row["artists"] for row in table) == 101
    assert [row["label"] for row in table] == ["1 track", "2 to 4", "5 to 9", "10 to 29", "30 or more"]
    compiled(few)
    compiled(many)


def score(pooling: Any, judged: Any, difference: float, *, features: bool = False) -> Score:
    return Score(
        judged=judged, pooling=pooling, features=features, tracks=100, artists=10, elpd=-400 + difference, elpd_se=9.0,
        difference=difference, difference_se=2.0, mae=10.0, rmse=12.0, inside_50=0.5, inside_90=0.91,
    )  # fmt: skip


def test_a_model_far_off_does_not_push_the_others_together() -> None:
    scores = (
        score("partial", "known", 0.0),
        score("none", "known", -5.0),
        score("complete", "known", -9.0),
        score("none", "new", -4000.0),
    )
    evaluation = Evaluation(
        key="k", sources=(), parameters={}, steps={}, tracks=900, artists=90, held_out=100, reference="partial",
        scores=scores, conclusions=(),
    )  # fmt: skip
    spec = pooling_chart(evaluation)
    assert [(row["name"], row["difference"]) for row in drawn(spec)] == [
        ("partial", 0.0),
        ("none", -0.05),
        ("complete", -0.09),
    ]
    compiled(spec)


def test_who_moved_is_drawn_from_where_to_where() -> None:
    risen = [{"artist": "A", "tracks": 3, "mean": 60.0, "change": 4.0, "rank": 1}]
    fallen = [{"artist": "B", "tracks": 3, "mean": 30.0, "change": -2.5, "rank": 9}]
    spec = changes_chart(Changes("v", 0, 0, 2, 3.0, risen, fallen))
    assert spec
    assert [(row["name"], row["before"], row["now"]) for row in drawn(spec)] == [("A", 56.0, 60.0), ("B", 32.5, 30.0)]
    compiled(spec)
    assert changes_chart(Changes("v", 0, 0, 0, 0.0, [], [])) is None
