"""What the figures are drawn with: paper, labels that strangers may have written, intervals, files.

Drawn on `Figure` objects, without pyplot: no window system, and no state shared between threads.
"""

from __future__ import annotations

import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from tasks.publish.fonts import FAMILY, FONT, fallback_for, has_font
from tasks.publish.text import ELLIPSIS
from tasks.publish.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

MARK, RAW, GRID, INK = "#0f766e", "#b45309", "#e5e5e0", "#33332f"
_DPI = 140
_LONGEST_LABEL, _LONGEST_NAMED = 30, 44  # characters
_UNSEEN = frozenset({"Cf", "Mn", "Me"})  # joiners, marks on letters: left out where they cannot be drawn


def save(figure: Figure, path: Path) -> None:
    """Write a figure; the same picture has the same bytes."""
    # No software and no date in the file.
    figure.savefig(path, format="png", dpi=_DPI, metadata={"Software": None})


def drawable(text: str) -> str:
    """Return `text` as it can be drawn here, without a box and without a warning.

    A letter that no font of this machine has is named: an emoji ``(musical note)``, letters by their code points
    ``(U+6771 U+4EAC)``.
    """
    letters = [
        letter
        for letter in visible(text, _LONGEST_LABEL)
        if has_font(letter) or unicodedata.category(letter) not in _UNSEEN
    ]
    runs = [(here, list(run)) for here, run in groupby(letters, key=has_font)]
    written = "".join("".join(run) if here else _named(run) for here, run in runs)
    return written if len(written) <= _LONGEST_NAMED else written[: _LONGEST_NAMED - 1] + ELLIPSIS


def _named(letters: list[str]) -> str:
    """Return what stands for letters that cannot be drawn."""
    names = [
        unicodedata.name(letter, f"U+{ord(letter):04X}").lower()
        if unicodedata.category(letter) == "So"
        else f"U+{ord(letter):04X}"
        for letter in letters
    ]
    return f"({' '.join(names)})"


def label_font(texts: Sequence[str]) -> Any:
    """Return the font of labels: our own, and behind it those of this machine that have what it lacks."""
    others = dict.fromkeys(found for text in texts for letter in text if (found := fallback_for(letter)))
    if not others:
        return FontProperties(
            fname=str(FONT), size=8
        )  # a file is found at once, a family is looked for again and again
    return FontProperties(family=[FAMILY, *others], size=8)


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
    shown = [f"\N{LEFT-TO-RIGHT MARK}{drawable(name)}" for name in names]
    axes.set_yticks(at, shown, parse_math=False, fontproperties=label_font(shown))
    axes.set_ylim(max(*at, room, 0) + 0.7, -0.7)


def intervals(axes: Axes, rows: Sequence[Any], at: Sequence[float]) -> None:
    """Draw ``low``, ``mean`` and ``high`` of each row."""
    axes.hlines(at, [row.low for row in rows], [row.high for row in rows], color=MARK, alpha=0.45, linewidth=3.5)
    axes.scatter([row.mean for row in rows], at, color=MARK, s=22, zorder=3)
