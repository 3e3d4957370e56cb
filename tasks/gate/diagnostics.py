"""Measurements on a posterior: convergence of every scalar in it, and what the sampler met on its way.

`tasks.convergence` has R-hat, effective sample sizes and Monte Carlo errors with their sources; BFMI is that of
Betancourt (2016), Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo, arXiv:1604.00695. What
cannot be measured is NaN or named as missing, and no pass in the verdict. No file makes this raise, whatever is in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tasks.convergence import COLUMNS, FEWEST_DRAWS, convergence
from tasks.gate.alike import alike, longest_stays
from tasks.gate.reading import Drawn, read_posterior

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.gate.artists import ArtistDiagnostics

    Floats = NDArray[np.float64]

SAMPLER = ("diverging", "energy", "reached_max_treedepth")


@dataclass(frozen=True)
class Diagnostics:
    """What was measured, for P scalars.

    Parameters
    ----------
    chains, draws : int
        0 where there is no posterior.
    names : list of str
        ``tau``, ``beta[energy]``, ...
    columns : dict of str to ndarray, shape (P,)
        Those of `tasks.convergence.convergence`, and ``longest_stay``, the largest share of a chain that is one and the
        same draw; NaN where not defined.
    constants : list of str
        Scalars that never move.
    not_finite : list of str
        Scalars with a draw that is not a finite number; ranks alone would not show an infinite one.
    divergences : float
        Divergent transitions; NaN where unknown, as in the next two.
    bfmi : float
        The smallest of any chain.
    treedepth_share : float
        Share of draws at maximal tree depth.
    missing : list of str
        What should be there and is not, or not as it should be.
    alike : list of str
        A sentence on each pair of chains that are one.
    artists : ArtistDiagnostics, optional
        What was measured of every artist, with stored draws or without.
    disagreements : list of str
        Where the table of artists is not what follows from the draws.
    retold : list of str
        Where the report of `sample` is not.
    """

    chains: int = 0
    draws: int = 0
    names: list[str] = field(default_factory=list)
    columns: dict[str, Floats] = field(default_factory=dict)
    constants: list[str] = field(default_factory=list)
    not_finite: list[str] = field(default_factory=list)
    divergences: float = float("nan")
    bfmi: float = float("nan")
    treedepth_share: float = float("nan")
    missing: list[str] = field(default_factory=list)
    alike: list[str] = field(default_factory=list)
    artists: ArtistDiagnostics | None = None
    disagreements: list[str] = field(default_factory=list)
    retold: list[str] = field(default_factory=list)


def measure(path: Path, *, interval: float = 0.9, expected: Mapping[str, int] | None = None) -> Diagnostics:
    """Measure a posterior.

    Parameters
    ----------
    path : Path
        ``posterior.nc``, or what is said to be.
    interval : float
        Probability inside the published intervals.
    expected : mapping of str to int, optional
        Variables that have to be there, with how many scalars each.

    Returns
    -------
    Diagnostics
        Whatever the file lacks is named in ``missing``.
    """
    return measure_drawn(read_posterior(path, expected or {}), interval)


def measure_drawn(drawn: Drawn, interval: float) -> Diagnostics:
    """Measure what was read of a posterior; see `measure`."""
    if not drawn.names:
        return Diagnostics(chains=drawn.chains, draws=drawn.draws, missing=drawn.missing or ["posterior"])
    values = drawn.values
    moving = ~np.array([_is_constant(value) for value in values])
    kept = values[moving]
    names = [name for name, moves in zip(drawn.names, moving, strict=True) if moves]
    stays = longest_stays(kept) if drawn.draws else np.full(len(kept), np.nan)
    return Diagnostics(
        chains=drawn.chains,
        draws=drawn.draws,
        names=names,
        columns={**convergence(kept, interval), "longest_stay": stays},
        constants=[name for name, moves in zip(drawn.names, moving, strict=True) if not moves],
        not_finite=[name for name, value in zip(drawn.names, values, strict=True) if not np.isfinite(value).all()],
        divergences=_how_many(drawn.sampler.get("diverging")),
        bfmi=_bfmi(drawn.sampler.get("energy")),
        treedepth_share=_how_many(drawn.sampler.get("reached_max_treedepth")) / max(drawn.chains * drawn.draws, 1),
        missing=drawn.missing,
        alike=alike(names, kept, drawn.sampler),
    )


def _is_constant(values: Floats) -> bool:
    return bool(values.size and np.isfinite(values).all() and (values == values.flat[0]).all())


def _how_many(flags: Floats | None) -> float:
    """Count what is not plainly 0: a flag that is not a number is no good sign."""
    return float("nan") if flags is None else float((flags != 0).sum())


def _bfmi(energy: Floats | None) -> float:
    if energy is None or energy.shape[1] < FEWEST_DRAWS:
        return float("nan")
    with np.errstate(all="ignore"):
        of_chain = np.square(np.diff(energy, axis=1)).mean(axis=1) / energy.var(axis=1, ddof=1)
    return float(of_chain.min())


__all__ = ["COLUMNS", "Diagnostics", "measure", "measure_drawn"]
