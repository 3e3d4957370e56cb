"""Damage a thousand posteriors, and let the gate say what it thinks: none may pass, and none may end in a traceback.

Run it with `make fuzz-gate`. Trials are numbered: the same number does the same damage.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `small`

from gate_damage import GATE, make, trial

from tasks.gate.gating import gate_posterior


def main() -> int:
    """Run the trials and print how they ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first (default 0)")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    done: Counter[str] = Counter()
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        base = Path(place) / "base"
        base.mkdir()
        make(base)
        (base / "whole").mkdir()
        if not gate_posterior(base / "group", base / "sample", GATE, base / "whole").passed:
            print("the posterior that is to be damaged does not pass by itself")
            return 1
        for number in range(given.first, given.first + given.trials):
            with tempfile.TemporaryDirectory(dir=place) as folder:
                name, said = trial(base, Path(folder) / "one", number)
            done[name] += 1
            if said:
                wrong += 1
                print(f"trial {number}, {name}: {said}\n  again: python {sys.argv[0]} --first {number} --trials 1")
    for name, count in sorted(done.items()):
        print(f"{count:6,}  {name}")
    print(f"{sum(done.values()):,} damaged posteriors, {wrong} of them wrongly judged")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
