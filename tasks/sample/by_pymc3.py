"""Draws by PyMC3 itself, which no Python that Encore runs on can import: files into its room, files out of it."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import EngineFailed, WorkerLost
from tasks.sample.model import specified
from tasks.sample.nuts import STATISTICS, Chains
from tasks.sample.old_python import check_machine
from tasks.sample.portable.worker import DRAWS, OF_SAMPLER, RESULT, TASK
from tasks.sample.room import clean_environment, new_log, ready_room, theano_flags
from tasks.sample.watched import TookTooLong, printable, tail, watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from schemas.parameters import SampleParameters
    from tasks.sample.grouped import Grouped
    from tasks.sample.portable.specification import Specification
    from tasks.sample.room import Room
    from tasks.sample.scales import Scales
    from tasks.sample.watched import Ended

_LOGGER = logging.getLogger("encore")
_PORTABLE = Path(__file__).resolve().parent / "portable"
# Isolated, and its path last on the list: nothing there can stand before what the room has.
_START = "import sys; sys.path.append(sys.argv[1]); from portable.worker import main; main(sys.argv[2])"
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_ELSE = "--engine rows samples the same model in PyMC 6"


def sample_by_pymc3(
    grouped: Grouped,
    scales: Scales,
    parameters: SampleParameters,
    folder: Path,
    progress: Callable[[int, int], None],
) -> Chains:
    """Draw every parameter of the row-by-row model by PyMC3's NUTS.

    Parameters
    ----------
    grouped : Grouped
        With its rows kept.
    scales : Scales
    parameters : SampleParameters
    folder : Path
        Holds the files that go in and out, and is empty of them in the end.
    progress : callable
        Told how many of how many iterations are done, over all chains.

    Returns
    -------
    Chains
        With the versions that the room has.

    Raises
    ------
    InvalidParameter
        If the machine lacks what PyMC3 needs.
    EngineFailed
        If the room cannot be made; if PyMC3 fails, or takes longer than it may: with the end of its log, and its path.
    WorkerLost
        If it was killed from outside.
    """
    room = ready_room(check_machine())
    model = specified(grouped, scales, parameters)
    scratch = folder / "pymc3"
    scratch.mkdir()
    try:
        model.write(scratch)
        _write_task(scratch, parameters)
        log = new_log("pymc3")
        _Run(room, scratch, log, parameters).run(progress)
        chains = _read(scratch, _shapes(model, parameters), log)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    log.unlink(missing_ok=True)
    return chains


def _write_task(scratch: Path, parameters: SampleParameters) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = ("draws", "tune", "chains", "seed", "target_accept")
    task = {name: getattr(parameters, name) for name in wanted}
    task |= {"cores": min(cores, parameters.chains), "parent": os.getpid()}
    (scratch / TASK).write_text(json.dumps(task), encoding="utf-8")


class _Run:
    """One run of PyMC3, watched."""

    def __init__(self, room: Room, scratch: Path, log: Path, parameters: SampleParameters) -> None:
        self.room, self.scratch, self.log, self.parameters = room, scratch, log, parameters
        self.total = parameters.chains * (parameters.tune + parameters.draws)
        self.done, self.failed = 0, ""

    def run(self, progress: Callable[[int, int], None]) -> None:
        """Start PyMC3, and return once it has left its draws."""
        limit = self.parameters.time_limit
        with self.room.compiled(self.scratch / "compiled") as compiled:

            def hear(news: dict[str, Any]) -> None:
                if isinstance(news.get("done"), int):
                    if not self.done:  # it samples: all is compiled
                        compiled.is_sound()
                    self.done = news["done"]
                    progress(self.done, self.total)
                elif news.get("doing") == "compiles":
                    _LOGGER.info("%-7s PyMC3 compiles the model: two minutes, unless it has done so before", "sample")
                elif news.get("doing") == "writes":
                    _LOGGER.info("%-7s PyMC3 has sampled", "sample", extra={"pymc3": news})
                elif isinstance(news.get("failed"), str):
                    self.failed = printable(news["failed"])[:500]

            try:
                ended = watch(
                    [self.room.python, "-I", "-B", "-c", _START, _PORTABLE.parent, self.scratch],
                    environment=self._environment(compiled.folder),
                    log=self.log,
                    folder=self.scratch,
                    heard=hear,
                    seconds=60 * limit or None,
                    keep=[] if compiled.lock is None else [compiled.lock],
                )
            except TookTooLong:
                message = (
                    f"--engine pymc3: PyMC3 was stopped at the time limit of {limit:g} minutes, {self.done:,} of "
                    f"{self.total:,} iterations done: raise --time-limit, take fewer --draws, or use --engine auto"
                )
                raise EngineFailed(_with_log(message, self.log, lines=0)) from None
            if ended.status >= 0:
                compiled.is_sound()
        if ended.status != 0:
            self._explain(ended)

    def _environment(self, compiled: Path) -> dict[str, str]:
        flags = {
            "base_compiledir": compiled,
            "cxx": self.room.machine.compiler,
            # NumPy's BLAS, whatever else the machine has: the same everywhere.
            "blas__ldflags": "",
        }
        one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        theano = {"THEANO_FLAGS": theano_flags(flags)}
        # Settings that people keep for Theano and matplotlib are none of ours.
        return clean_environment() | one | theano | {"THEANORC": os.devnull, "MPLCONFIGDIR": str(self.scratch)}

    def _explain(self, ended: Ended) -> NoReturn:
        said = tail(self.log)
        reason = self.failed or (said[-1] if said else "it said nothing")
        if ended.out_of_memory:
            message = (
                f"PyMC3 was killed for want of memory with {self.done:,} of {self.total:,} iterations done: take fewer "
                "--draws or --chains, or use --engine auto, which needs little"
            )
        elif ended.status >= 0:
            message = f"PyMC3 failed: {reason}; {_ELSE}"
            if reason.startswith(("ModuleNotFoundError", "ImportError")):
                self.room.condemn()
                message = f"PyMC3's environment is damaged ({reason}): run the same command again, which makes it anew"
        else:
            name = signal.Signals(-ended.status).name
            message = f"PyMC3 was ended by {name} with {self.done:,} of {self.total:,} iterations done"
            if -ended.status in _FROM_OUTSIDE and ended.out_of_memory is False:
                raise WorkerLost(_with_log(f"--engine pymc3: {message}", self.log, lines=0))
            message += f": if memory ran out, take fewer --draws or --chains; {_ELSE}"
        raise EngineFailed(_with_log(f"--engine pymc3: {message}", self.log))


def _with_log(message: str, log: Path, lines: int = 12) -> str:
    said = "".join(f"\n  {line}" for line in tail(log, lines)) if lines else ""
    return f"{message}{said}\n  its log: {log}"


def _shapes(model: Specification, parameters: SampleParameters) -> dict[str, tuple[int, ...]]:
    """Return what the room has to leave: the shape of each variable and statistic."""
    base = parameters.chains, parameters.draws
    features, genres = len(model.block), model.genres
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("mu", "sigma"), base)
    if model.likelihood == "student_t":
        shapes["nu"] = base
    if model.fixed_tau != 0:
        shapes |= {"tau": base, "artist_effect": (*base, len(model.counts))}
    if features:
        shapes |= {"tau_block": (*base, model.blocks), "beta": (*base, features)}
    if genres:
        shapes |= {"tau_genre": base, "genre_effect": (*base, genres)}
    if model.slopes:
        shapes |= {"tau_slope": (*base, model.blocks), "slope_deviation": (*base, genres, features)}
    return shapes | {OF_SAMPLER + name: base for name in STATISTICS.values()}


def _read(scratch: Path, shapes: dict[str, tuple[int, ...]], log: Path) -> Chains:
    """Read what the room left, and believe it only if it is what was asked for."""
    wrong = ""
    arrays: dict[str, Any] = {}
    versions: dict[str, str] = {}
    try:
        told = json.loads((scratch / RESULT).read_text(encoding="utf-8"))
        versions = {str(name): str(number) for name, number in told["versions"].items()}
        with (scratch / DRAWS).open("rb") as file, np.load(file, allow_pickle=False) as left:
            arrays = {name: left[name] for name in shapes}
    except (OSError, ValueError, KeyError, AttributeError, TypeError, EOFError, zipfile.BadZipFile) as error:
        wrong = f"{type(error).__name__}: {error}"
    for name, array in arrays.items():
        if array.shape != shapes[name] or array.dtype.kind not in "fiub":
            wrong = f"{name} is {array.dtype} of shape {array.shape}, not numbers of shape {shapes[name]}"
    if wrong:
        message = f"--engine pymc3: PyMC3 left no draws that can be used ({printable(wrong)[:300]}); {_ELSE}"
        raise EngineFailed(_with_log(message, log))
    return Chains(
        {name: array.astype(np.float64) for name, array in arrays.items() if not name.startswith(OF_SAMPLER)},
        {name.removeprefix(OF_SAMPLER): array for name, array in arrays.items() if name.startswith(OF_SAMPLER)},
        versions,
    )
