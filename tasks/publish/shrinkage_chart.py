"""How far each artist is pulled: a dot an artist, or a dot for artists that lie together where there are thousands."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.publish.charts import rounded
from tasks.publish.text import counted
from tasks.publish.vega import chart

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_DOTS = 2_000
DOT = 0.8  # opacity
_ACROSS, _UP = 1.0, 2.0  # points, the size of a cell
# By the number of tracks: from how many on, and what they are called.
CLASSES = ((1, "1 track"), (2, "2 to 4"), (5, "5 to 9"), (10, "10 to 29"), (30, "30 or more"))
_LABELS = [label for _, label in CLASSES]
_HEIGHT = 460


def classes_of(tracks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place in `CLASSES` of each number of tracks."""
    return np.searchsorted([first for first, _ in CLASSES], tracks, side="right") - 1


def cells(raw: Floats, mean: Floats, tracks: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Gather artists whose means lie together and who have about as many tracks.

    Parameters
    ----------
    raw, mean : ndarray, shape (artists,)
        Raw and posterior means, in points; both finite.
    tracks : ndarray of int, shape (artists,)

    Returns
    -------
    list of dict
        ``raw`` and ``mean`` of those in a cell, ``tracks`` its class, ``artists`` how many are in it.
    """
    group = classes_of(tracks)
    keys = np.stack([group, np.floor(raw / _ACROSS).astype(np.int64), np.floor(mean / _UP).astype(np.int64)], axis=1)
    found, cell, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    middle = [np.bincount(cell, weights=values) / counts for values in (raw, mean)]
    return [
        {"raw": rounded(across, 1), "mean": rounded(up, 1), "tracks": _LABELS[place], "artists": count}
        for across, up, place, count in zip(*middle, found[:, 0].tolist(), counts.tolist(), strict=True)
    ]


def shrinkage_chart(artists: pa.Table) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the chart of posterior against raw means, and the table behind it: the pull, by number of tracks.

    Parameters
    ----------
    artists : pyarrow.Table
        As published, by rank.
    """
    raw, mean = (artists[name].to_numpy() for name in ("raw_mean", "mean"))
    tracks = artists["tracks"].to_numpy()
    there = np.isfinite(raw) & np.isfinite(mean)
    raw, mean, tracks = raw[there], mean[there], tracks[there]
    low = math.floor(min(raw.min(initial=0), mean.min(initial=0)) / 10) * 10
    high = math.ceil(max(raw.max(initial=10), mean.max(initial=10)) / 10) * 10
    gathered = len(raw) > MOST_DOTS
    if gathered:
        data: dict[str, Any] = {"values": cells(raw, mean, tracks)}
        size: dict[str, Any] = {
            "field": "artists",
            "type": "quantitative",
            "title": "artists in a dot",
            "scale": {"type": "sqrt", "range": [5, 150]},
        }
        tooltip = [{"field": "artists", "title": "artists here"}, {"field": "tracks", "title": "tracks of each"}]
    else:
        # The page takes names and numbers from the leaderboard's own data, by their place in it.
        data = {"name": "artists"}
        size = {
            "field": "count",
            "type": "quantitative",
            "title": "tracks",
            "scale": {"type": "sqrt", "range": [16, 420]},
        }
        tooltip = [{"field": "name", "title": "artist"}, {"field": "count", "title": "tracks"}]
    tooltip += [
        {"field": "raw", "title": "raw mean, points", "format": ".1f"},
        {"field": "mean", "title": "expected, points", "format": ".1f"},
    ]
    ends = {"domain": [low, high], "nice": False}
    columns = {"signal": "width < 420 ? 3 : 5"}  # on a phone, two rows
    colour = {
        "field": "tracks",
        "type": "ordinal",
        "sort": _LABELS,
        "title": "tracks",
        "scale": {"domain": _LABELS, "range": [f"var(--s{place + 1})" for place in range(len(_LABELS))]},
        "legend": {"orient": "top", "direction": "horizontal", "symbolOpacity": 1, "columns": columns},
    }
    axis, cursor = {"tickCount": 6}, "default" if gathered else "pointer"
    across = {"field": "raw", "type": "quantitative", "title": "raw mean, points", "scale": ends, "axis": axis}
    up = {"field": "mean", "type": "quantitative", "title": "expected, points", "scale": ends, "axis": axis}
    spec = chart(
        f"Posterior mean against raw mean of {counted(len(raw), 'artist')}: those with few tracks lie furthest from the"
        " diagonal, nearer the middle.",
        height=_HEIGHT,
        layer=[
            {
                "data": {"values": [{"from": low, "to": high}]},
                "mark": {"type": "rule", "strokeDash": [5, 5], "color": "var(--ink)"},
                "encoding": {
                    "x": {"field": "from", "type": "quantitative", "scale": ends},
                    "x2": {"field": "to"},
                    "y": {"field": "from", "type": "quantitative", "scale": ends},
                    "y2": {"field": "to"},
                },
            },
            {
                "data": data,
                "mark": {"type": "circle", "opacity": DOT, "cursor": cursor},
                "encoding": {
                    "x": across,
                    "y": up,
                    "size": {**size, "legend": None},
                    "color": colour,
                    "tooltip": tooltip,
                },
            },
        ],
    )
    return spec, _by_tracks(raw, mean, tracks)


def _by_tracks(raw: Floats, mean: Floats, tracks: NDArray[np.int64]) -> list[dict[str, Any]]:
    group = classes_of(tracks)
    rows = []
    for place, label in enumerate(_LABELS):
        chosen = group == place
        if not chosen.any():
            continue
        pull = np.abs(mean[chosen] - raw[chosen])
        spread = (float(raw[chosen].std()), float(mean[chosen].std()))
        rows.append(
            {
                "label": label,
                "artists": int(chosen.sum()),
                "pull": rounded(pull.mean(), 1),
                "raw": rounded(spread[0], 1),
                "mean": rounded(spread[1], 1),
            }
        )
    return rows
