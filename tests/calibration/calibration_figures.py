"""The figures of docs/calibration.md: how far ranks are from even, what intervals cover, what a fault shows."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image
from quantities import TABLES
from telling import LEVELS, power, ranks_of
from uniformity import POINTS, band, below, coverage
from variants import VARIANTS

from tasks.publish.canvas import INK, MARK, RAW, paper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Records = Sequence[Mapping[str, Any]]

_LIGHT = "#99d5cf"
_SIZES = (25, 50, 100, 200, 300)
_COLOURS = 48


def draw(found: Mapping[str, Records], folder: Path) -> None:
    """Write the figures of the variants there are.

    Parameters
    ----------
    found : mapping of str to records
    folder : Path
    """
    if "partial" in found:
        save(_one_by_one(found["partial"]), folder / "calibration.png")
        save(_faults(found["partial"]), folder / "calibration-fault.png")
    if len(found) > 1:
        save(_together(found), folder / "calibration-models.png")
        save(_coverage(found), folder / "coverage.png")


def save(figure: Figure, path: Path) -> None:
    """Write a figure with few colours, which makes it a third as large."""
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=110)
    Image.open(drawn).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def _steps(axes: Axes, ranks: np.ndarray, **how: Any) -> None:
    axes.plot([0, *POINTS, 1], [0, *(below(ranks) / len(ranks) - POINTS), 0], linewidth=1.2, **how)


def _band(axes: Axes, count: int, alarm: float, colour: str, **how: Any) -> None:
    low, high = band(count, alarm)
    axes.fill_between(
        [0, *POINTS, 1],
        [0, *(low / count - POINTS), 0],
        [0, *(high / count - POINTS), 0],
        color=colour,
        linewidth=0,
        **how,
    )


def _one_by_one(records: Records) -> Figure:
    ranks = ranks_of(records)
    rows = -(-len(ranks) // 5)
    figure, panels = paper(10.0, 0.9 + 1.35 * rows, 5, rows)
    for axes, (name, values) in zip(panels, ranks.items(), strict=False):
        _band(axes, len(records), 0.01 / len(ranks), _LIGHT, alpha=0.45)
        _steps(axes, values, color=MARK)
        axes.axhline(0, color=INK, linewidth=0.6)
        axes.set_title(name, fontsize=8)
        axes.set_xticks([0, 0.5, 1])
        axes.tick_params(labelsize=7)
    for axes in panels[len(ranks) :]:
        axes.set_axis_off()
    figure.supxlabel("rank of the truth among the draws, as a share", fontsize=9)
    figure.supylabel("share of corpora below, less what is even", fontsize=9)
    figure.suptitle(
        f"{len(records)} corpora from the prior: all {len(ranks)} lines stay in their bands in 99 of 100 such figures, "
        "if the engine is right",
        fontsize=11,
    )
    return figure


def _together(found: Mapping[str, Records]) -> Figure:
    columns = 4
    rows = -(-len(found) // columns)
    figure, panels = paper(10.0, 0.9 + 1.9 * rows, columns, rows)
    for axes, (name, records) in zip(panels, found.items(), strict=False):
        ranks = ranks_of(records)
        _band(axes, len(records), 0.01 / len(ranks), _LIGHT, alpha=0.45)
        for values in ranks.values():
            _steps(axes, values, color=MARK, alpha=0.5)
        axes.set_title(f"{VARIANTS[name].what}\n{len(records)} corpora, {len(ranks)} quantities", fontsize=8)
        axes.set_xticks([0, 0.5, 1])
        axes.tick_params(labelsize=7)
    for axes in panels[len(found) :]:
        axes.set_axis_off()
    figure.supxlabel("rank of the truth among the draws, as a share", fontsize=9)
    figure.suptitle("Every model: a line a quantity, and the band of all of them", fontsize=11)
    return figure


def _coverage(found: Mapping[str, Records]) -> Figure:
    kinds = [kind for kind in found["partial"][0]["covered"] if kind not in TABLES]
    figure, panels = paper(10.0, 1.2 + 0.34 * len(found), len(kinds))
    for axes, kind in zip(panels, kinds, strict=True):
        for place, (name, records) in enumerate(found.items()):
            for at, level in enumerate(LEVELS):
                if kind in records[0]["covered"]:
                    share, error, _ = coverage([record["covered"][kind][at] for record in records], level)
                    colour = MARK if name == "partial" else RAW
                    axes.errorbar(share, place, xerr=2 * error, fmt="o", color=colour, markersize=3, linewidth=1.2)
        for level in LEVELS:
            axes.axvline(level, color=INK, linewidth=0.8, linestyle="--")
        axes.set_yticks(range(len(found)), [VARIANTS[name].name for name in found], fontsize=8)
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.set_xticks(LEVELS, [f"{level:.0%}" for level in LEVELS])
        axes.set_title(kind, fontsize=9)
    figure.suptitle("What intervals of 50, 80 and 95 % cover, with two standard errors", fontsize=11)
    return figure


def _faults(records: Records) -> Figure:
    sound, off = ranks_of(records), ranks_of(records, "off")
    figure, (left, right) = paper(10.0, 3.4, 2)
    _band(left, len(records), 0.01 / len(sound), _LIGHT, alpha=0.45)
    _steps(left, sound["tau"], color=MARK, label="as it is")
    _steps(left, off["tau"], color=RAW, label="10 % too large")
    left.set_title(f"tau, in {len(records)} corpora", fontsize=10)
    left.set_xlabel("rank of the truth among the draws, as a share", fontsize=9)
    left.legend(fontsize=8, frameon=False)
    sizes = [size for size in _SIZES if size <= len(records)]
    for scale, colour in (("sigma", INK), ("tau", RAW)):
        found = [power(off[scale], size, len(sound)) for size in sizes]
        right.plot(sizes, found, color=colour, marker="o", markersize=3, label=f"{scale} 10 % too large")
    right.set_ylim(-0.03, 1.03)
    right.set_title("How often it is noticed, by the number of corpora", fontsize=10)
    right.set_xlabel("corpora", fontsize=9)
    right.legend(fontsize=8, frameon=False)
    return figure
