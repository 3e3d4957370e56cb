"""Sides of a benchmark as processes of their own: a time allowance, a memory limit, cold caches, and what they took."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REPOSITORY = Path(__file__).resolve().parents[1]
BENCHMARKS = REPOSITORY / "benchmarks"
CORES = 2
GIB = 1 << 30


@dataclass(frozen=True)
class Outcome:
    """How a process ended.

    Attributes
    ----------
    seconds : float
        From its start to its end, interpreter and imports included.
    cpu : float
        Seconds of processor it used, over all cores and its children: on a busy machine, what `seconds` would be near.
    peak : float
        Most memory resident at a time, in MiB.
    ended : str
        ``done``, ``out of time``, or how it failed.
    told : dict
        What it wrote as JSON in the last line of its standard output, if it came to that.
    """

    seconds: float
    cpu: float
    peak: float
    ended: str
    told: dict[str, Any]


def confine() -> None:
    """Keep this process and all it starts to two cores, where there are more."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def memory() -> int:
    """Return the machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def machine() -> str:
    """Say what this is measured on, in a line."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{CORES} cores of {model}, {memory() / GIB:.0f} GiB of memory, Python {platform.python_version()}"


def say(message: str) -> None:
    """Tell the person who waits; standard output is for the tables."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def cold_caches() -> Iterator[dict[str, str]]:
    """Give the environment of a process that finds nothing compiled before, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="encore-cold-") as folder:
        yield caches_in(Path(folder))


def caches_in(folder: Path) -> dict[str, str]:
    """Return the environment of a process whose compilers keep what they made in `folder`."""
    return {
        "NUMBA_CACHE_DIR": str(folder / "numba"),
        "PYTENSOR_FLAGS": f"base_compiledir={folder / 'pytensor'}",
        "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
    }


def run(
    command: Sequence[str | Path],
    *,
    allow: float | None = None,
    environment: dict[str, str] | None = None,
    limit: int | None = None,
    log: Path | None = None,
) -> Outcome:
    """Run one side to its end.

    Parameters
    ----------
    command : sequence of str or Path
    allow : float, optional
        Seconds after which it is killed, with all it started.
    environment : dict, optional
        On top of this process's own.
    limit : int, optional
        Address space in bytes: a side that wants more is refused it, and the machine stays alive.
    log : Path, optional
        Where its standard error goes; nowhere by default.

    Returns
    -------
    Outcome
    """
    own = {**os.environ, "PYTHONPATH": str(REPOSITORY), **(environment or {})}

    def restrict() -> None:
        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    with tempfile.TemporaryFile() as out, (log or Path(os.devnull)).open("wb") as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=REPOSITORY,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            preexec_fn=restrict,  # noqa: PLW1509 - this process has no threads
        )
        ended = "done"
        try:
            while True:
                done, status, used = os.wait4(process.pid, os.WNOHANG)
                if done:
                    break
                if allow and time.perf_counter() - started > allow:
                    ended, allow = "out of time", None
                    os.killpg(process.pid, 9)
                time.sleep(0.02)
        except BaseException:
            os.killpg(process.pid, 9)
            raise
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)  # reaped above, which Popen does not know
        out.seek(0)
        lines = out.read().decode(errors="replace").splitlines()
    if process.returncode and ended == "done":
        ended = f"failed (exit status {process.returncode})"
    try:
        told = json.loads(lines[-1]) if lines else {}
    except ValueError:
        told = {}
    return Outcome(
        seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, ended, told if isinstance(told, dict) else {}
    )


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table: the first column to the left, the others to the right."""
    rule = [":--", *["--:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def record(name: str, text: str) -> None:
    """Put what was measured into the README, between the marks that bear its name."""
    readme = BENCHMARKS / "README.md"
    before, start, rest = readme.read_text(encoding="utf-8").partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->\n")
    if not (start and end):
        message = f"{readme} has no place for {name}: put its two marks back"
        raise SystemExit(message)
    readme.write_text(f"{before}{start}\n{text.strip()}\n\n{end}{after}", encoding="utf-8")
