"""What the figures are drawn with: paper, labels that strangers may have written, intervals, files.

Drawn on `Figure` objects, without pyplot: no window system, and no state shared between threads.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font

from tasks.publish.text import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

MARK, RAW, GRID, INK = "#0f766e", "#b45309", "#e5e5e0", "#33332f"
_FONT = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
_DPI = 140
_LONGEST_LABEL = 30  # characters


def save(figure: Figure, path: Path) -> None:
    """Write a figure; the same picture has the same bytes."""
    # No software and no date in the file.
    figure.savefig(path, format="png", dpi=_DPI, metadata={"Software": None})


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(_FONT).get_charmap())


def drawable(text: str) -> str:
    """Return `text` with what the font cannot draw as boxes, so that drawing it gives no warning."""

    def one(letter: str) -> str:
        if ord(letter) in _glyphs():
            return letter
        return "" if unicodedata.category(letter) in {"Cf", "Mn", "Me"} else "\N{WHITE SQUARE}"

    return "".join(one(letter) for letter in shortened(text, _LONGEST_LABEL))


def plain_font() -> Any:
    """Return the font of labels: one that is known to have the letters `drawable` leaves."""
    return FontProperties(fname=str(_FONT), size=8)


def paper(width: float, height: float, columns: int = 1, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure, in inches, and its panels, row by row."""
    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained", facecolor="white")
    made = [figure.add_subplot(rows, columns, place + 1) for place in range(rows * columns)]
    for axes in made:
        plain(axes)
    return figure, made


def plain(axes: Axes) -> None:
    """Give a panel the grid, and take its frame and ticks away."""
    axes.set_axisbelow(True)
    axes.grid(color=GRID, linewidth=0.8)
    axes.tick_params(length=0, labelsize=8, labelcolor=INK)
    axes.spines[:].set_visible(False)


def label(axes: Axes, names: Sequence[str], at: Sequence[float], room: int = 0) -> None:
    """Write names from strangers down the side: no mathtext, and a font that is known to have the letters."""
    # The mark keeps a name that is written from the right from moving its rank there too.
    axes.set_yticks(
        at, [f"\N{LEFT-TO-RIGHT MARK}{drawable(name)}" for name in names], parse_math=False, fontproperties=plain_font()
    )
    axes.set_ylim(max(*at, room, 0) + 0.7, -0.7)


def intervals(axes: Axes, rows: Sequence[Any], at: Sequence[float]) -> None:
    """Draw ``low``, ``mean`` and ``high`` of each row."""
    axes.hlines(at, [row.low for row in rows], [row.high for row in rows], color=MARK, alpha=0.45, linewidth=3.5)
    axes.scatter([row.mean for row in rows], at, color=MARK, s=22, zorder=3)
