"""Measurements on a posterior: R-hat, effective sample sizes, and what the sampler met on its way.

R-hat is the rank-normalised split R-hat and the effective sample sizes those of bulk and tail (5 % and 95 % quantiles)
of Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), Bayesian Analysis 16(2); BFMI that of Betancourt (2016),
arXiv:1604.00695. ArviZ computes the first three; what it leaves undefined is NaN here and no pass in the verdict.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TAILS = (0.05, 0.95)
_FEWEST_DRAWS = 4


@dataclass(frozen=True)
class Diagnostics:
    """What was measured, for P scalars.

    Parameters
    ----------
    chains, draws : int
        0 where there is no posterior.
    names : list of str, length P
        ``tau``, ``beta[energy]``, ...
    columns : dict of str to ndarray, shape (P,)
        ``mean, sd, rhat, ess_bulk, ess_tail``; NaN where not defined.
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
        Groups and variables that should be there and are not.
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


def measure(path: Path) -> Diagnostics:
    """Measure a posterior.

    Parameters
    ----------
    path : Path
        ``posterior.nc``.

    Returns
    -------
    Diagnostics
        Whatever the file lacks is named in ``missing``.
    """
    import xarray as xr

    with xr.open_datatree(path, engine="h5netcdf") as tree:
        groups = {str(name): child.to_dataset().load() for name, child in tree.children.items()}
    missing = [name for name in ("posterior", "sample_stats") if name not in groups]
    posterior, statistics = groups.get("posterior"), groups.get("sample_stats")
    wanted = ("diverging", "energy", "reached_max_treedepth")
    sampler = {} if statistics is None else {str(name): value.to_numpy() for name, value in statistics.items()}
    missing += [f"sample_stats.{name}" for name in wanted if statistics is not None and name not in sampler]
    if posterior is None or not posterior.data_vars or not {"chain", "draw"} <= set(posterior.sizes):
        return Diagnostics(missing=missing or ["posterior"])
    names, values = _scalars(posterior)
    moving = np.array([not _is_constant(value) for value in values])
    kept = values[moving]
    with np.errstate(all="ignore"):  # what is not finite stays so, and is no pass
        mean, sd = kept.mean(axis=(1, 2)), kept.std(axis=(1, 2), ddof=1)
    return Diagnostics(
        chains=posterior.sizes["chain"],
        draws=posterior.sizes["draw"],
        names=[name for name, moves in zip(names, moving, strict=True) if moves],
        columns={"mean": mean, "sd": sd, **_convergence(kept)},
        constants=[name for name, moves in zip(names, moving, strict=True) if not moves],
        not_finite=[name for name, value in zip(names, values, strict=True) if not np.isfinite(value).all()],
        divergences=float(sampler["diverging"].sum()) if "diverging" in sampler else float("nan"),
        bfmi=_bfmi(sampler.get("energy")),
        treedepth_share=float(sampler.get("reached_max_treedepth", np.array(np.nan)).mean()),
        missing=missing,
    )


def _scalars(posterior: Any) -> tuple[list[str], Floats]:
    """Return the names and the draws, shape (P, chains, draws), of every scalar."""
    names, values = [], []
    for name, variable in posterior.data_vars.items():
        rest = [dim for dim in variable.dims if dim not in {"chain", "draw"}]
        stacked = variable.transpose(*rest, "chain", "draw").to_numpy()
        labels = [posterior[dim].to_numpy() if dim in posterior.coords else range(posterior.sizes[dim]) for dim in rest]
        for position in np.ndindex(stacked.shape[:-2]):
            inside = ", ".join(str(label[index]) for label, index in zip(labels, position, strict=True))
            names.append(f"{name}[{inside}]" if rest else str(name))
            values.append(stacked[position])
    return names, np.array(values, dtype=np.float64)


def _is_constant(values: Floats) -> bool:
    return bool(np.isfinite(values).all() and (values == values.flat[0]).all())


def _convergence(values: Floats) -> dict[str, Floats]:
    from arviz_stats.base import array_stats

    nothing = np.full(len(values), np.nan)
    if not len(values) or values.shape[2] < _FEWEST_DRAWS:
        return {"rhat": nothing, "ess_bulk": nothing, "ess_tail": nothing}
    axes = {"chain_axis": 1, "draw_axis": 2}

    def measured(function: Callable[..., Any], **options: Any) -> Floats:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # what cannot be computed is NaN, and NaN is no pass
            return np.asarray(function(values, **axes, **options), dtype=np.float64)

    return {
        "rhat": measured(array_stats.rhat, method="rank") if values.shape[1] > 1 else nothing,
        "ess_bulk": measured(array_stats.ess, method="bulk"),
        "ess_tail": measured(array_stats.ess, method="tail", prob=TAILS),
    }


def _bfmi(energy: Floats | None) -> float:
    if energy is None or energy.ndim != 2 or energy.shape[1] < _FEWEST_DRAWS:  # noqa: PLR2004 - chain and draw
        return float("nan")
    with np.errstate(all="ignore"):
        of_chain = np.square(np.diff(energy, axis=1)).mean(axis=1) / energy.var(axis=1, ddof=1)
    return float(of_chain.min())
