"""Vega-Lite, which the report draws with: its script, from a package that is pinned, and what its charts look like."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

_EXPORT = "window.vegaEmbed = vegaEmbed;"
_NOTICE = Path(__file__).parent / "templates" / "notice.js"  # the licences ask that it stands wherever the script does
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"  # a name; nobody is asked for it
_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'
# Colours are the page's own variables, so that charts follow it by day, by night and on paper.
CONFIG: dict[str, Any] = {
    "background": None,
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": "var(--line)",
        "labelColor": "var(--ink)",
        "labelFontSize": 12,
        "labelPadding": 6,
        "titleColor": "var(--quiet)",
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "axisY": {"labelLimit": 190},
    "legend": {
        "labelColor": "var(--ink)",
        "labelFontSize": 12,
        "titleColor": "var(--quiet)",
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "symbolStrokeWidth": 0,
    },
    "text": {"color": "var(--ink)", "fontSize": 12},
    "rule": {"color": "var(--ink)"},
}


@cache
def script() -> str:
    """Return Vega-Embed with all it needs, as JavaScript that sets ``vegaEmbed``; the same version gives the same text.

    It takes a second: a bundler runs in there.
    """
    import vl_convert

    bundle: str = vl_convert.javascript_bundle(_EXPORT)
    # An element of a page is ended by these, wherever they stand.
    return _NOTICE.read_text(encoding="utf-8") + bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def chart(description: str, **parts: Any) -> dict[str, Any]:
    """Return a Vega-Lite specification that is as wide as its place on the page.

    Parameters
    ----------
    description : str
        What it shows, for who cannot see it.
    **parts
        The rest: data, marks, encodings.
    """
    return {
        "$schema": _SCHEMA,
        "description": description,
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": CONFIG,
        **parts,
    }
