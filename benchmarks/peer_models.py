"""A peer's side, in a process and an environment of its own; knows nothing of Encore.

``python benchmarks/peer.py SIDE DATA OUT SECONDS`` fits the model of ``DATA`` and leaves its draws in
``OUT/draws.npz``. When its seconds are over it stops and leaves the draws it has. Imports are not timed.
"""

from __future__ import annotations

import json
import signal
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

CHAINS, CORES, SEED = 4, 2, 1
# What is left of the allowance for stopping the chains and writing what there is comes on top of it.
SPARED = {"compute_convergence_checks": False, "progressbar": False}


class _Data:
    """The rows and the model, as ``ours.py prepare`` left them."""

    def __init__(self, folder: Path) -> None:
        names = ("popularity", "features", "subgenre", "artist")
        self.popularity, self.features, self.subgenre, self.artist = (np.load(folder / f"{n}.npy") for n in names)
        self.model = json.loads((folder / "model.json").read_text(encoding="utf-8"))


def naive(data: _Data) -> Any:
    """Write the model down as one would in PyMC: every artist a parameter, non-centred; Encore's blocks and priors."""
    import pymc as pm

    model, priors = data.model, data.model["priors"]
    families = {
        "exponential": lambda name, rate, **dims: pm.Exponential(name, lam=rate, **dims),
        "half_normal": lambda name, width, **dims: pm.HalfNormal(name, sigma=width, **dims),
    }

    def scale(name: str, **dims: str) -> Any:
        family, *arguments = priors[name]
        return families[family](name, *arguments, **dims)

    coords = {"feature": model["features"], "subgenre": model["subgenres"], "block": model["blocks"]}
    with pm.Model(coords=coords | {"artist": np.arange(model["artists"])}) as written:
        sigma, tau, tau_genre = scale("sigma"), scale("tau"), scale("tau_genre")
        tau_block = scale("tau_block", dims="block")
        mu = pm.Normal("mu", *priors["mu"][1:])
        beta = pm.Normal("beta", 0, tau_block[np.array(model["block"])], dims="feature")
        genre_effect = pm.Normal("genre_effect", 0, tau_genre, dims="subgenre")
        raw = pm.Normal("artist_effect_over_tau", 0, 1, dims="artist")
        artist_effect = pm.Deterministic("artist_effect", raw * tau, dims="artist")
        expected = mu + data.features @ beta + genre_effect[data.subgenre] + artist_effect[data.artist]
        pm.Normal("popularity", expected, sigma, observed=data.popularity)
    return written


def with_nutpie(data: _Data, until: float, clock: dict[str, float]) -> Any:
    """Sample the naive model with nutpie, with its own defaults."""
    import nutpie

    compiled = nutpie.compile_pymc_model(naive(data))
    clock["sampling"] = time.perf_counter()
    options = {"chains": CHAINS, "cores": CORES, "seed": SEED, "progress_bar": False, "save_warmup": False}
    sampler = nutpie.sample(compiled, blocking=False, **options)
    try:
        tree = sampler.wait(timeout=max(until - clock["sampling"], 0.0))
    except TimeoutError:
        tree = sampler.abort()
    clock["end"] = time.perf_counter()
    return tree["posterior"]


def with_pymc(data: _Data, _until: float, clock: dict[str, float]) -> Any:
    """Sample the naive model with PyMC's own NUTS, with its own defaults."""
    import pymc as pm

    with naive(data):
        tree = pm.sample(nuts_sampler="pymc", chains=CHAINS, cores=CORES, random_seed=SEED, **SPARED)
    return _taken(tree, clock)


def with_numpyro(data: _Data, _until: float, clock: dict[str, float]) -> Any:
    """Sample the naive model with NumPyro's NUTS, with PyMC's defaults for it."""
    import numpyro
    import pymc as pm

    numpyro.set_host_device_count(CHAINS)
    with naive(data):
        tree = pm.sample(nuts_sampler="numpyro", chains=CHAINS, random_seed=SEED, **SPARED)
    return _taken(tree, clock)


