"""Rank plots of the parameters that fell short worst: where the draws of each chain rank among those of all.

A line a chain: the share of its draws among the lowest so many of all, less what is even. Of chains that agree all
lines stay near 0 (Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, Bayesian Analysis 16(2), section 4; drawn as
in Saeilynoja, Buerkner and Vehtari 2022, Statistics and Computing 32, without bins).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.gate.wording import in_order, printable

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.verdict import Verdict
    from tasks.gate.reading import Drawn

    Floats = NDArray[np.float64]

RANKS = "ranks.png"
_MOST, _MOST_CHAINS = 4, 8
_FEWEST_DRAWS, _FEWEST_CHAINS = 10, 2
_SHARES = np.linspace(0.02, 0.98, 97)
# Of a hundred plots of chains that agree, in draws that are independent, how many have all lines in the grey.
_INSIDE, _SIMULATED, _MOST_SIMULATED_DRAWS = 0.95, 400, 500
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
    if not chosen or drawn.draws < _FEWEST_DRAWS or drawn.chains < _FEWEST_CHAINS:
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 1 + 1.3 * len(chosen)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(chosen), 1, squeeze=False, sharex=True)[:, 0]
    band = even_band(drawn.chains, drawn.draws)
    for axes, name in zip(panels, chosen, strict=True):
        axes.fill_between(_SHARES, -band, band, color="#e7e5e4", linewidth=0)
        axes.axhline(0, color="#57534e", linewidth=0.8, linestyle="--")
        for chain, line in enumerate(unevenness(drawn.values[place_of[name]])[:_MOST_CHAINS]):
            axes.plot(_SHARES, line, color=_COLOURS[chain], linewidth=1.2, label=f"chain {chain + 1}")
        axes.set_title(printable(name).replace("$", r"\$"), fontsize=9, loc="left")
        axes.set_xlim(0, 1)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel(
        "rank among all draws. A line is how many more of a chain's draws rank below than should (shares); of chains\n"
        f"that agree, in draws that are independent, all lines stay in the grey in {_INSIDE:.0%} of such plots",
        fontsize=8,
    )
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", fontsize=7, frameon=False, ncols=4)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def unevenness(values: Floats) -> Floats:
    """Return the share of a chain's draws that rank below a share of all, less that share.

    Parameters
    ----------
    values : ndarray, shape (chains, draws)

    Returns
    -------
    ndarray, shape (chains, 97)
        At the shares 0.02, 0.03, ..., 0.98.
    """
    ranks = np.argsort(np.argsort(values, axis=None, kind="stable"), kind="stable").reshape(values.shape)
    below = np.searchsorted((np.arange(values.size) + 0.5) / values.size, _SHARES)
    return np.stack([np.searchsorted(np.sort(own), below) / len(own) for own in ranks]) - _SHARES


def even_band(chains: int, draws: int) -> Floats:
    """Return how far from 0 all lines of a plot stay, of chains that agree and draws that are independent.

    The number of a chain's draws among the lowest of all is hypergeometric; the band is so many of its sds, by
    simulation: as many as hold all lines of 95 of 100 plots at all shares at once.

    Parameters
    ----------
    chains, draws : int

    Returns
    -------
    ndarray, shape (97,)
    """

    def sds(count: int) -> Floats:
        spread: Floats = np.sqrt(_SHARES * (1 - _SHARES) / count * (1 - 1 / chains))
        return spread

    simulated = min(draws, _MOST_SIMULATED_DRAWS)  # in sds, the furthest is nearly the same whatever their number
    generator = np.random.default_rng(1)
    plots = (unevenness(generator.random((chains, simulated))) for _ in range(_SIMULATED))
    furthest = [float((np.abs(plot) / sds(simulated)).max()) for plot in plots]
    band: Floats = np.quantile(furthest, _INSIDE) * sds(draws)
    return band
