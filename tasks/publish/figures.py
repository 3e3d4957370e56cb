"""``figures/*.png``: for slides and papers, where the report's own charts do not go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.publish.block_figures import draw_block_figures
from tasks.publish.canvas import INK, MARK, RAW, intervals, label, paper, save
from tasks.publish.text import percent

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from tasks.publish.coefficients import Coefficient
    from tasks.publish.evidence import Evidence
    from tasks.publish.predictive import PredictiveCheck

_ENDS = 15  # rows drawn from each end of a long list
_CHAINS = ("#0f766e", "#b45309", "#1d4ed8", "#9d174d", "#4d7c0f", "#6d28d9", "#0369a1", "#78716c")
_RANK_BINS = 20
_MOST_DOTS = 20_000  # artists in the figure of shrinkage, beyond which they are counted in hexagons
_MOST_RANK_PLOTS = 18


def draw_figures(folder: Path, artists: pa.Table, evidence: Evidence, check: PredictiveCheck | None = None) -> None:
    """Write the figures of a publication.

    Parameters
    ----------
    folder : Path
        Where to, made if need be.
    artists : pyarrow.Table
        As published, by rank.
    evidence : Evidence
        Everything else.
    check : PredictiveCheck, optional
        How the averages of artists would be spread if the model were all there is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save(_leaderboard(artists, evidence.sampling.interval), folder / "leaderboard.png")
    save(_shrinkage(artists), folder / "shrinkage.png")
    save(_effects(evidence), folder / "effects.png")
    save(_ranks(evidence), folder / "ranks.png")
    if check is not None:
        save(_predictive(check), folder / "predictive.png")
    draw_block_figures(folder, evidence)


def _leaderboard(artists: pa.Table, interval: float) -> Figure:
    count = artists.num_rows
    ends = count > 2 * _ENDS
    chosen = [*range(_ENDS), *range(count - _ENDS, count)] if ends else list(range(count))
    rows = artists.select(["artist", "raw_mean", "mean", "low", "high"]).take(chosen).to_pylist()
    at = [place + (1.0 if ends and place >= _ENDS else 0.0) for place in range(len(rows))]
    figure, (axes,) = paper(7.5, 1.6 + 0.24 * len(rows))
    axes.hlines(at, [row["low"] for row in rows], [row["high"] for row in rows], color=MARK, alpha=0.45, linewidth=3.5)
    axes.scatter([row["mean"] for row in rows], at, color=MARK, s=22, zorder=3, label="posterior mean")
    axes.scatter([row["raw_mean"] for row in rows], at, color=RAW, s=14, marker="x", label="raw mean", zorder=2)
    label(axes, [f"{index + 1:,}  {row['artist']}" for index, row in zip(chosen, rows, strict=True)], at)
    axes.set_xlabel(f"popularity, points; bars hold {percent(interval)} of the posterior", fontsize=9)
    axes.set_title(
        f"The first and last {_ENDS} of {count:,} artists" if ends else "Artists by posterior mean", fontsize=11
    )
    figure.legend(loc="outside lower right", fontsize=8, frameon=False, ncols=2)
    return figure


def _shrinkage(artists: pa.Table) -> Figure:
    raw, mean = (artists[name].to_numpy() for name in ("raw_mean", "mean"))
    tracks = artists["tracks"].to_numpy()
    figure, (axes,) = paper(7.0, 6.0)
    low, high = float(min(raw.min(), mean.min(), 0)), float(max(raw.max(), mean.max(), 1))
    axes.plot([low, high], [low, high], color=INK, linewidth=0.8, linestyle="--", label="no shrinkage", zorder=5)
    if len(raw) > _MOST_DOTS:
        drawn = axes.hexbin(raw, mean, gridsize=60, bins="log", mincnt=1, cmap="YlGnBu", linewidths=0, zorder=3)
        figure.colorbar(drawn, ax=axes, label="artists", shrink=0.6)
    else:
        # Area by tracks, its square root, so that one artist of a thousand tracks does not cover all others.
        axes.scatter(raw, mean, s=6 * np.sqrt(tracks), color=MARK, alpha=0.35, linewidths=0)
    axes.set_xlabel("raw mean popularity of its tracks, points", fontsize=9)
    axes.set_ylabel("posterior mean, points", fontsize=9)
    small = "" if len(raw) > _MOST_DOTS else " (the smaller the dot)"
    axes.set_title(f"Shrinkage: the fewer tracks{small}, the stronger the pull", fontsize=11)
    axes.legend(fontsize=8, frameon=False)
    return figure


