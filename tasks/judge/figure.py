"""``shrinkage.png``: what an artist's seen tracks say of unseen ones, and what each pooling makes of it.

Drawn on a `Figure`, without pyplot: no window system, and no state shared between threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DPI = 140
_GRID, _INK = "#e5e5e0", "#33332f"
_LINES = {"partial": ("#0f766e", "-"), "none": ("#b45309", "--"), "complete": ("#1d4ed8", ":")}
_WORD = {"partial": "partial pooling", "none": "no pooling", "complete": "complete pooling"}
_TRACKS = ((1, 1), (2, 3), (4, 9), (10, None))
_FEWEST, _A_DOT, _MOST_DOTS = 30, 12, 9


class Seen(NamedTuple):
    """n held-out tracks of artists of whom others were seen.

    Parameters
    ----------
    raw_mean, tracks : ndarray, shape (n,)
        Mean popularity, in points, and number of the artist's tracks in training.
    popularity : ndarray, shape (n,)
    """

    raw_mean: Floats
    tracks: Floats
    popularity: Floats


def draw_shrinkage(seen: Seen, predicted: Mapping[str, Floats], path: Path) -> None:
    """Draw held-out popularity, and the predictions of it, against the raw mean of the artist's seen tracks.

    Parameters
    ----------
    seen : Seen
        n tracks, at least one.
    predicted : mapping
        By pooling, the predictive means, shape (n,), in points.
    path : Path
    """
    groups = []
    for low, high in _TRACKS:
        inside = (seen.tracks >= low) & (seen.tracks <= (np.inf if high is None else high))
        label = (
            f"{low} seen track"
            if low == high
            else f"{low}+ seen tracks"
            if high is None
            else f"{low} to {high} seen tracks"
        )
        if inside.sum() >= _FEWEST:
            groups.append((inside, label))
    groups = groups or [(np.ones(len(seen.tracks), dtype=bool), "all artists")]
    figure = Figure(figsize=(1.2 + 2.9 * len(groups), 4.1), dpi=_DPI, layout="constrained", facecolor="white")
    first: Axes | None = None
    for place, (inside, label) in enumerate(groups):
        axes = figure.add_subplot(1, len(groups), place + 1, sharex=first, sharey=first)
        first = first or axes
        _panel(axes, seen, predicted, inside)
        axes.set_title(f"{label} ({inside.sum():,} held out)", fontsize=9)
        axes.tick_params(labelleft=not place)
    assert first is not None  # noqa: S101 - there is always a group
    first.set_ylabel("popularity of held-out tracks, points", fontsize=9)
    figure.supxlabel("raw mean popularity of the artist's seen tracks, points", fontsize=9)
    handles, labels = first.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper center", fontsize=8, frameon=False, ncols=4 if len(groups) > 1 else 2
    )
    # No software and no date in the file: the same picture has the same bytes.
    figure.savefig(path, format="png", dpi=_DPI, metadata={"Software": None})


def _panel(axes: Axes, seen: Seen, predicted: Mapping[str, Floats], inside: NDArray[np.bool_]) -> None:
    raw, popularity = seen.raw_mean[inside], seen.popularity[inside]
    dots = int(np.clip(len(raw) // _A_DOT, 1, _MOST_DOTS))
    edges = np.unique(np.quantile(raw, np.linspace(0, 1, dots + 1)))[1:-1]
    bins = [np.flatnonzero(np.digitize(raw, edges) == number) for number in range(len(edges) + 1)]
    bins = [members for members in bins if len(members)]
    x = [raw[members].mean() for members in bins]
    for pooling, values in predicted.items():
        colour, style = _LINES[pooling]
        height = [values[inside][members].mean() for members in bins]
        axes.plot(x, height, color=colour, linestyle=style, linewidth=1.8, label=_WORD[pooling])
    means = [popularity[members].mean() for members in bins]
    errors = [2 * popularity[members].std() / len(members) ** 0.5 for members in bins]
    axes.errorbar(
        x, means, errors, fmt="o", color=_INK, markersize=4, linewidth=1, label="held out, ± 2 standard errors"
    )
    axes.set_axisbelow(True)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.tick_params(length=0, labelsize=8, labelcolor=_INK)
    axes.spines[:].set_visible(False)
