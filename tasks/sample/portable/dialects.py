"""Where PyMC 6 and PyMC3 differ, as far as the model is concerned."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple


class Dialect(NamedTuple):
    """One generation of PyMC.

    Parameters
    ----------
    module : module
        ``pymc`` or ``pymc3``: what has the same name and the same arguments in both is taken from there.
    lognormal : class
        The distribution with arguments ``mu`` and ``sigma``.
    above : callable
        Given a bound, returns the arguments that keep a variable above it and have it begin at five times the bound.
    data : callable
        Given a name and numbers, returns them as something that can be replaced once the model is compiled, where that
        is of use.
    """

    module: Any
    lognormal: Any
    above: Callable[[float], dict[str, Any]]
    data: Callable[[str, Any], Any]


def pymc() -> Dialect:
    """Return what PyMC is today."""
    import pymc as pm

    def above(bound: float) -> dict[str, Any]:
        interval = pm.distributions.transforms.Interval(lower=bound, upper=None)
        return {"default_transform": interval, "initval": 5 * bound}

    return Dialect(pm, pm.LogNormal, above, pm.Data)


def pymc3() -> Dialect:
    """Return what PyMC was in its third generation."""
    import pymc3 as pm

    def above(bound: float) -> dict[str, Any]:
        return {"transform": pm.distributions.transforms.lowerbound(bound), "testval": 5 * bound}

    return Dialect(pm, pm.Lognormal, above, lambda _, numbers: numbers)
