"""Ingest thousands of mutated corpora, and say how each ended: in a validated table, or in a refusal of one sentence.

Run it with `make fuzz`. Corpora are numbered, and the same seed and number give the same bytes: what is found is written
to a folder, and printed with the command that repeats it. A worker that hangs or dies is told from one that refuses.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import queue
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from damage import corpus
from trial import BROKEN, REFUSED, TABLE, Judges, attempt, lay, plain, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator


def work(seed: int, numbers: range, limit: float, every: int) -> None:
    """Ingest corpora and print a line of JSON before and after each; end with a traceback if one takes too long."""
    judges = Judges(every)
    for number in numbers:
        print(json.dumps({"begun": number}), flush=True)
        made, what = corpus(seed, number)
        faulthandler.dump_traceback_later(limit, exit=True)
        started = time.monotonic()
        outcome = attempt(made, judges.of(number))
        faulthandler.cancel_dump_traceback_later()
        told = plain(outcome) | {
            "number": number,
            "what": what,
            "seconds": time.monotonic() - started,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "names": [file.name for file in made.files],
        }
        print(json.dumps(told), flush=True)


def watch(seed: int, numbers: range, limit: float, every: int, told: queue.Queue[dict[str, Any] | None]) -> None:
    """Keep a worker at work until its corpora are done, and tell how they ended."""
    while numbers:
        with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
            command = [
                sys.executable,
                __file__,
                "--seed",
                str(seed),
                "--limit",
                str(limit),
                "--every",
                str(every),
                "--worker",
            ]
            command += [str(part) for part in (numbers.start, numbers.stop, numbers.step)]
            begun = None
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as process:
                for line in process.stdout or ():
                    record = json.loads(line)
                    begun = record.get("begun")
                    if begun is None:
                        told.put(record)
                        numbers = range(record["number"] + numbers.step, numbers.stop, numbers.step)
            if process.returncode == 0:
                break
            said.seek(0)
            text = f"the process ended with {process.returncode}: {said.read()[-5_000:]}"
            told.put(
                {
                    "number": numbers.start if begun is None else begun,
                    "kind": BROKEN,
                    "said": text,
                    "what": "a hang, or a crash",
                }
            )
            numbers = numbers[1:]
    told.put(None)


def outcomes(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield how corpora ended, as they do."""
    told: queue.Queue[dict[str, Any] | None] = queue.Queue()
    numbers = range(given.first, given.first + given.corpora)
    for worker in range(given.processes):
        part = numbers[worker :: given.processes]
        threading.Thread(target=watch, args=(given.seed, part, given.limit, given.every, told), daemon=True).start()
    for _ in range(given.processes):
        while (record := told.get()) is not None:
            yield record


def keep(seed: int, number: int, said: str, folder: Path) -> None:
    """Write a corpus that ended otherwise, for somebody to look at."""
    place = folder / f"{seed}-{number}"
    if not place.exists():
        place.mkdir(parents=True)
        made, what = corpus(seed, number)
        lay(made, place / "corpus")
        (place / "what.txt").write_text(f"{what}\n{made.parameters}\n{said}\n", encoding="utf-8", errors="replace")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=int, default=10_000, help="how many (10,000)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (1)")
    parser.add_argument("--first", type=int, default=0, help="number of the first one (0)")
    parser.add_argument("--only", type=int, help="number of the one to ingest, telling what became of it")
    parser.add_argument("--processes", type=int, default=2, help="at once (2)")
    parser.add_argument("--limit", type=float, default=60, help="seconds for one corpus (60)")
    parser.add_argument(
        "--every",
        type=int,
        default=20,
        help="Great Expectations judges one in so many; in the others the same rules are held plainly (20)",
    )
    parser.add_argument(
        "--failures", type=Path, default=Path("data/fuzz"), help="folder for what ended otherwise (data/fuzz)"
    )
    parser.add_argument("--worker", type=int, nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.seed, range(*given.worker), given.limit, given.every)
        return 0
    if given.only is not None:
        made, what = corpus(given.seed, given.only)
        outcome = attempt(made, Judges().of(0))
        print(what, made.parameters, [(file.name, len(file.content), file.rows) for file in made.files], sep="\n")
        print(outcome.kind, outcome.rows or "", outcome.said)
        return int(outcome.kind == BROKEN)
    return tell(given)


def tell(given: argparse.Namespace) -> int:
    """Ingest all, and print what became of them."""
    started = time.monotonic()
    kinds: Counter[str] = Counter()
    sentences: Counter[str] = Counter()
    counted = rows = 0
    slowest: tuple[float, int] = (0, 0)
    peak = 0
    for record in outcomes(given):
        kinds[record["kind"]] += 1
        counted += record.get("counted", False)
        rows += record.get("rows", 0)
        slowest = max(slowest, (record.get("seconds", 0), record["number"]))
        peak = max(peak, record.get("peak", 0))
        if record["kind"] == REFUSED:
            sentences[sentence(record["said"], record["names"])] += 1
        elif record["kind"] == BROKEN:
            keep(given.seed, record["number"], record["said"], given.failures)
            print(f"\n{record['number']} ({record['what']}): {record['said'].strip()[-1_500:]}")
            print(f"  again: make fuzz ARGS='--seed {given.seed} --only {record['number']}'", flush=True)
        if sum(kinds.values()) % 1_000 == 0:
            print(f"{sum(kinds.values()):,} corpora, {time.monotonic() - started:.0f} s: {dict(kinds)}", flush=True)
    print(f"\n{sum(kinds.values()):,} corpora of seed {given.seed} in {time.monotonic() - started:.0f} s")
    print(
        f"{kinds[TABLE]:7,}  ended in a validated table, {rows:,} rows in all; {counted:,} counted by another reading too"
    )
    print(f"{kinds[REFUSED]:7,}  were refused, in {len(sentences)} kinds of sentence")
    for text, number in sentences.most_common(60):
        print(f"{number:15,}  {text}")
    print(f"{kinds[BROKEN]:7,}  ended otherwise")
    print(f"the slowest took {slowest[0]:.1f} s (number {slowest[1]}), the largest process had {peak / 1024:.0f} MiB")
    return int(kinds[BROKEN] > 0 or sum(kinds.values()) != given.corpora)


if __name__ == "__main__":
    os.environ.setdefault("DO_NOT_TRACK", "1")
    sys.exit(main())
