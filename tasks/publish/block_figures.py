"""Figures of what the parts of the model are worth: blocks and their shares, slopes by genre."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from tasks.publish.canvas import INK, MARK, RAW, drawable, label, label_font, paper, save
from tasks.publish.parts import Correlations, Share, SlopeTable, correlations, shares, slope_table
from tasks.publish.text import number, percent, share_text, signed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tasks.publish.evidence import Evidence

_MOST_GENRES = 30
_TWO_SIDED = LinearSegmentedColormap.from_list("below and above", [RAW, "#ffffff", MARK])
_PALE = 0.62  # of the strongest colour, up to which dark ink is read on it


def draw_block_figures(folder: Path, evidence: Evidence) -> None:
    """Write ``blocks.png``, unless there is nothing to show, and ``slopes.png`` where there are slopes."""
    between, parts = correlations(evidence.design), shares(evidence)
    if between or parts:
        save(_blocks(between, parts, evidence), folder / "blocks.png")
    table = slope_table(evidence, _MOST_GENRES)
    if table:
        save(_slopes(table, evidence.sampling.interval), folder / "slopes.png")


def _blocks(between: Correlations | None, parts: list[Share], evidence: Evidence) -> Figure:
    room = max(len(between.features) if between else 0, len(parts), 4)
    figure, (left, right) = paper(11.5, 1.9 + 0.36 * room, columns=2)
    if between:
        learned = evidence.design.blocks_from == "learned"
        _heat(left, between.matrix, 1.0, digits=2)
        _names(left, between.features, between.features)
        for _, start, stop in between.spans():
            size = stop - start
            left.add_patch(
                Rectangle((start - 0.5, start - 0.5), size, size, fill=False, edgecolor=INK, linewidth=1.8, zorder=4)
            )
        left.set_title(f"Correlations of the features, in {'learned' if learned else 'declared'} blocks", fontsize=11)
    else:
        _nothing(left, "no two features in this model")
    if parts:
        _shares(right, parts, evidence.sampling.interval)
    else:
        _nothing(right, "without pooling, artists' share is not estimated")
    return figure


def _shares(axes: Axes, parts: list[Share], interval: float) -> None:
    blocks = sum(bool(part.block) for part in parts)
    at = [place + (0.6 if place >= blocks > 0 else 0.0) for place in range(len(parts))]
    colours = [RAW if part.block else MARK for part in parts]
    axes.barh(at, [part.mean for part in parts], height=0.55, color=colours, alpha=0.4)
    axes.hlines(at, [part.low for part in parts], [part.high for part in parts], color=colours, linewidth=2.5)
    axes.axvline(0, color=INK, linewidth=0.8)
    for place, part in zip(at, parts, strict=True):
        axes.text(max(part.high, 0) + 0.012, place, share_text(part.mean), va="center", fontsize=8, color=INK)
    label(axes, [part.name for part in parts], at)
    low, high = min([0.0, *(part.low for part in parts)]), max(part.high for part in parts)
    axes.set_xlim(low - 0.03, high + 0.12)
    axes.xaxis.set_major_formatter(lambda value, _: percent(value))
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"share of the variance; lines hold {percent(interval)}", fontsize=9)
    axes.set_title("What goes with each block and part", fontsize=11)


def _slopes(table: SlopeTable, interval: float) -> Figure:
    names = ["all genres", *(genre for genre, _ in table.genres)]
    rows = [table.common, *(slopes for _, slopes in table.genres)]
    figure, (axes,) = paper(3.2 + 0.62 * len(table.common), 2.3 + 0.27 * len(rows))
    _heat(axes, [[cell.mean for cell in row] for row in rows], table.strongest, digits=1)
    _names(axes, names, [each.name for each in table.common])
    for down, (_, slopes) in enumerate(table.genres, start=1):
        for across, slope in enumerate(slopes):
            if slope.apart:
                box = Rectangle((across - 0.5, down - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=1.2, zorder=4)
                axes.add_patch(box)
    axes.axhline(0.5, color=INK, linewidth=1.2)
    cut = (
        f"\nthe {len(table.genres)} of {table.total:,} genres that differ most"
        if len(table.genres) < table.total
        else ""
    )
    axes.set_title(f"What one sd of a feature is worth, points, genre by genre{cut}", fontsize=11)
    axes.set_xlabel(f"framed: the {percent(interval)} interval leaves the common slope out", fontsize=9)
    return figure


def _heat(axes: Axes, matrix: Sequence[Sequence[float]], strongest: float, *, digits: int) -> None:
    """Draw numbers on colours: below zero, and above."""
    limit = strongest or 1.0
    axes.imshow(np.array(matrix), cmap=_TWO_SIDED, vmin=-limit, vmax=limit, aspect="auto")
    axes.grid(visible=False)
    for down, row in enumerate(matrix):
        for across, value in enumerate(row):
            ink = INK if abs(value) <= _PALE * limit else "white"
            text = number(value, digits) if digits > 1 else signed(value, digits)
            cell = axes.text(across, down, text, ha="center", va="center", fontsize=7, color=ink)
            cell.set_in_layout(False)  # it is inside its panel; measuring hundreds takes as long as drawing them


def _names(axes: Axes, down: Sequence[str], across: Sequence[str]) -> None:
    label(axes, down, range(len(down)))
    axes.set_ylim(len(down) - 0.5, -0.5)
    shown = [drawable(name) for name in across]
    axes.set_xticks(
        range(len(across)),
        shown,
        parse_math=False,
        rotation=40,
        ha="right",
        rotation_mode="anchor",
        fontproperties=label_font(shown),
    )


def _nothing(axes: Axes, why: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", fontsize=9)
