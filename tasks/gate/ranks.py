"""Rank plots of the parameters that fell short worst: where the draws of each chain rank among those of all.

Chains that agree have as many draws in each bin (Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, Bayesian
Analysis 16(2), section 4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.gate.wording import in_order, printable

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.verdict import Verdict
    from tasks.gate.reading import Drawn

RANKS = "ranks.png"
_MOST, _BINS, _MOST_CHAINS = 4, 20, 8
_COLOURS = ("#0f766e", "#b45309", "#1d4ed8", "#9d174d", "#4d7c0f", "#6d28d9", "#0369a1", "#78716c")


def draw_ranks(verdict: Verdict, drawn: Drawn, path: Path) -> None:
    """Draw the ranks of at most four parameters, the worst first; nothing where there is nothing to draw.

    Parameters
    ----------
    verdict : Verdict
        One that did not pass.
    drawn : Drawn
    path : Path
        Of the PNG.
    """
    place_of = {name: place for place, name in enumerate(drawn.names)}
    chosen = [name for name in in_order(verdict) if name in place_of][:_MOST]
    if not chosen or drawn.draws < _BINS:
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 1 + 1.3 * len(chosen)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(chosen), 1, squeeze=False)[:, 0]
    for axes, name in zip(panels, chosen, strict=True):
        values = drawn.values[place_of[name]]
        ranks = np.argsort(np.argsort(values, axis=None, kind="stable"), kind="stable").reshape(values.shape)
        for chain, own in enumerate(ranks[:_MOST_CHAINS]):
            counts, edges = np.histogram(own, _BINS, (0, values.size))
            axes.stairs(counts, edges, color=_COLOURS[chain], linewidth=1.2, label=f"chain {chain + 1}")
        axes.axhline(values.shape[1] / _BINS, color="#57534e", linewidth=0.8, linestyle="--")
        axes.set_title(printable(name).replace("$", r"\\$"), fontsize=9, loc="left")
        axes.set_yticks([])
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right", "left"]].set_visible(False)
    panels[-1].set_xlabel(
        "rank among the draws of all chains; where chains agree, all lie about the dashed line", fontsize=8
    )
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", fontsize=7, frameon=False, ncols=4)
    figure.savefig(path, dpi=100, metadata={"Software": None})
