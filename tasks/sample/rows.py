"""Draws from the model track by track: by nutpie, by PyMC's own NUTS, by NumPyro's, or by PyMC3 in its room."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from schemas.errors import InvalidParameter
from tasks.sample.engines import check_installed
from tasks.sample.model import build
from tasks.sample.nuts import STATISTICS, Chains, arrays, import_nutpie, run
from tasks.sample.portable.model import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from schemas.parameters import SampleParameters
    from tasks.sample.grouped import Grouped
    from tasks.sample.scales import Scales

    Report = Callable[[int, int], None]

# Draws of artists' effects are held at once, and more than once on their way: these are 2 GB.
MOST_NUMBERS = 250_000_000
# The limit of all samplers, unless told otherwise.
_MOST_DOUBLINGS = 10
_PROGRESS_EVERY_SECONDS = 0.25
_PATIENCE_SECONDS = 1.0


def sample_rows(
    grouped: Grouped, scales: Scales, parameters: SampleParameters, folder: Path, progress: Report
) -> Chains:
    """Draw every parameter of the row-by-row model by NUTS.

    Parameters
    ----------
    grouped : Grouped
        With its rows kept.
    scales : Scales
    parameters : SampleParameters
        Its engine is one that goes row by row.
    folder : Path
        For what is left in files on the way.
    progress : callable
        Told how many of how many iterations are done, over all chains; not by NumPyro, which does not tell.

    Returns
    -------
    Chains
        Of the variables that a posterior publishes, and the statistics in `nuts.STATISTICS`.

    Raises
    ------
    InvalidParameter
        If the engine is not installed, or draws of all artists' effects would not fit into memory.
    EngineFailed
        If PyMC3 does in its room.
    """
    engine = parameters.resolved_engine
    check_installed(engine)
    check_size(len(grouped.artists), parameters)
    if engine == "pymc3":
        from tasks.sample.by_pymc3 import sample_by_pymc3

        return sample_by_pymc3(grouped, scales, parameters, folder, progress)
    import pytensor

    # Fast maths lets a cold and a warm compiler cache differ in the last digit, and so in every draw after it.
    with pytensor.config.change_flags(numba__fastmath=False):
        model = build(grouped, scales, parameters)
        names = [name for name in PUBLISHED if name in model.named_vars]
        draw = {"rows": _by_nutpie, "pymc": _by_pymc, "numpyro": _by_numpyro}[engine]
        chains = draw(model, names, parameters, progress)
    return chains._replace(draws={name: chains.draws[name] for name in names})


def check_size(artists: int, parameters: SampleParameters) -> None:
    """Refuse draws of more artists' effects than would fit into memory.

    Raises
    ------
    InvalidParameter
    """
    draws = parameters.chains * parameters.draws
    if parameters.pooling != "complete" and artists * draws > MOST_NUMBERS:
        message = (
            f"{draws:,} draws of {artists:,} artists are too many to hold row by row: take fewer --draws, or the "
            "normal likelihood with --engine collapsed, which is exact and holds none"
        )
        raise InvalidParameter(message)


def _by_nutpie(model: Any, names: list[str], parameters: SampleParameters, progress: Report) -> Chains:
    nutpie = import_nutpie()
    return run(nutpie.compile_pymc_model(model, backend="numba", var_names=names), parameters, progress)


def _by_pymc(model: Any, names: list[str], parameters: SampleParameters, progress: Report) -> Chains:
    done, stopped = 0, threading.Event()
    total = parameters.chains * (parameters.tune + parameters.draws)

    def count(**_: object) -> None:
        nonlocal done
        done += 1
        if stopped.is_set():
            raise _Stopped

    # One chain after the other in this process: forked workers have hung under Prefect (issue 15762 there), and
    # spawned ones import the caller's script once more.
    tree = in_thread(
        lambda: _sampled(model, names, parameters, nuts_sampler="pymc", cores=1, callback=count),
        stopped,
        lambda: progress(done, total),
    )
    return _chains(tree["posterior"], tree["sample_stats"])


def _by_numpyro(model: Any, names: list[str], parameters: SampleParameters, _progress: Report) -> Chains:
    # Unless the user says otherwise: the same seed gives the same draws with and without another device.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    tree = in_thread(
        lambda: _sampled(model, names, parameters, nuts_sampler="numpyro", nuts={"chain_method": "parallel"}),
        threading.Event(),
        lambda: None,
    )
    statistics = tree["sample_stats"].to_dataset()
    # PyMC hands on NumPyro's potential energy under this name.
    statistics["lp"] = -statistics["lp"]
    statistics["reached_max_treedepth"] = statistics["n_steps"] >= 2**_MOST_DOUBLINGS - 1
    return _chains(tree["posterior"], statistics)


def _sampled(model: Any, names: list[str], parameters: SampleParameters, **options: Any) -> Any:
    import pymc as pm

    return pm.sample(
        model=model,
        var_names=names,
        draws=parameters.draws,
        tune=parameters.tune,
        chains=parameters.chains,
        random_seed=parameters.seed,
        target_accept=parameters.target_accept,
        progressbar=False,
        quiet=True,
        compute_convergence_checks=False,
        **options,
    )


def _chains(posterior: Any, statistics: Any) -> Chains:
    return Chains(arrays(posterior.data_vars), {name: statistics[name].to_numpy() for name in STATISTICS.values()})


class _Stopped(Exception):
    """Ends a sampler from within."""


def in_thread(work: Callable[[], Any], stopped: threading.Event, report: Callable[[], None]) -> Any:
    """Return what `work` returns, with an ear for Ctrl-C, which reaches the main thread alone.

    PyMC takes it for the end of a chain, and makes do with a shorter one; compiled loops do not hear it.
    """
    outcome: list[Any] = []
    trouble: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again, where somebody waits for it
            trouble.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_PROGRESS_EVERY_SECONDS)
            report()
    except BaseException:
        stopped.set()
        thread.join(_PATIENCE_SECONDS)
        raise
    if trouble:
        raise trouble[0]
    return outcome[0]
