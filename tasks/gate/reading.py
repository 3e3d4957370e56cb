"""``posterior.nc`` as the gate reads it: whatever is in the file, what it lacks is a list and not an exception."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SAMPLER = ("diverging", "energy", "reached_max_treedepth")
# Known to differ from chain to chain, and of use where the gate looks for chains that are one.
_ALSO = ("lp",)
_GROUPS = ("posterior", "sample_stats")
# Draws of what follows from the parameters, in files that have them.
_DERIVED = "derived"
_AXES = {"chain", "draw"}
_MOST_SAID = 200


@dataclass(frozen=True)
class Drawn:
    """What a file holds, for P scalars.

    Parameters
    ----------
    chains, draws : int
    names : list of str, length P
    values : ndarray, shape (P, chains, draws)
    variables : dict of str to ndarray, shape (chains, draws, ...)
        The same by variable.
    labels : dict of str to list of str
        Of each axis but chain and draw.
    sampler : dict of str to ndarray, shape (chains, draws)
        Statistics of the sampler.
    missing : list of str
        What is not there, or not as it should be.
    """

    chains: int = 0
    draws: int = 0
    names: list[str] = field(default_factory=list)
    values: Floats = field(default_factory=lambda: np.empty((0, 0, 0)))
    variables: dict[str, Floats] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)
    sampler: dict[str, Floats] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def read_posterior(path: Path, expected: Mapping[str, int], derived: Mapping[str, int] | None = None) -> Drawn:
    """Read a posterior.

    Parameters
    ----------
    path : Path
        ``posterior.nc``, or what is said to be.
    expected : mapping of str to int
        Variables that have to be there, with how many scalars each.
    derived : mapping of str to int, optional
        The same of the group ``derived``, which is not read otherwise.

    Returns
    -------
    Drawn
    """
    import xarray as xr

    wanted = (*_GROUPS, _DERIVED) if derived else _GROUPS

    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            groups = {name: tree[name].to_dataset().load() for name in wanted if name in tree.children}
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - damaged files raise whatever h5py, h5netcdf and xarray come upon
        return Drawn(missing=[f"posterior.nc cannot be read ({_in_short(error)})"])
    missing = [name for name in wanted if name not in groups]
    posterior = groups.get("posterior")
    if posterior is None:
        return Drawn(missing=missing)
    shape = (int(posterior.sizes.get("chain", 0)), int(posterior.sizes.get("draw", 0)))
    names, variables, labels = _variables(posterior, "posterior", missing)
    _compare(variables, expected, "posterior", missing)
    if derived and _DERIVED in groups:
        own = _variables(groups[_DERIVED], _DERIVED, missing)
        _compare(own[1], derived, _DERIVED, missing)
        fitting = {
            name: values for name, values in own[1].items() if values.shape[:2] == shape and name not in variables
        }
        missing += [
            f"{_DERIVED}.{name} has other draws than the posterior, so it" for name in own[1].keys() - fitting.keys()
        ]
        names += [name for name in own[0] if name.partition("[")[0] in fitting]
        variables, labels = variables | fitting, own[2] | labels
    sampler = _sampler(groups.get("sample_stats"), shape, missing)
    parts = [array.reshape(*shape, -1).transpose(2, 0, 1) for array in variables.values()]
    values = np.ascontiguousarray(np.concatenate(parts)) if parts else np.empty((0, *shape))
    return Drawn(*shape, names, values, variables, labels, sampler, missing)


def _compare(variables: Mapping[str, Floats], expected: Mapping[str, int], group: str, missing: list[str]) -> None:
    """Say which variables are not there, or not whole."""
    for name, count in expected.items():
        found = int(np.prod(variables[name].shape[2:])) if name in variables else 0
        if name not in variables:
            missing.append(f"{group}.{name}")
        elif found != count:
            missing.append(f"{group}.{name} has {found:,} scalars, not {count:,},")


def _variables(
    posterior: Any, group: str, missing: list[str]
) -> tuple[list[str], dict[str, Floats], dict[str, list[str]]]:
    """Return the names of all scalars, the variables, and the labels of their axes."""
    variables: dict[str, Floats] = {}
    labels: dict[str, list[str]] = {}
    names: list[str] = []
    for name, variable in posterior.data_vars.items():
        axes = [str(axis) for axis in variable.dims if axis not in _AXES]
        wrong = _wrong(variable)
        if wrong:
            missing.append(f"{group}.{name} {wrong}")
            continue
        array = np.asarray(variable.transpose("chain", "draw", *axes).to_numpy(), dtype=np.float64)
        variables[str(name)] = array
        for axis in axes:
            along = posterior[axis].to_numpy() if axis in posterior.coords else range(posterior.sizes[axis])
            labels[axis] = [str(label) for label in along]
        for position in np.ndindex(array.shape[2:]):
            inside = ", ".join(labels[axis][index] for axis, index in zip(axes, position, strict=True))
            names.append(f"{name}[{inside}]" if axes else str(name))
    return names, variables, labels


def _wrong(variable: Any) -> str:
    """Say what keeps a variable from being draws; empty if nothing does."""
    if not set(variable.dims) >= _AXES:
        return "has no chains and draws, so it"
    if variable.dtype.kind not in "biuf":
        return "is not numbers, so it"
    return "" if variable.size else "is empty, so it"


def _sampler(statistics: Any, shape: tuple[int, int], missing: list[str]) -> dict[str, Floats]:
    if statistics is None:
        return {}
    found = {}
    for name in (*SAMPLER, *_ALSO):
        if name not in statistics:
            missing += [f"sample_stats.{name}"] * (name in SAMPLER)
            continue
        variable = statistics[name]
        if _wrong(variable) or set(variable.dims) != _AXES:
            missing.append(f"sample_stats.{name} is not a number for each draw, so it")
            continue
        array = np.asarray(variable.transpose("chain", "draw").to_numpy(), dtype=np.float64)
        if array.shape == shape:
            found[name] = array
        else:
            missing.append(f"sample_stats.{name} has {array.shape[0]} x {array.shape[1]} draws, so it")
    return found


def _in_short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]}..."
