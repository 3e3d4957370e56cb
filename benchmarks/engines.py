"""Effective draws per second: Encore and what one would otherwise reach for, on the same rows, all in one run.

Run it with `make bench-engines`. The corpus is TidyTuesday's of 2020-01-21 without repeats; every side runs 4 chains on
2 cores, in a process of its own, with its own defaults. The figure is the smallest bulk ESS over all parameters but
the artist effects: scales, intercept, coefficients and sub-genre effects. Imports are timed for no side.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from peers import bootstrap, python_peers
from processes import BENCHMARKS, REPOSITORY, caches_in, cold_caches, confine, machine, markdown, record, run, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from processes import Outcome

CORPUS = "tidytuesday_spotify_songs.csv"
CONVERGED = 1.01
PARAMETERS = ("mu", "sigma", "tau", "tau_genre", "tau_block", "beta", "genre_effect")
SIDES = {
    "nutpie": "nutpie, naive PyMC model",
    "pymc": "PyMC's NUTS, naive PyMC model",
    "numpyro": "NumPyro's NUTS, naive PyMC model",
    "bambi": "Bambi's default fit",
    "bambi-nutpie": "Bambi, told to use nutpie",
}
GRACE = 180.0  # seconds over the allowance, for stopping the chains and writing what there is


@dataclass(frozen=True)
class Side:
    """What was measured of one side; what could not be is None.

    Attributes
    ----------
    name : str
    note : str
        Empty where it finished.
    ess, rhat : float or None
        The smallest bulk ESS and the largest R-hat, over `parameters` scalars; `worst` has the smallest ESS.
    sampling, everything : float or None
        Seconds: of sampling alone, and with building and compiling the model.
    """

    name: str
    note: str = ""
    ess: float | None = None
    rhat: float | None = None
    worst: str = ""
    parameters: int = 0
    draws: int = 0
    sampling: float | None = None
    everything: float | None = None
    versions: str = ""

    @property
    def converged(self) -> bool:
        """Whether it finished with an R-hat that one may trust."""
        return not self.note and self.rhat is not None and self.rhat <= CONVERGED

    def rate(self, seconds: float | None) -> float | None:
        """Return effective draws per second."""
        return None if self.ess is None or seconds is None else self.ess / seconds


def measured(draws: Mapping[str, Any], labels: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the smallest bulk ESS and the largest R-hat, by ArviZ, for all sides alike.

    Parameters
    ----------
    draws : mapping of str to ndarray, shape (chains, draws, ...)
    labels : mapping of str to sequence of str
        What the elements of a parameter are called.
    """
    from arviz_stats.base import array_stats

    ess, rhat = {}, []
    for name in PARAMETERS:
        if name not in draws:
            continue
        values = np.asarray(draws[name], dtype=float)
        values = values.reshape(*values.shape[:2], -1)
        for position in range(values.shape[2]):
            one = values[:, :, position]
            element = f"{name}[{labels[name][position]}]" if name in labels else name
            ess[element] = float(array_stats.ess(one, method="bulk"))
            rhat.append(float(array_stats.rhat(one)))
    worst = min(ess, key=lambda name: ess[name])
    return {"ess": ess[worst], "rhat": max(rhat), "worst": worst, "parameters": len(ess), "draws": values.shape[1]}


def encore(grouped: Path, work: Path, labels: Mapping[str, Sequence[str]]) -> Side:
    """Measure Encore: cold caches, then part by part."""
    import xarray as xr

    with tempfile.TemporaryDirectory(dir=work) as folder, cold_caches() as cold:
        done = run([sys.executable, BENCHMARKS / "ours.py", "phases", grouped, folder], environment=cold)
        if done.ended != "done":
            message = f"Encore's own side {done.ended}: run benchmarks/ours.py phases by itself to see why"
            raise SystemExit(message)
        with xr.open_datatree(Path(folder) / "posterior.nc", engine="h5netcdf") as tree:
            posterior = tree["posterior"].to_dataset().load()
    told = done.told
    scales = statistics.median(told["scales"])
    sampling = scales + told["exact"]
    say(f"  scales {scales:.2f} s in {told['gradients']:,} gradients, all else {told['exact']:.2f} s")
    return Side("Encore, collapsed", **measured(posterior, labels), sampling=sampling, everything=told["everything"])


def labels_of(data: Path) -> dict[str, list[str]]:
    """Return what the elements of the parameters are called."""
    model = json.loads((data / "model.json").read_text(encoding="utf-8"))
    return {"beta": model["features"], "genre_effect": model["subgenres"], "tau_block": model["blocks"]}


