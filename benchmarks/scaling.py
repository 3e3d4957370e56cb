"""What more tracks cost: Encore from 0.1 to 10 million of them, and lme4's point estimate of the same formula.

Run it with `make bench-scaling`. The corpora are simulated (corpora.py) and kept in ``benchmarks/.work``. Every step of
Encore runs in a process of its own with cold caches, and is timed from its start to its end, imports included. lme4 is
timed from data in memory to its estimate.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from peers import r_with_lme4
from processes import BENCHMARKS, GIB, Outcome, cold_caches, confine, machine, markdown, memory, run, say

SIZES = "100000:8000,1000000:80000,10000000:800000"
LME4 = "1000000,10000000"


@dataclass(frozen=True)
class Size:
    """One corpus: tracks and artists, and where it is."""

    tracks: int
    artists: int
    work: Path

    @property
    def corpus(self) -> Path:
        """Where it is as ingest would leave it."""
        return self.work / f"{self.tracks}-tracks-{self.artists}-artists"

    @property
    def plain(self) -> Path:
        """Where its raw columns are."""
        return self.corpus / "plain"

    def simulate(self) -> None:
        """Write the corpus, unless it is there."""
        if (self.corpus / "truth.json").is_file():
            return
        shutil.rmtree(self.corpus, ignore_errors=True)
        size = ["--tracks", str(self.tracks), "--artists", str(self.artists)]
        command = [sys.executable, BENCHMARKS / "corpora.py", self.corpus, *size, "--plain", self.plain]
        done = run(command, log=self.work / "corpora.log")
        if done.ended != "done":
            message = f"the corpus of {self.tracks:,} tracks could not be simulated: see {self.work / 'corpora.log'}"
            raise SystemExit(message)


def encore(size: Size) -> dict[str, Outcome]:
    """Take a corpus through group, sample and gate, and sample once more part by part."""
    outcomes = {}
    with tempfile.TemporaryDirectory(dir=size.work) as place:
        folder = Path(place)
        before = {"group": size.corpus, "sample": folder / "group", "gate": folder / "sample"}
        for step, source in (before | {"phases": folder / "group"}).items():
            (folder / step).mkdir()
            with cold_caches() as cold:
                command = [sys.executable, BENCHMARKS / "ours.py", step, source, folder / step]
                outcomes[step] = run(command, environment=cold, log=size.work / f"{step}.log")
            say(f"  {step}: {outcomes[step]}")
            if outcomes[step].ended != "done":
                message = f"{step} {outcomes[step].ended} on {size.tracks:,} tracks: see {size.work / f'{step}.log'}"
                raise SystemExit(message)
    return outcomes


def lme4(size: Size, program: str, allow: float) -> Outcome:
    """Fit lme4 within its allowance, and within what memory the machine can spare."""
    limit = min(memory() * 4 // 5, memory() - 4 * GIB)
    done = run(
        [program, "--vanilla", BENCHMARKS / "lme4.R", size.plain],
        allow=allow,
        limit=limit if limit > 0 else None,
        log=size.work / "lme4.log",
    )
    say(f"  lme4: {done}")
    return done


def tables(measured: dict[Size, dict[str, Outcome]], fits: dict[Size, Outcome], allow: float) -> str:
    """Return what was measured as Markdown."""
    rows = []
    for size, steps in measured.items():
        parts = steps["phases"].told
        scales = statistics.median(parts["scales"])
        cells = [f"{size.tracks:,}", f"{size.artists:,}", f"{parts['distinct']:,}", f"{scales:.1f}"]
        cells += [f"{1e6 * scales / parts['gradients']:.0f}", f"{parts['exact']:.1f}"]
        cells += [f"{steps['sample'].seconds:.1f}", f"{steps['sample'].peak:,.0f}"]
        cells += [f"{steps['group'].seconds:.1f}", f"{steps['group'].peak:,.0f}"]
        cells += [f"{steps['gate'].seconds:.1f}", "yes" if steps["gate"].told["passed"] else "NO"]
        rows.append(cells)
    header = ("tracks", "artists", "distinct track counts", "NUTS over the scales, s", "a gradient, us")
    header += ("all that is exact, s", "sample, whole process, s", "sample, MiB", "group, s", "group, MiB")
    text = markdown((*header, "gate, s", "passed"), rows)
    sizes = list(measured)
    if len(sizes) > 1:
        first, last = (statistics.median(measured[size]["phases"].told["scales"]) for size in (sizes[0], sizes[-1]))
        text += f"\n\nFrom {sizes[0].tracks:,} to {sizes[-1].tracks:,} tracks the time to sample the scales grows "
        text += f"{last / first:.2f}-fold.\n"
    if not fits:
        return text
    rows = []
    for size, fit in fits.items():
        steps = measured[size]
        whole = sum(steps[step].seconds for step in ("group", "sample", "gate"))
        if fit.ended == "done" and fit.told:
            cells = [f"{fit.told['seconds']:,.1f}", f"{fit.peak:,.0f}"]
            ratios = [f"{fit.told['seconds'] / seconds:.1f}" for seconds in (whole, steps["sample"].seconds)]
        else:
            cells, ratios = [f"{fit.ended} ({allow:.0f} s allowed)", f"{fit.peak:,.0f}"], ["", ""]
        own = [f"{whole:.1f}", ratios[0], f"{steps['sample'].seconds:.1f}", ratios[1]]
        rows.append([f"{size.tracks:,}", f"{size.artists:,}", *cells, *own])
    header = ("tracks", "artists", "lme4, REML estimate, s", "lme4, MiB", "Encore: group, sample and gate, s")
    return f"{text}\n{markdown((*header, 'lme4 takes times', 'Encore: sample, s', 'lme4 takes times'), rows)}"


def main() -> None:
    """Measure size by size and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=SIZES, help=f"tracks:artists, ... (default {SIZES})")
    parser.add_argument("--lme4", default=LME4, help=f"the sizes that lme4 fits, in tracks (default {LME4})")
    parser.add_argument("--allow", type=float, default=3600, help="seconds for each fit of lme4 (default 3600)")
    parser.add_argument("--work", type=Path, default=BENCHMARKS / ".work", help="where corpora are kept")
    parser.add_argument("--json", type=Path, help="also write what was measured there")
    given = parser.parse_args()
    confine()
    given.work.mkdir(parents=True, exist_ok=True)
    sizes = [Size(*map(int, each.split(":")), given.work.resolve()) for each in given.sizes.split(",")]
    fitted = {int(tracks) for tracks in given.lme4.split(",") if tracks}
    program, why = r_with_lme4() if fitted else ("", "")
    if why:
        say(f"\nLME4 IS LEFT OUT: {why}.\n")
    measured: dict[Size, dict[str, Outcome]] = {}
    fits: dict[Size, Outcome] = {}
    for size in sizes:
        say(f"{size.tracks:,} tracks, {size.artists:,} artists")
        size.simulate()
        measured[size] = encore(size)
        if program and size.tracks in fitted:
            fits[size] = lme4(size, program, given.allow)
    print(f"{machine()}\n\n{tables(measured, fits, given.allow)}")
    for fit in fits.values():
        print(f"\n{fit.told}")
    if why:
        print(f"\nlme4 was left out: {why}.")
    if given.json:
        kept = {
            size.tracks: {step: asdict(outcome) for step, outcome in steps.items()}
            | ({"lme4": asdict(fits[size])} if size in fits else {})
            for size, steps in measured.items()
        }
        given.json.write_text(json.dumps({"machine": machine(), "sizes": kept}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
