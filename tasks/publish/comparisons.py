"""The report's charts that compare: with the last publication, between models, and of the model with the corpus."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from tasks.publish.charts import BAND, ROW, Spec, along, named, rounded
from tasks.publish.text import number, percent, share_text, signed
from tasks.publish.vega import chart
from tasks.publish.visible import distinct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.evaluation import Evaluation, Kind
    from tasks.publish.changes import Changes
    from tasks.publish.predictive import PredictiveCheck

_CLEAR = 2.0  # standard errors
# In nats a track: what is further off than both is left to the table.
_FAR, _FURTHER = 0.2, 8.0
_ORDER = ("partial", "none", "complete")
_KINDS: dict[Kind, str] = {
    "known": "tracks of known artists",
    "new": "tracks of new artists",
    "again": "left out one by one",
}


def changes_chart(changes: Changes) -> Spec | None:
    """Draw where those who moved most came from and went to; None where nobody moved."""
    rows = [*changes.risen, *reversed(changes.fallen)]
    if not rows:
        return None
    values = [
        {
            "name": name,
            "before": rounded(row["mean"] - row["change"], 2),
            "now": rounded(row["mean"], 2),
            "change": signed(row["change"]),
            "way": "up" if row["change"] > 0 else "down",
        }
        for name, row in zip(distinct(row["artist"] for row in rows), rows, strict=True)
    ]
    across = along("before", "expected popularity, points")
    colour = {
        "field": "way",
        "type": "nominal",
        "scale": {"domain": ["up", "down"], "range": ["var(--accent)", "var(--below)"]},
        "legend": None,
    }
    return chart(
        "The artists whose expected popularity moved most since the last publication: from where, to where.",
        height=ROW * len(values),
        data={"values": values},
        encoding={
            "y": named(),
            "color": colour,
            "tooltip": [
                {"field": "name", "title": "artist"},
                {"field": "before", "title": "before"},
                {"field": "now", "title": "now"},
                {"field": "change", "title": "change, points"},
            ],
        },
        layer=[
            {
                "mark": {"type": "rule", "strokeWidth": 3, "opacity": BAND},
                "encoding": {"x": across, "x2": {"field": "now"}},
            },
            {
                "mark": {"type": "point", "size": 60, "strokeWidth": 2, "fill": "var(--card)", "opacity": 1},
                "encoding": {"x": across},
            },
            {"mark": {"type": "circle", "size": 100, "opacity": 1}, "encoding": {"x": {**across, "field": "now"}}},
        ],
    )


def pooling_chart(evaluation: Evaluation) -> Spec:
    """Draw how far each model's predictions fall behind the reference's, in nats for each track."""
    names: Mapping[bool, str] = {True: " + features", False: ""}
    values, sizes = [], []
    for score in evaluation.scores:
        each = score.difference / score.tracks
        error = (score.difference_se or 0.0) / score.tracks * _CLEAR
        sizes.append(abs(each))
        values.append(
            {
                "name": f"{score.pooling}{names[score.features]}",
                "kind": _KINDS[score.judged],
                "difference": rounded(each, 5),
                "low": rounded(each - error, 5),
                "high": rounded(each + error, 5),
                "mae": number(score.mae, 2),
                "inside": percent(round(score.inside_90, 3)),
            }
        )
    # A model without pooling says nothing of artists it has not seen, and would push all others together.
    limit = max(_FAR, _FURTHER * statistics.median(sizes)) if sizes else _FAR
    shown = [row for row, size in zip(values, sizes, strict=True) if size <= limit]
    order = sorted({str(row["name"]) for row in shown}, key=lambda each: (_ORDER.index(each.split()[0]), each))
    across = along("low", f"log score for each track, against {evaluation.reference}: right is better")
    colour = {
        "field": "kind",
        "type": "nominal",
        "title": None,
        "legend": {"orient": "top", "direction": "horizontal", "columns": 1, "symbolType": "circle", "labelLimit": 300},
        "scale": {"domain": list(_KINDS.values()), "range": ["var(--accent)", "var(--below)", "var(--third)"]},
    }
    beside = {"field": "kind", "type": "nominal", "sort": list(_KINDS.values())}
    return chart(
        "How well each model predicts tracks that it has not seen, against the reference; lines: two standard errors.",
        height=16 * len(_KINDS) * len(order),
        data={"values": shown},
        encoding={
            "y": {**named(), "sort": order},
            "yOffset": beside,
            "color": colour,
            "tooltip": [
                {"field": "name", "title": "model"},
                {"field": "kind", "title": "predicting"},
                {"field": "difference", "title": "log score a track", "format": "+.4f"},
                {"field": "mae", "title": "mean absolute error, points"},
                {"field": "inside", "title": "inside the 90 % interval"},
            ],
        },
        layer=[
            {
                "mark": {"type": "rule", "strokeWidth": 3, "opacity": BAND},
                "encoding": {"x": across, "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "circle", "size": 80, "opacity": 1},
                "encoding": {"x": {**across, "field": "difference"}},
            },
        ],
    )


def predictive_chart(check: PredictiveCheck) -> Spec:
    """Draw how artists' averages are spread in the corpus, and in corpora that the model makes."""
    values = [
        {
            "from": rounded(start),
            "to": rounded(stop),
            "middle": rounded((start + stop) / 2),
            "seen": rounded(seen, 5),
            "low": rounded(low, 5),
            "high": rounded(high, 5),
            "expected": f"{share_text(low)} to {share_text(high)}",
            "lies": "within" if low <= seen <= high else "outside",
        }
        for start, stop, seen, low, high in zip(
            check.edges[:-1], check.edges[1:], check.seen, check.low, check.high, strict=True
        )
    ]
    across = {
        "field": "from",
        "type": "quantitative",
        "title": "average popularity of an artist's tracks, points",
        "scale": {"domain": [rounded(check.edges[0]), rounded(check.edges[-1])], "nice": False},
        "axis": {"tickCount": 6, "grid": False},
    }
    up = {
        "field": "seen",
        "type": "quantitative",
        "title": "share of the artists",
        "axis": {"format": "%", "tickCount": 5},
    }
    return chart(
        "How the averages of artists are spread: as bars in this corpus, as lines in corpora that the model makes.",
        height=260,
        data={"values": values},
        encoding={
            "tooltip": [
                {"field": "middle", "title": "around, points"},
                {"field": "seen", "title": "seen", "format": ".1%"},
                {"field": "expected", "title": "from the model"},
            ]
        },
        layer=[
            {
                "mark": {"type": "bar", "color": "var(--accent)", "opacity": BAND, "binSpacing": 2},
                "encoding": {"x": {**across, "bin": "binned"}, "x2": {"field": "to"}, "y": up},
            },
            {
                "mark": {"type": "rule", "strokeWidth": 4, "strokeCap": "round", "color": "var(--ink)"},
                "encoding": {"x": {**across, "field": "middle"}, "y": {**up, "field": "low"}, "y2": {"field": "high"}},
            },
        ],
    )