def _bambi(data: _Data, method: str, clock: dict[str, float]) -> Any:
    import bambi
    import pandas as pd

    model = data.model
    table = pd.DataFrame(data.features, columns=model["features"])
    table["popularity"] = data.popularity
    table["subgenre"] = pd.Categorical.from_codes(data.subgenre, model["subgenres"])
    table["artist"] = pd.Categorical(data.artist)
    formula = f"popularity ~ {' + '.join(model['features'])} + (1|subgenre) + (1|artist)"
    written = bambi.Model(formula, table)
    spared = SPARED if method == "pymc" else {"progressbar": False}
    tree = written.fit(inference_method=method, chains=CHAINS, cores=CORES, random_seed=SEED, **spared)
    posterior = _taken(tree, clock)
    ours = {"Intercept": "mu", "1|artist_sigma": "tau", "1|subgenre_sigma": "tau_genre", "1|subgenre": "genre_effect"}
    beta = np.stack([posterior[name].to_numpy() for name in model["features"]], axis=-1)
    return {"beta": beta, "sigma": posterior["sigma"]} | {ours[name]: posterior[name] for name in ours}


def with_bambi(data: _Data, _until: float, clock: dict[str, float]) -> Any:
    """Fit the same formula with Bambi: its own priors and defaults, which are PyMC's NUTS."""
    return _bambi(data, "pymc", clock)


def with_bambi_nutpie(data: _Data, _until: float, clock: dict[str, float]) -> Any:
    """Fit the same formula with Bambi, told to use nutpie."""
    return _bambi(data, "nutpie", clock)


def _taken(tree: Any, clock: dict[str, float]) -> Any:
    """Note when sampling began, from how long the sampler says it took, and return the draws."""
    posterior = tree["posterior"]
    clock["end"] = time.perf_counter()
    clock["sampling"] = clock["end"] - float(posterior.attrs.get("sampling_time", clock["end"] - clock["begin"]))
    return posterior


SIDES: dict[str, tuple[Callable[[_Data, float, dict[str, float]], Any], tuple[str, ...]]] = {
    "nutpie": (with_nutpie, ("nutpie", "pymc", "pytensor", "numba")),
    "pymc": (with_pymc, ("pymc", "pytensor", "numba")),
    "numpyro": (with_numpyro, ("numpyro", "jax", "pymc")),
    "bambi": (with_bambi, ("bambi", "pymc")),
    "bambi-nutpie": (with_bambi_nutpie, ("bambi", "nutpie", "pymc")),
}
PARAMETERS = ("mu", "sigma", "tau", "tau_genre", "tau_block", "beta", "genre_effect")


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def main(side: str, folder: Path, out: Path, allow: float) -> dict[str, Any]:
    """Fit one side within its seconds."""
    fit, packages = SIDES[side]
    for package in packages:
        __import__(package)
    warnings.simplefilter("ignore")
    data = _Data(folder)
    told: dict[str, Any] = {"versions": {package: version(package) for package in packages}}
    clock = {"begin": time.perf_counter()}
    if side != "nutpie":  # which is asked to stop; the others stop as they do for Ctrl-C
        signal.signal(signal.SIGALRM, _stop)
        signal.setitimer(signal.ITIMER_REAL, allow)
    try:
        posterior = fit(data, clock["begin"] + allow, clock)
    except (KeyboardInterrupt, ValueError) as stopped:  # PyMC says ValueError where no draw was kept yet
        if time.perf_counter() < clock["begin"] + allow:
            raise
        return told | {"finished": False, "why": f"no draws after tuning yet ({type(stopped).__name__})"}
    signal.setitimer(signal.ITIMER_REAL, 0)
    finished = clock["end"] < clock["begin"] + allow
    draws = {name: np.asarray(posterior[name]) for name in PARAMETERS if name in posterior}
    np.savez(out / "draws.npz", **draws)
    return told | {
        "finished": finished,
        "everything": clock["end"] - clock["begin"],
        "sampling": clock["end"] - clock["sampling"],
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))))
