"""Where the time of a refit goes: forced refits of the sample corpus, whole processes, step by step.

Run it with `make bench-refit`. Steps are timed by themselves and include the libraries they import; what is left is the
interpreter, Prefect with its embedded server, and shutting down.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
STEPS = ("ingest", "group", "sample", "gate", "publish")
_SECONDS = re.compile(r"^(\w+) .*\((\d+\.\d) s\)$")


def refit(folder: Path) -> dict[str, float]:
    """Run one forced refit and return the seconds of each step, of the whole, and of what is between the steps."""
    command = [sys.executable, "-m", "flows.cli", "refit", "data/samples/spotify_by_genre.parquet", "--force"]
    started = time.perf_counter()
    run = subprocess.run(
        [*command, "--name", "sample", "--to", str(folder / "publications")],
        cwd=REPOSITORY,
        env={**os.environ, "PREFECT_HOME": str(folder / "prefect")},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = {"whole": time.perf_counter() - started}
    for line in run.stderr.splitlines():
        if (match := _SECONDS.match(line)) and match[1] in STEPS:
            seconds[match[1]] = float(match[2])
    seconds["Prefect and the rest"] = seconds["whole"] - sum(seconds[step] for step in STEPS)
    return seconds


def main() -> None:
    """Print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="refits after one that is not counted (default 3)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        refit(Path(folder))  # the first one makes Prefect's database
        measured = [refit(Path(folder)) for _ in range(runs)]
    print(f"{runs} forced refits of 6,000 tracks on {os.cpu_count()} cores, seconds\n")
    print("| | median | least | most | share |\n| :-- | --: | --: | --: | --: |")
    whole = statistics.median(run["whole"] for run in measured)
    for name in (*STEPS, "Prefect and the rest", "whole"):
        values = [run[name] for run in measured]
        middle = statistics.median(values)
        print(f"| {name} | {middle:.1f} | {min(values):.1f} | {max(values):.1f} | {middle / whole:.0%} |")


if __name__ == "__main__":
    main()
