"""`make faults`: refits are killed, starved and lied to, a hundred times and more; then each has to come out as ever.

Every fault has a seed. What it came to is written to docs/faults.md, unless only a part was asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

import runs  # noqa: E402 - the paths come first
from outages import Outages  # noqa: E402
from table import write_table  # noqa: E402
from trials import AT_ONCE, Outcome, Refits, TinyPublications  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FIRST_SEED = 20261126


def trials_of(
    refits: Refits, outages: Outages, tiny: TinyPublications
) -> Iterator[tuple[str, int, Callable[[Outcome], None]]]:
    """Return each kind of fault, how many there are of it, and what tries one."""
    for step in runs.STEPS:
        yield f"`kill -9` in {step}", 2, lambda outcome, step=step: refits.killed_in(outcome, step)  # type: ignore[misc]
    yield "disk full while publishing", 2, refits.disk_full
    for step in runs.STEPS:
        yield f"storage fails twice in {step}", 1, lambda outcome, step=step: refits.fails_twice(outcome, step)  # type: ignore[misc]
    yield "a bit of an intermediate file has changed", 3, refits.corrupted
    yield "the clock jumps by up to ten years", 2, refits.clock
    yield f"{AT_ONCE} refits at once on two names", 1, refits.many_at_once
    yield "`kill -9` of the server while a run is at work", 3, outages.server_killed
    yield "`kill -9` of the worker while a run is at work", 3, outages.worker_killed
    yield "tiny publication: `kill -9` at any call", 50, tiny.killed
    yield "tiny publication: disk full from any call on", 30, tiny.disk_full
    yield "tiny publication: the clock jumps", 15, tiny.clock


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--most", type=int, help="at most so many faults of a kind")
    parser.add_argument("--only", default="", help="kinds with this in their name")
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="of the first fault; the others count on")
    asked = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="encore-faults-"))
    outcomes: list[Outcome] = []
    with runs.server(folder / "server"), contextlib.ExitStack() as stack:
        seed = asked.seed
        for kind, count, attempt in trials_of(
            Refits(folder), Outages(folder / "outages", stack), TinyPublications(folder)
        ):
            for number in range(count):
                outcome = Outcome(kind, seed, random.Random(seed))
                seed += 1
                if asked.only in kind and (asked.most is None or number < asked.most):
                    began = time.monotonic()
                    attempt(outcome)
                    outcomes.append(outcome)
                    came_to = "; ".join(outcome.wrong) or "no harm"
                    print(
                        f"{outcome.seed} {kind}: {outcome.saw}: {came_to} ({time.monotonic() - began:.1f} s)",
                        flush=True,
                    )
    failed = [outcome for outcome in outcomes if outcome.wrong]
    print(f"{sum(outcome.faults for outcome in outcomes)} faults, {len(failed)} of the trials did harm")
    if failed:
        print(f"What they left is in {folder}")
        return 1
    shutil.rmtree(folder)
    if not asked.only and asked.most is None:
        write_table(outcomes)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
