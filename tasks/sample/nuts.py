"""nutpie, told everything that it would otherwise choose by itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tasks.sample.coordinates import Coordinates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from schemas.parameters import SampleParameters
    from tasks.sample.collapsed import CollapsedDensity

    Floats = NDArray[np.float64]

# nutpie's name -> the name ArviZ and the gate know.
STATISTICS = {
    "diverging": "diverging",
    "energy": "energy",
    "logp": "lp",
    "depth": "tree_depth",
    "maxdepth_reached": "reached_max_treedepth",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "mean_tree_accept": "acceptance_rate",
}
_PROGRESS_EVERY_MS = 250
# Chains begin this many posterior sds around the mode, further apart than they end: R-hat can then tell them apart.
_OVERDISPERSION = 3.0


class Chains(NamedTuple):
    """Draws by variable and statistics of the sampler by name, each of shape (chains, draws, ...).

    And the versions of what drew them, where that is not in this environment.
    """

    draws: dict[str, NDArray[Any]]
    statistics: dict[str, NDArray[Any]]
    versions: dict[str, str] = {}  # noqa: RUF012 - of a named tuple, and never changed


def import_nutpie() -> Any:
    """Import nutpie without ArviZ's plots.

    Returns
    -------
    module
        ``nutpie``. All it wants of the package ``arviz`` are ``from_dict`` and ``dict_to_dataset``, which are
        ``arviz_base``'s; ``arviz`` itself would bring matplotlib and a second of start-up. Whoever imports ``arviz``
        afterwards gets all of it.
    """
    import arviz_base

    stand_in = "nutpie" not in sys.modules and sys.modules.setdefault("arviz", arviz_base) is arviz_base
    try:
        import nutpie
    finally:
        if stand_in:
            del sys.modules["arviz"]
    return nutpie


def sample_scales(
    density: CollapsedDensity, parameters: SampleParameters, progress: Callable[[int, int], None]
) -> Chains:
    """Draw the scales of a collapsed model by NUTS.

    Parameters
    ----------
    density : CollapsedDensity
        Of H free scales.
    parameters : SampleParameters
    progress : callable
        Told how many of how many iterations are done, over all chains.

    Returns
    -------
    Chains
        With one variable, ``unconstrained``, of shape (chains, draws, H).
    """
    import_nutpie()
    from nutpie.compiled_pyfunc import from_pyfunc

    size = len(density.scales.free)
    coordinates = Coordinates(density)

    def initial(seed: int) -> Floats:
        return np.random.default_rng(seed).uniform(-_OVERDISPERSION, _OVERDISPERSION, size)

    model = from_pyfunc(
        size,
        lambda: coordinates,
        lambda *_: lambda z: {"unconstrained": coordinates.unconstrained(z)},
        [np.dtype("float64")],
        [(size,)],
        ["unconstrained"],
        dims={"unconstrained": ("scale",)},
        coords={"scale": np.arange(size)},
        make_initial_point_fn=initial,
    )
    # One chain after the other: the density holds Python's lock, and chains that take turns for it are half as fast.
    return run(model, parameters, progress, cores=1)


def run(
    model: Any, parameters: SampleParameters, progress: Callable[[int, int], None], *, cores: int | None = None
) -> Chains:
    """Run nutpie on a compiled model.

    Parameters
    ----------
    model : nutpie.sample.CompiledModel
    parameters : SampleParameters
    progress : callable
        Told how many of how many iterations are done, over all chains.
    cores : int, optional
        Chains at a time. Does not change the draws.

    Returns
    -------
    Chains
    """
    nutpie = import_nutpie()
    total = parameters.chains * (parameters.tune + parameters.draws)

    def report(chains: Sequence[Any]) -> None:
        progress(sum(chain.finished_draws for chain in chains), total)

    # Not blocking: a blocking call turns Ctrl-C into a short posterior instead of an interrupted run.
    sampler = nutpie.sample(
        model,
        draws=parameters.draws,
        tune=parameters.tune,
        chains=parameters.chains,
        cores=cores,
        seed=parameters.seed,
        target_accept=parameters.target_accept,
        save_warmup=False,
        progress_bar=False,
        progress_callback=report,
        progress_rate=_PROGRESS_EVERY_MS,
        blocking=False,
    )
    try:
        tree = sampler.wait()
    except BaseException:
        sampler.cancel()
        raise
    statistics = {ours: tree["sample_stats"][theirs].to_numpy() for theirs, ours in STATISTICS.items()}
    return Chains(arrays(tree["posterior"].data_vars), statistics)


def arrays(variables: Mapping[Any, Any]) -> dict[str, NDArray[Any]]:
    """Return variables of a data set as plain arrays by name."""
    return {str(name): variable.to_numpy() for name, variable in variables.items()}