def peer(name: str, label: str, data: Path, allow: float, caches: dict[str, str]) -> Side:
    """Measure one peer within its allowance."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [python_peers(), BENCHMARKS / "peer_models.py", name, data, folder, str(allow)]
        done = run(command, allow=allow + GRACE, environment=caches, log=log)
        if done.ended.startswith("failed"):
            say(f"{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
        return _side(label, done, Path(folder) / "draws.npz", allow, labels_of(data))


def _side(label: str, done: Outcome, draws: Path, allow: float, labels: Mapping[str, Sequence[str]]) -> Side:
    told = done.told
    versions = ", ".join(f"{package} {number}" for package, number in told.get("versions", {}).items())
    if done.ended.startswith("failed"):
        return Side(label, note=done.ended)
    note = "" if told.get("finished") else f"did not finish in {allow:.0f} s"
    found: dict[str, Any] = {}
    if draws.exists():
        with np.load(draws, allow_pickle=False) as kept:
            if kept["mu"].shape[0] > 1 and kept["mu"].shape[1] >= 4:  # noqa: PLR2004 - what R-hat needs
                found = measured(kept, labels)
    if note and not found:
        note += " and left no draws"
    times = {key: told.get(key) for key in ("sampling", "everything")}
    return Side(label, note=note, versions=versions, **found, **times)


def gated(grouped: Path, work: Path, runs: int) -> list[Outcome]:
    """Time fresh processes from grouped data to a gated posterior, each with cold caches."""
    outcomes = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(dir=work) as folder, cold_caches() as cold:
            outcomes.append(run([sys.executable, BENCHMARKS / "ours.py", "gated", grouped, folder], environment=cold))
    return outcomes


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004 - two digits are enough


def table(sides: list[Side]) -> str:
    """Return the sides as Markdown, with ratios to the first."""
    rows = []
    for side in sides:
        verdict = "" if side.rhat is None else f"{side.rhat:.3f}"
        if not side.converged:
            verdict = ", ".join(filter(None, [verdict, side.note, "not converged"]))
        cells = [side.name, verdict, "" if side.ess is None else f"{side.ess:,.0f} ({side.worst})"]
        for which in ("sampling", "everything"):
            seconds = getattr(side, which)
            own, theirs = (one.rate(getattr(one, which)) for one in (sides[0], side))
            cells.append("" if seconds is None else f"{seconds:,.1f}")
            cells += ["", ""] if own is None or theirs is None else [_rate(theirs), f"{own / theirs:,.0f}"]
        rows.append(cells)
    header = ("", "largest R-hat", "smallest bulk ESS", "sampling, s", "ESS/s", "Encore has times that")
    return markdown((*header, "everything, s", "ESS/s", "Encore has times that"), rows)


def report(sides: list[Side], outcomes: list[Outcome], shape: str, allow: float) -> str:
    """Return all that was measured as Markdown."""
    text = f"{shape}; 4 chains; {machine()}; {allow:,.0f} s allowed to each peer.\n\n{table(sides)}\n"
    if outcomes:
        seconds = sorted(outcome.seconds for outcome in outcomes)
        passed = all(outcome.told.get("passed") for outcome in outcomes)
        text += "\nFrom grouped data to a gated posterior, in a fresh process with cold caches, imports included: "
        text += f"{statistics.median(seconds):.1f} s, the median of {', '.join(f'{each:.1f}' for each in seconds)}; "
        text += f"{'each passed the gate' if passed else 'NOT EACH PASSED THE GATE'}.\n"
    versions = dict.fromkeys(part for side in sides for part in side.versions.split(", ") if part)
    return text + (f"\nPeers: {', '.join(versions)}.\n" if versions else "")


def main() -> None:
    """Measure the sides one after the other and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    folder = Path(os.environ.get("ENCORE_CORPORA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--corpus", type=Path, default=folder / CORPUS, help="default: $ENCORE_CORPORA/" + CORPUS)
    parser.add_argument("--allow", type=float, default=900, help="seconds for each peer (default 900)")
    parser.add_argument("--sides", default=",".join(SIDES), help=f"peers, of {','.join(SIDES)} (default all)")
    parser.add_argument("--runs", type=int, default=3, help="fresh processes to a gated posterior (default 3)")
    parser.add_argument("--record", action="store_true", help="put the tables into benchmarks/README.md")
    parser.add_argument("--json", type=Path, help="also write what was measured there")
    given = parser.parse_args()
    chosen = [name for name in given.sides.split(",") if name]
    if unknown := [name for name in chosen if name not in SIDES]:
        parser.error(f"there is no side {unknown[0]}: choose of {', '.join(SIDES)}")
    if not given.corpus.is_file():
        parser.error(f"{given.corpus} is not there: name TidyTuesday's spotify_songs.csv with --corpus")
    confine()
    if chosen and bootstrap.guarded(lambda: say(f"peers in {python_peers()}")):
        sys.exit(1)
    with tempfile.TemporaryDirectory(prefix="encore-bench-") as place:
        work = Path(place)
        prepared = run([sys.executable, BENCHMARKS / "ours.py", "prepare", given.corpus, work]).told
        shape = "{tracks:,} tracks, {artists:,} artists, {subgenres} sub-genres, {features} features".format(**prepared)
        say(f"{shape}; {machine()}")
        sides = [encore(work / "grouped", work, labels_of(work / "peers"))]
        for name in chosen:
            caches = caches_in(work / f"caches of {name}")
            for state in ("cold caches", "warm caches") if name == "nutpie" else ("cold caches",):
                say(f"{SIDES[name]}, {state}")
                sides.append(peer(name, f"{SIDES[name]}, {state}", work / "peers", given.allow, caches))
                say(f"  {sides[-1]}")
        outcomes = gated(work / "grouped", work, given.runs)
    text = report(sides, outcomes, shape, given.allow)
    print(text)
    if given.record:
        record("engines", text)
    if given.json:
        kept = {"sides": [asdict(side) for side in sides], "gated": [asdict(outcome) for outcome in outcomes]}
        given.json.write_text(json.dumps(kept | {"machine": machine(), "shape": prepared}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
