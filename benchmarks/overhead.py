"""What Prefect adds to a refit: the same steps under a flow, its server up, and as plain functions without Prefect.

Run it with `make bench-overhead`. The plain side runs the very same code, `flows/refit.py` and the doors of the steps:
a stand-in takes the place of the module `prefect`, whose decorators return what they are given and whose artifacts are
nothing. Sides take turns; each is a process of its own, imports included, and does every step (`force`).
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

from processes import BENCHMARKS, REPOSITORY, confine, machine, markdown, record, run, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from processes import Outcome

SAMPLE = REPOSITORY / "data" / "samples" / "spotify_by_genre.parquet"
SIDES = ("Prefect", "plain")
HEADER = ["6,000 tracks, forced", "by the clock, s", "least", "most", "processor, s", "least", "most"]
_TICKS = os.sysconf("SC_CLK_TCK")


class Plain:
    """A task or a flow that is the function alone, and whatever else is called and has nothing to do."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        return self._function(*args, **kwargs)

    def with_options(self, **_: Any) -> Self:
        """Return it as it is."""
        return self


def stand_in() -> None:
    """Put modules in Prefect's place."""
    from pydantic import BaseModel

    nothing = type("Nothing", (), {"id": None, "name": None, "get": staticmethod(lambda: None)})

    class Asset:
        def __init__(self, key: str) -> None:
            self.key = key

    known: dict[str, dict[str, Any]] = {
        "": {
            "flow": lambda **_: Plain,
            "task": lambda **_: Plain,
            "runtime": type("Runtime", (), {"flow_run": nothing, "deployment": nothing}),
            "suspend_flow_run": None,
        },
        ".artifacts": dict.fromkeys(
            [f"create_{kind}_artifact" for kind in ("image", "markdown", "progress", "table")]
            + ["update_progress_artifact"],
            lambda **_: None,
        ),
        ".assets": {"Asset": Asset},
        ".cache_policies": {"NO_CACHE": None},
        ".context": {"AssetContext": nothing},
        ".exceptions": {"MissingContextError": LookupError},
        ".input": {"RunInput": BaseModel},
        ".logging": {"get_run_logger": None},
        ".states": {"Cancelled": None, "Completed": None},
    }
    for name, contents in known.items():
        module = ModuleType(f"prefect{name}")
        vars(module).update(contents)
        sys.modules[module.__name__] = module


def side(which: str, to: str) -> dict[str, float]:
    """Refit in this process, and say what that took."""
    if which == "plain":
        stand_in()
    began = time.perf_counter()
    import flows.refit

    imported = time.perf_counter()
    publication = flows.refit.refit(sources=[str(SAMPLE)], name="sample", to=to, force=True)
    if not publication.version:
        message = "nothing was published"
        raise SystemExit(message)
    return {"import": imported - began, "refit": time.perf_counter() - imported}


@contextmanager
def server(home: Path) -> Iterator[tuple[dict[str, str], Callable[[], float]]]:
    """Run Prefect's server; give the environment that names it, and what tells how much processor it has used."""
    from flows.serving import answers
    from flows.supervising import Child

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    api = f"http://127.0.0.1:{port}/api"
    environment = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": api,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    child = Child("server", command, {**os.environ, **environment}, REPOSITORY, home / "server.log")
    child.start()
    try:
        while not answers(api):
            if not child.running:
                message = f"the server did not start: {child.log.read_text()[-2000:]}"
                raise SystemExit(message)
            time.sleep(0.3)
        process = child.process
        assert process is not None  # noqa: S101 - it was started above

        def used() -> float:
            fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / _TICKS

        yield environment, used
    finally:
        child.stop(15)


def measure(runs: int, folder: Path) -> str:
    """Let the sides take turns; return the table."""
    took: dict[str, list[Outcome]] = {which: [] for which in SIDES}
    servers: list[float] = []
    with server(folder / "prefect") as (environment, used):
        for turn in range(runs + 1):
            for which in SIDES if turn % 2 else SIDES[::-1]:
                before = used()
                command = [sys.executable, BENCHMARKS / "overhead.py", "--side", which, folder / which]
                outcome = run(command, environment=environment, log=folder / f"{which}.log")
                if outcome.ended != "done":
                    message = f"{which} {outcome.ended}: {(folder / f'{which}.log').read_text()[-2000:]}"
                    raise SystemExit(message)
                say(f"turn {turn}, {which}: {outcome.seconds:.1f} s, {outcome.cpu:.1f} s of processor, {outcome.told}")
                if turn:  # the first only warms what is compiled and cached
                    took[which].append(outcome)
                    servers += [used() - before] if which == "Prefect" else []
    rows = [_row(f"{which}", [one.seconds for one in took[which]], [one.cpu for one in took[which]]) for which in SIDES]
    pairs = list(zip(*(took[which] for which in SIDES), strict=True))
    seconds = [with_it.seconds - without.seconds for with_it, without in pairs]
    rows.append(_row("Prefect adds", seconds, [with_it.cpu - without.cpu for with_it, without in pairs]))
    parts = {
        part: statistics.median(one.told[part] - other.told[part] for one, other in pairs)
        for part in ("import", "refit")
    }
    return (
        f"Medians of {runs} turns; {machine()}.\n\n{markdown(HEADER, rows)}\n\n"
        f"Of what it adds by the clock, {parts['import']:.1f} s are its import and {parts['refit']:.1f} s the run; the "
        f"server uses {statistics.median(servers):.1f} s of processor a refit beside that."
    )


def _row(name: str, *kinds: list[float]) -> list[str]:
    shown = [name]
    for values in kinds:
        shown += [f"{statistics.median(values):.1f}", f"{min(values):.1f}", f"{max(values):.1f}"]
    return shown


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="turns after one that is not counted (default 7)")
    parser.add_argument("--record", action="store_true", help="put the table into benchmarks/README.md")
    parser.add_argument("--side", nargs=2, metavar=("SIDE", "TO"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        print(json.dumps(side(*given.side)))
        return
    confine()
    with tempfile.TemporaryDirectory(prefix="encore-overhead-") as folder:
        table = measure(given.runs, Path(folder))
    print(table)
    if given.record:
        record("overhead", table)


if __name__ == "__main__":
    main()
