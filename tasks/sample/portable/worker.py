"""Samples a model in PyMC3: files in, files out, and a line of JSON to standard output whenever there is news.

Started by `by_pymc3`, in the interpreter of PyMC3's room. It ends with whoever started it: the operating system kills
it with its parent where it can (Linux), and its standard input closes with its parent everywhere.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from .dialects import pymc3
from .model import PUBLISHED, build
from .specification import Specification

TASK, DRAWS, RESULT = "task.json", "draws.npz", "result.json"
# PyMC3's names of what a published posterior has as statistics of the sampler.
STATISTICS = {
    "diverging": "diverging",
    "energy": "energy",
    "lp": "model_logp",
    "tree_depth": "depth",
    "n_steps": "tree_size",
    "step_size": "step_size",
    "acceptance_rate": "mean_tree_accept",
}
# Of a variable's name in the file, so that no variable can have the name of a statistic.
OF_SAMPLER = "sample_stats."
MOST_DOUBLINGS = 10
_NEWS_EVERY_SECONDS = 0.25
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG in <linux/prctl.h>


class News:
    """Tells the parent what is new."""

    def __init__(self) -> None:
        # What libraries print goes to the log, where standard error goes too.
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._done, self._told = 0, 0.0
        self._begun: tuple[float, float] | None = None

    def tell(self, **what: Any) -> None:
        """Send a line."""
        self._out.write(json.dumps(what) + "\n")
        self._out.flush()

    def count(self, **_: Any) -> None:
        """Note one more iteration of any chain; PyMC3's callback."""
        self._begun = self._begun or (time.monotonic(), _processor_seconds())
        self._done += 1
        if time.monotonic() - self._told >= _NEWS_EVERY_SECONDS:
            self._told = time.monotonic()
            self.tell(done=self._done)

    def sampling(self) -> dict[str, float]:
        """Return how long the iterations took, compiling left out: by the clock, and in seconds of processor."""
        since, used = self._begun or (time.monotonic(), _processor_seconds())
        return {"seconds": time.monotonic() - since, "processor": _processor_seconds() - used}


def _processor_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def end_with_parent(parent: int) -> None:
    """See to it that neither this process nor those that PyMC3 forks outlive the parent."""

    def die_with_parent() -> None:
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)

    if sys.platform == "linux":
        die_with_parent()
        os.register_at_fork(after_in_child=die_with_parent)

    def listen() -> None:
        while os.read(0, 1):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=listen, daemon=True).start()
    if os.getppid() != parent:  # it ended before we could ask
        os._exit(1)


def sample(folder: Path, task: dict[str, Any], news: News) -> None:
    """Sample the model in `folder`, and leave ``draws.npz`` and ``result.json`` there."""
    import pymc3 as pm
    import theano

    versions = {module.__name__: module.__version__ for module in (pm, theano, np)}
    versions["theano-pymc"] = versions.pop("theano")
    versions["python"] = platform.python_version()
    news.tell(doing="compiles", versions=versions)
    # While a model is written down, PyMC3 evaluates each of its terms, once: compiling them would take half a minute.
    with theano.config.change_flags(cxx=""):
        written = build(Specification.read(folder), pymc3())
    wanted = [variable for variable in written.free_RVs + written.deterministics if variable.name in PUBLISHED]
    trace = pm.sample(
        model=written,
        trace=wanted,
        draws=task["draws"],
        tune=task["tune"],
        chains=task["chains"],
        cores=task["cores"],
        random_seed=task["seed"],
        target_accept=task["target_accept"],
        max_treedepth=MOST_DOUBLINGS,
        callback=news.count,
        progressbar=False,
        compute_convergence_checks=False,
        return_inferencedata=False,
    )
    news.tell(doing="writes", **news.sampling())
    shape = task["chains"], task["draws"]
    arrays: dict[str, Any] = {
        OF_SAMPLER + ours: np.stack(trace.get_sampler_stats(theirs, combine=False, squeeze=False)).reshape(shape)
        for ours, theirs in STATISTICS.items()
    }
    # PyMC3 keeps no record of it; a tree of this size has been doubled as often as it may.
    arrays[OF_SAMPLER + "reached_max_treedepth"] = arrays[OF_SAMPLER + "n_steps"] >= 2**MOST_DOUBLINGS - 1
    for variable in wanted:
        arrays[variable.name] = np.stack(trace.get_values(variable.name, combine=False, squeeze=False))
    np.savez(folder / DRAWS, **arrays)
    (folder / RESULT).write_text(json.dumps({"versions": versions}), encoding="utf-8")


def main(folder: str) -> None:
    """Do the task in a folder; why it failed is told in a line, and the traceback goes to the log."""
    task = json.loads((Path(folder) / TASK).read_text(encoding="utf-8"))
    news = News()
    end_with_parent(task["parent"])
    try:
        sample(Path(folder), task, news)
    except Exception as error:
        news.tell(failed=f"{type(error).__name__}: {error}")
        raise
