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
from hashlib import sha256
from pathlib import Path

from peers import r_with_lme4
from processes import BENCHMARKS, GIB, Outcome, cold_caches, confine, machine, markdown, memory, record, run, say

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
        """Where it is as ingest would leave it: another place for another generator."""
        generator = sha256((BENCHMARKS / "corpora.py").read_bytes()).hexdigest()[:8]
        return self.work / f"{self.tracks}-tracks-{self.artists}-artists-{generator}"

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
            if outcomes[step].ended != "done" or not outcomes[step].told.get("passed", True):
                log = size.work / f"{step}.log"
                message = f"{step} {outcomes[step].ended}, or did not pass, on {size.tracks:,} tracks: see {log}"
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


def report(measured: dict[Size, dict[str, Outcome]], fits: dict[Size, Outcome], allow: float) -> str:
    """Return what was measured as Markdown."""
    rows = []
    for size, steps in measured.items():
        parts = steps["phases"].told
        cells = [f"{size.tracks:,}", f"{size.artists:,}", f"{parts['distinct']:,}"]
        cells += [f"{seconds:.1f}" for seconds in (statistics.median(parts["scales"]), parts["exact"])]
        for step in ("sample", "group"):
            cells += [f"{steps[step].seconds:.1f}", f"{steps[step].peak:,.0f}"]
        rows.append([*cells, f"{steps['gate'].seconds:.1f}"])
    header = ("tracks", "artists", "distinct track counts", "NUTS over the scales, s", "all that is exact, s")
    text = f"{machine()}.\n\n"
    text += markdown((*header, "`sample`, s", "`sample`, MiB", "`group`, s", "`group`, MiB", "`gate`, s"), rows)
    sizes = list(measured)
    first, last = (statistics.median(measured[size]["phases"].told["scales"]) for size in (sizes[0], sizes[-1]))
    text += f"\n\nFrom {sizes[0].tracks:,} to {sizes[-1].tracks:,} tracks, NUTS takes {last / first:.2f} times as long."
    if not fits:
        return text + "\n"
    rows, versions = [], ""
    for size, fit in fits.items():
        steps = measured[size]
        cells = [f"{size.tracks:,}", f"{size.artists:,}"]
        theirs = fit.told.get("seconds") if fit.ended == "done" else None
        cells += [f"{fit.ended}, {allow:,.0f} s allowed" if theirs is None else f"{theirs:,.1f}", f"{fit.peak:,.0f}"]
        for chosen in (("group", "sample", "gate"), ("sample",)):
            own = sum(steps[step].seconds for step in chosen)
            cells += [f"{own:.1f}", "" if theirs is None else f"{theirs / own:.1f}"]
        rows.append(cells)
        versions = fit.told.get("versions", versions)
    header = ("tracks", "artists", "lme4: REML estimate, s", "lme4, MiB", "Encore: group, sample, gate, s")
    table = markdown((*header, "lme4 takes times that", "Encore: sample, s", "lme4 takes times that"), rows)
    return f"{text}\n\n{table}\n\nPeer: {versions}.\n"


def main() -> None:
    """Measure size by size and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=SIZES, help=f"tracks:artists, ... (default {SIZES})")
    parser.add_argument("--lme4", default=LME4, help=f"the sizes that lme4 fits, in tracks (default {LME4})")
    parser.add_argument("--allow", type=float, default=3600, help="seconds for each fit of lme4 (default 3600)")
    parser.add_argument("--work", type=Path, default=BENCHMARKS / ".work", help="where corpora are kept")
    parser.add_argument("--record", action="store_true", help="put the tables into benchmarks/README.md")
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
    text = report(measured, fits, given.allow) + (f"\nlme4 was left out: {why}.\n" if why else "")
    print(text)
    if given.record:
        record("scaling", text)
    if given.json:
        kept = {
            size.tracks: {step: asdict(outcome) for step, outcome in steps.items()}
            | ({"lme4": asdict(fits[size])} if size in fits else {})
            for size, steps in measured.items()
        }
        given.json.write_text(json.dumps({"machine": machine(), "sizes": kept}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