def _predictive(check: PredictiveCheck) -> Figure:
    figure, (axes,) = paper(7.5, 4.2)
    middle, width = (check.edges[1:] + check.edges[:-1]) / 2, np.diff(check.edges)
    axes.bar(middle, check.seen, width=0.94 * width, color=MARK, alpha=0.55, label="this corpus")
    axes.vlines(
        middle, check.low, check.high, color=INK, linewidth=3, label="nine in ten corpora from the model", zorder=4
    )
    axes.yaxis.set_major_formatter(lambda value, _: percent(value))
    axes.set_xlabel("average popularity of an artist's tracks, points", fontsize=9)
    axes.set_ylabel("share of the artists", fontsize=9)
    axes.set_title("Posterior predictive check: averages of artists, seen and made by the model", fontsize=11)
    axes.legend(fontsize=8, frameon=False)
    return figure


def _effects(evidence: Evidence) -> Figure:
    features = [row for row in evidence.coefficients if row.kind == "feature"]
    features.sort(key=lambda row: (row.block, row.name))
    genres: list[Coefficient] = list(evidence.genres)
    if len(genres) > 2 * _ENDS:
        genres = [*genres[:_ENDS], *genres[-_ENDS:]]
    room = max(len(features), len(genres), 5) - 1  # both panels have as many rows, so that bars are equally far apart
    figure, (left, right) = paper(10.0, 1.8 + 0.24 * room, columns=2)
    for axes, rows, names in (
        (left, features, [f"{row.name} ({row.block})" for row in features]),
        (right, genres, [row.name for row in genres]),
    ):
        at = list(range(len(rows)))
        axes.axvline(0, color=INK, linewidth=0.8)
        intervals(axes, rows, at)
        label(axes, names, at, room)
        if not rows:
            axes.text(0.5, 0.5, "not in this model", transform=axes.transAxes, ha="center", fontsize=9)
    left.set_title("Audio features, by block", fontsize=11)
    left.set_xlabel("points of popularity for one sd of the feature", fontsize=9)
    shown = f" (first and last {_ENDS})" if len(genres) < len(evidence.genres) else ""
    right.set_title(f"Genres{shown}", fontsize=11)
    right.set_xlabel("points of popularity", fontsize=9)
    return figure


def rank_counts(draws: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Count, for each chain, where its draws rank among those of all chains.

    Parameters
    ----------
    draws : ndarray, shape (chains, draws)
    bins : int

    Returns
    -------
    ndarray, shape (chains, bins)
        Even where the chains agree (Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021,
        doi:10.1214/20-BA1221, section 4.2).
    """
    ranks = np.empty(draws.size, dtype=np.int64)
    ranks[np.argsort(draws, axis=None, kind="stable")] = np.arange(draws.size)
    place = (ranks * bins // draws.size).reshape(draws.shape)
    return np.stack([np.bincount(chain, minlength=bins) for chain in place])


def _ranks(evidence: Evidence) -> Figure:
    # What is fixed by construction (tau without pooling) has no ranks.
    names = [name for name, draws in evidence.posterior.scales.items() if np.ptp(draws) > 0][:_MOST_RANK_PLOTS]
    columns = min(3, max(len(names), 1))
    rows = max(-(-len(names) // columns), 1)
    figure, panels = paper(3.3 * columns, 0.8 + 2.0 * rows, columns, rows)
    edges = np.linspace(0, 1, _RANK_BINS + 1)
    for axes, name in zip(panels, names, strict=False):
        counts = rank_counts(evidence.posterior.scales[name], _RANK_BINS)
        expected = evidence.posterior.scales[name].shape[1] / _RANK_BINS
        for chain, line in enumerate(counts):
            axes.stairs(line / expected, edges, baseline=None, color=_CHAINS[chain % len(_CHAINS)], linewidth=1.2)
        axes.axhline(1, color=INK, linewidth=0.8, linestyle="--")
        axes.set_ylim(0, max(2.0, float(counts.max()) / expected * 1.05))
        axes.set_title(name, fontsize=9, parse_math=False)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    figure.supxlabel("rank among the draws of all chains (share)", fontsize=9)
    figure.suptitle("Rank plots: a line a chain, all near 1 where the chains agree", fontsize=11)
    return figure
