"""Where things stand in the report's own charts, which are HTML and SVG.

They follow the colours of the page, by day and by night, and stay legible on a phone; the PNG figures do neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.publish.text import number

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

MOST_DOTS = 20_000
_WIDE = 50  # points, beyond which there is a tick only every 20
_FEW = 400  # artists, below which there is room for larger dots
_SIZE = 400  # of the plot's area, in the units of the SVG
# Dots by the number of tracks: from how many on, the label, and the width of the dot.
_CLASSES = ((1, "1 track", 3), (2, "2 to 4", 4), (5, "5 to 9", 6), (10, "10 to 29", 8), (30, "30 or more", 11))


@dataclass(frozen=True)
class Bar:
    """An interval with its middle, in percent of the width of its cell.

    Parameters
    ----------
    left, width, middle : float
    zero : float or None
        Where the line of no effect goes, if the bar has one.
    """

    left: float
    width: float
    middle: float
    zero: float | None = None


@dataclass(frozen=True)
class Scale:
    """A linear scale from data to percent.

    Parameters
    ----------
    low, high : float
        What stands at 0 % and at 100 %.
    """

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float]) -> Scale:
        """Return a scale that holds all finite `values`."""
        finite = [value for value in values if value is not None and math.isfinite(value)]
        low, high = min(finite, default=0.0), max(finite, default=1.0)
        return cls(low, high if high > low else low + 1.0)

    def at(self, value: float) -> float:
        """Return where `value` stands, in percent."""
        return round(100 * (value - self.low) / (self.high - self.low), 1)

    def bar(self, low: float, middle: float, high: float, zero: float | None = None) -> Bar:
        """Return the bar of an interval."""
        left, right = self.at(low), self.at(high)
        at_zero = None if zero is None else self.at(zero)
        return Bar(left, round(right - left, 1), self.at(middle), at_zero)


@dataclass(frozen=True)
class Dots:
    """Artists with about as many tracks.

    Parameters
    ----------
    label : str
    width : float
        Of a dot.
    path : str
        SVG path data, a line of no length for each dot.
    count : int
    """

    label: str
    width: float
    path: str
    count: int


@dataclass(frozen=True)
class Shrinkage:
    """The shrinkage chart.

    Parameters
    ----------
    size : int
        Side of its square.
    ticks : list of (float, str)
        Position and label; both axes have the same.
    dots : list of Dots
    shown, total : int
        Artists with a dot, and artists.
    """

    size: int
    ticks: list[tuple[float, str]]
    dots: list[Dots]
    shown: int
    total: int


def shrinkage(artists: pa.Table) -> Shrinkage:
    """Lay out posterior mean against raw mean.

    Parameters
    ----------
    artists : pyarrow.Table
        As published, by rank. Of more than `MOST_DOTS`, every second, third, ... gets a dot.
    """
    import numpy as np

    step = -(-artists.num_rows // MOST_DOTS) or 1
    raw, mean, tracks = (artists[name].to_numpy()[::step] for name in ("raw_mean", "mean", "tracks"))
    finite = np.concatenate([raw, mean])
    finite = finite[np.isfinite(finite)]
    low = math.floor(finite.min(initial=0) / 10) * 10
    high = math.ceil(finite.max(initial=10) / 10) * 10
    scale = Scale(low, high)

    def place(values: np.ndarray) -> np.ndarray:
        return np.round(_SIZE * (values - scale.low) / (scale.high - scale.low)).astype(int)

    across, down = place(raw), _SIZE - place(mean)
    limits = [first for first, _, _ in _CLASSES]
    group = np.searchsorted(limits, tracks, side="right") - 1
    few = 1.7 if len(raw) < _FEW else 1.0
    dots = []
    for index, (_, label, width) in enumerate(_CLASSES):
        chosen = np.flatnonzero(group == index)
        path = "".join(f"M{x} {y}h0" for x, y in zip(across[chosen].tolist(), down[chosen].tolist(), strict=True))
        dots.append(Dots(label, width * few, path, len(chosen)))
    every = 20 if high - low > _WIDE else 10
    first = math.ceil(low / every) * every
    ticks = [(scale.at(value) * _SIZE / 100, number(value, 0)) for value in range(first, high + 1, every)]
    return Shrinkage(_SIZE, ticks, dots, len(raw), artists.num_rows)
