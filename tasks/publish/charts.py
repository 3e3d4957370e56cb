"""The report's charts as Vega-Lite specifications: intervals on a line, shares, what the priors expect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tasks.publish.text import number, percent, share_text, signed
from tasks.publish.vega import chart
from tasks.publish.visible import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.publish.parts import PriorCheck, Share

Spec = dict[str, Any]

MOST_BARS = 40
ROW = 26  # pixels
_AXIS = 130  # pixels that the names take, so that charts under each other start together
BAND = 0.75  # opacity: less than that, and a line does not stand out enough from the page


class Interval(Protocol):
    """What `intervals` draws: a name, a middle and two ends."""

    @property
    def name(self) -> str: ...  # noqa: D102 - as the class says
    @property
    def mean(self) -> float: ...  # noqa: D102 - as the class says
    @property
    def low(self) -> float: ...  # noqa: D102 - as the class says
    @property
    def high(self) -> float: ...  # noqa: D102 - as the class says


def rounded(value: float, digits: int = 3) -> float:
    """Return `value` as short as a chart needs it."""
    return round(float(value), digits)


def named(title: str = "") -> Spec:
    """Return the axis down the side: names in the order they come in."""
    return {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "axis": {
            "title": title or None,
            "minExtent": _AXIS,
            "maxExtent": _AXIS,
            "labelLimit": _AXIS - 8,
            "grid": False,
        },
    }


def along(field: str, title: str, domain: Sequence[float] | None = None, **axis: Any) -> Spec:
    """Return an axis from left to right, with a line at zero that stands out.

    Parameters
    ----------
    field, title : str
        What is drawn along it, and what it says.
    domain : (float, float), optional
        Its ends.
    **axis
        Whatever else Vega-Lite's axes have.
    """
    scale: Spec = {"zero": False, "nice": domain is None}
    if domain is not None:
        scale["domain"] = [rounded(end) for end in domain]
    nought = {"condition": {"test": "datum.value === 0", "value": "var(--zero)"}, "value": "var(--line)"}
    axis = {"tickCount": 6, "gridColor": nought, **axis}
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": axis}


def domain_of(rows: Sequence[Interval]) -> tuple[float, float]:
    """Return an axis that holds all intervals, and zero."""
    ends = [0.0, *(end for row in rows for end in (row.low, row.high))]
    room = 0.04 * (max(ends) - min(ends)) or 1.0
    return min(ends) - room, max(ends) + room


def intervals(rows: Sequence[Interval], description: str, title: str, domain: Sequence[float], interval: float) -> Spec:
    """Draw a line and a dot for each row: effects of features, of genres.

    Parameters
    ----------
    rows : sequence of Interval
        Of more than `MOST_BARS`, the first and the last are drawn.
    description, title : str
        For who cannot see it, and of the axis.
    domain : (float, float)
        Of the axis: charts beside each other share one.
    interval : float
        Probability inside it.
    """
    drawn = [*rows[: MOST_BARS // 2], *rows[-MOST_BARS // 2 :]] if len(rows) > MOST_BARS else list(rows)
    values = [
        {
            "name": name,
            "mean": rounded(row.mean),
            "low": rounded(row.low),
            "high": rounded(row.high),
            "effect": signed(row.mean),
            "between": f"{signed(row.low)} to {signed(row.high)}",
            "sign": "up" if row.low > 0 else "down" if row.high < 0 else "open",
        }
        for name, row in zip(distinct(row.name for row in drawn), drawn, strict=True)
    ]
    tooltip = [
        {"field": "name", "title": "name"},
        {"field": "effect", "title": "effect, points"},
        {"field": "between", "title": f"{percent(interval)} interval"},
    ]
    colour = {
        "field": "sign",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": ["up", "open", "down"], "range": ["var(--accent)", "var(--quiet)", "var(--below)"]},
    }
    across = along("low", title, domain)
    return chart(
        description,
        height=ROW * len(values),
        data={"values": values},
        encoding={"y": named(), "tooltip": tooltip},
        layer=[
            {
                "mark": {"type": "rule", "strokeWidth": 4, "strokeCap": "round", "opacity": BAND},
                "encoding": {"x": across, "x2": {"field": "high"}, "color": colour},
            },
            {
                "mark": {"type": "circle", "size": 90, "opacity": 1},
                "encoding": {"x": {**across, "field": "mean"}, "color": colour},
            },
        ],
    )


def shares_chart(rows: Sequence[Share], interval: float) -> Spec:
    """Draw what part of the variance goes with what."""
    values = [
        {
            "name": name,
            "mean": rounded(row.mean, 5),
            "low": rounded(row.low, 5),
            "high": rounded(row.high, 5),
            "share": share_text(row.mean),
            "between": f"{share_text(row.low)} to {share_text(row.high)}",
            "kind": "block" if row.block else "part",
        }
        for name, row in zip(distinct(row.name for row in rows), rows, strict=True)
    ]
    across = {**along("mean", "share of the variance", format="%"), "scale": {"nice": True}}
    lower = {**across, "field": "low"}
    colour = {
        "field": "kind",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": ["block", "part"], "range": ["var(--below)", "var(--accent)"]},
    }
    return chart(
        "How much of the variance of popularity goes with each part of the model.",
        height=ROW * len(values),
        data={"values": values},
        encoding={
            "y": named(),
            "tooltip": [
                {"field": "name", "title": "part"},
                {"field": "share", "title": "share"},
                {"field": "between", "title": f"{percent(interval)} interval"},
            ],
        },
        layer=[
            {"mark": {"type": "bar", "height": 14, "cornerRadius": 3}, "encoding": {"x": across, "color": colour}},
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {"x": lower, "x2": {"field": "high"}}},
            {
                "mark": {"type": "text", "align": "left", "dx": 7},
                "encoding": {"x": {**across, "field": "high"}, "text": {"field": "share"}},
            },
        ],
    )  # fmt: skip


def priors_chart(check: PriorCheck) -> Spec:
    """Draw what the priors expect of the data, and what was seen."""
    values = [
        {
            "name": row.name,
            "low": rounded(row.low, 2),
            "median": rounded(row.median, 2),
            "high": rounded(row.high, 2),
            "seen": rounded(row.observed, 2),
            "expected": f"{number(row.low)} to {number(row.high)}",
            "lies": row.lies,
        }
        for row in check.rows
    ]
    across = along("low", "points")
    return chart(
        "What the priors expect of each quantity, as a line, and what was seen, as a diamond.",
        height=(ROW + 6) * len(values),
        data={"values": values},
        encoding={
            "y": {**named(), "axis": {**named()["axis"], "minExtent": 150, "maxExtent": 150, "labelLimit": 145}},
            "tooltip": [
                {"field": "name", "title": "quantity"},
                {"field": "expected", "title": "expected"},
                {"field": "seen", "title": "seen"},
            ],
        },
        layer=[
            {
                "mark": {
                    "type": "rule",
                    "strokeWidth": 6,
                    "strokeCap": "round",
                    "opacity": BAND,
                    "color": "var(--quiet)",
                },
                "encoding": {"x": across, "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "shape": "diamond", "size": 110, "filled": True, "opacity": 1},
                "encoding": {
                    "x": {**across, "field": "seen"},
                    "color": {
                        "field": "lies",
                        "type": "nominal",
                        "legend": None,
                        "scale": {
                            "domain": ["within", "below", "above"],
                            "range": ["var(--accent)", "var(--bad)", "var(--bad)"],
                        },
                    },
                },
            },
        ],
    )
