"""PyMC3, PyMC 6 track by track, and the sums: one posterior, and what each pays for it, all in one run.

Run it with `make bench-pymc3`. On the 350 tracks of Bayes Rules! and on the committed corpus, each engine draws 4
chains in a process of its own. Two questions: by how many standard errors of the difference do means and sds differ,
and how many effective draws are there for a second of processor? Such seconds depend little on what else the machine
does.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processes import REPOSITORY, caches_in, confine, machine, markdown, record, run, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes

BOOK = "bayesrules_spotify.csv"
ENGINES = {"pymc3": "PyMC3", "rows": "PyMC 6 track by track, by nutpie", "collapsed": "Encore, collapsed"}
FIGURE = REPOSITORY / "docs" / "images" / "pymc3.png"
CORPORA = {"book": "Bayes Rules!", "sample": "the committed corpus"}


# --- one engine, in a process of its own ------------------------------------------------------------------------------


def processor() -> float:
    """Return the seconds of processor that this process and those it has waited for have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def prepare(corpus: str, source: Path, folder: Path) -> dict[str, Any]:
    """Ingest and group a corpus: the book's as the book has it, with an intercept alone."""
    from schemas.parameters import GroupParameters, IngestParameters
    from tasks.group.grouping import group_tracks
    from tasks.ingest.corpus import ingest_corpus
    from tasks.ingest.sources import find_sources

    for name in ("ingested", "grouped"):
        (folder / name).mkdir(parents=True)
    book = corpus == "book"
    ingestion = IngestParameters(repeats="keep" if book else "drop")
    grouping = GroupParameters(features="none", genres="none") if book else GroupParameters()
    ingest_corpus(find_sources([str(source)]), ingestion, folder / "ingested")
    design = group_tracks(folder / "ingested", grouping, folder / "grouped", keep_rows=True)
    return {"tracks": design.observations, "artists": design.artists}


def room(folder: Path) -> dict[str, Any]:
    """Make PyMC3's room, and say how long that took and how large it is."""
    from tasks.sample.old_python import check_machine
    from tasks.sample.room import ready_room

    begun, used = time.monotonic(), processor()
    made = ready_room(check_machine()).folder
    took = {"seconds": time.monotonic() - begun, "processor": processor() - used}
    size = sum(path.lstat().st_size for path in made.rglob("*") if not path.is_symlink())
    del folder
    return took | {"mib": size / 2**20, "python": made.name.split("-")[1]}


def sample(engine: str, grouped: Path, folder: Path, draws: int, tune: int) -> dict[str, Any]:
    """Draw a posterior, and say what sampling alone has used."""
    # What is timed is without imports.
    import nutpie.compiled_pyfunc  # noqa: F401
    import scipy.linalg  # noqa: F401

    from schemas.parameters import SampleParameters
    from tasks.sample import nuts, posterior, rows, sampling

    told: dict[str, Any] = {"sampling": 0.0}

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            used = processor()
            try:
                return function(*arguments, **options)
            finally:
                told["sampling"] += processor() - used

        return called

    class Listener(logging.Handler):
        """Takes down what PyMC3 says of itself."""

        def emit(self, record: logging.LogRecord) -> None:
            """Keep its seconds of processor."""
            if news := getattr(record, "pymc3", None):
                told["sampling"] = news["processor"]

    if engine == "rows":
        rows.run = timed(rows.run)
    elif engine == "collapsed":
        # NUTS over the scales, and all that is drawn or computed exactly after it.
        nuts.sample_scales, posterior.from_scales = timed(nuts.sample_scales), timed(posterior.from_scales)
    logging.getLogger("encore").setLevel(logging.INFO)
    logging.getLogger("encore").addHandler(Listener())
    parameters = SampleParameters.model_validate(
        {"engine": engine, "draws": draws, "tune": tune, "time_limit": 0}
        if engine == "pymc3"
        else {"engine": engine, "draws": draws, "tune": tune}
    )
    report = sampling.sample_posterior(grouped, parameters, folder)
    from tasks.gate.diagnostics import measure

    measured = measure(folder / "posterior.nc")
    worst = int(measured.columns["ess_bulk"].argmin())
    return told | {
        "ess": float(measured.columns["ess_bulk"][worst]),
        "worst": measured.names[worst],
        "rhat": float(measured.columns["rhat"].max()),
        "divergences": measured.divergences,
        "versions": report.versions,
    }


# --- beside each other ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """An engine on a corpus: what it told, and seconds of processor of its whole process with cold and warm caches."""

    engine: str
    told: Mapping[str, Any]
    cold: float
    warm: float
    folder: Path


def off(ours: Path, theirs: Path) -> dict[str, Any]:
    """Return, for every scalar, by how many standard errors of the difference its mean and its sd differ."""
    import arviz_stats
    import numpy as np
    import xarray as xr

    found: dict[str, list[float]] = {"mean": [], "sd": []}
    trees = [xr.load_datatree(folder / "posterior.nc", engine="h5netcdf") for folder in (ours, theirs)]
    one, other = (tree["posterior"].to_dataset() for tree in trees)
    for method, values in found.items():
        errors = [arviz_stats.mcse(draws, method=method) for draws in (one, other)]
        for name in one.data_vars:
            a, b = (
                getattr(draws[name], "std" if method == "sd" else method)(("chain", "draw")) for draws in (one, other)
            )
            values += list(np.ravel((a - b) / np.hypot(*(error[name] for error in errors))))
    return {method: np.array(values) for method, values in found.items()}


def one_side(engine: str, place: Path, caches: dict[str, str], steps: tuple[int, int]) -> Side:
    """Measure an engine twice, with cold caches and with warm ones."""
    outcomes = []
    for state in ("cold", "warm"):
        folder = place / f"{engine} {state}"
        folder.mkdir()
        tune = 300 if engine == "collapsed" else steps[1]
        command = [sys.executable, Path(__file__), "--one", engine, place / "grouped", folder, str(steps[0]), str(tune)]
        done = run(command, environment=caches, log=folder / "log")
        if done.ended != "done":
            message = f"{engine} {done.ended}: {(folder / 'log').read_text(encoding='utf-8')[-3000:]}"
            raise SystemExit(message)
        say(f"  {engine}, {state} caches: {done.cpu:.0f} s of processor, {done.told}")
        outcomes.append(done)
    return Side(engine, outcomes[1].told, outcomes[0].cpu, outcomes[1].cpu, folder)


def table(sides: Mapping[str, Sequence[Side]], shapes: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what each engine pays as Markdown."""
    lines = []
    for corpus, those in sides.items():
        best = next(side for side in those if side.engine == "collapsed")
        for side in those:
            rate, whole = side.told["ess"] / side.told["sampling"], side.told["ess"] / side.warm
            times = best.told["ess"] / best.told["sampling"] / rate, best.told["ess"] / best.warm / whole
            shape = shapes[corpus]
            lines.append(
                [
                    f"{CORPORA[corpus]}: {shape['tracks']:,} tracks, {shape['artists']:,} artists",
                    ENGINES[side.engine],
                    f"{side.told['rhat']:.3f}",
                    f"{side.told['ess']:,.0f} ({side.told['worst']})",
                    f"{side.told['sampling']:,.1f}",
                    f"{rate:,.1f}",
                    f"{times[0]:,.0f}",
                    f"{side.warm:,.0f}",
                    f"{whole:,.1f}",
                    f"{times[1]:,.1f}",
                    f"{side.cold:,.0f}",
                ]
            )
    header = ("corpus", "engine", "largest R-hat", "smallest bulk ESS", "sampling, s", "ESS/s", "Encore has times that")
    return markdown(
        (*header, "everything, warm caches, s", "ESS/s", "Encore has times that", "everything, cold caches, s"), lines
    )


def agreement(differences: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    """Return how far apart the engines are as Markdown."""
    import numpy as np

    lines = []
    for (corpus, pair), found in differences.items():
        every = np.concatenate(list(found.values()))
        largest = [f"{np.abs(found[method]).max():.2f}" for method in ("mean", "sd")]
        beyond = np.mean(np.abs(every) > 1.96)  # noqa: PLR2004 - of a normal, 5 %
        lines.append([CORPORA[corpus], pair, f"{len(every):,}", *largest, f"{every.std():.2f}", f"{beyond:.1%}"])
    header = ("corpus", "engines", "means and sds compared", "furthest mean", "furthest sd", "sd of all", "beyond 1.96")
    return markdown(header, lines)


def draw(differences: Mapping[tuple[str, str], Mapping[str, Any]], sides: Mapping[str, Sequence[Side]]) -> None:
    """Draw the figure: artists' means against each other, and how far apart all means and sds are."""
    import matplotlib as mpl
    import numpy as np
    import pyarrow.parquet as pq

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(len(sides), 2, figsize=(9, 3.9 * len(sides)), layout="constrained", squeeze=False)
    for (corpus, those), row in zip(sides.items(), axes, strict=True):
        by_name = {side.engine: pq.read_table(side.folder / "artists.parquet").to_pydict() for side in those}
        here = {pair: found for (name, pair), found in differences.items() if name == corpus}
        _scatter(row[0], by_name)
        row[0].set_title(f"{CORPORA[corpus]}: artists", loc="left", fontsize=10)
        edges = np.linspace(-5, 5, 41)
        for (pair, found), colour in zip(here.items(), ("#1f77b4", "#d62728", "#7f7f7f"), strict=False):
            row[1].hist(
                np.concatenate(list(found.values())), edges, density=True, histtype="step", color=colour, label=pair
            )
        x = np.linspace(-5, 5, 201)
        row[1].plot(x, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), "k:", label="Monte Carlo error alone")
        row[1].set(xlabel="difference of means and sds, in standard errors", yticks=[])
        row[1].legend(fontsize=7, frameon=False)
    figure.savefig(FIGURE, dpi=80, metadata={"Software": None})


def _scatter(axis: Axes, by_name: Mapping[str, Mapping[str, Any]]) -> None:
    for engine, colour in (("rows", "#d62728"), ("collapsed", "#1f77b4")):
        axis.plot(by_name[engine]["mean"], by_name["pymc3"]["mean"], ".", ms=4, alpha=0.5, color=colour)
        axis.plot([], [], "o", color=colour, label=f"mean, {ENGINES[engine]}")
    axis.axline((50, 50), slope=1, color="k", lw=0.7, ls=":")
    axis.set(xlabel="posterior mean of an artist, the other engine", ylabel="PyMC3")
    axis.legend(fontsize=7, frameon=False)


def main() -> None:
    """Measure the engines one after the other, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    folder = Path(os.environ.get("ENCORE_CORPORA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--book", type=Path, default=folder / BOOK, help="default: $ENCORE_CORPORA/" + BOOK)
    parser.add_argument("--draws", type=int, default=1000, help="kept draws of each chain (default 1000)")
    parser.add_argument(
        "--tune", type=int, default=1000, help="tuning steps of what goes track by track (default 1000)"
    )
    parser.add_argument(
        "--record", action="store_true", help="put the tables into benchmarks/README.md, and draw the figure"
    )
    given = parser.parse_args()
    sources = {"book": given.book, "sample": REPOSITORY / "data" / "samples" / "spotify_by_genre.parquet"}
    if not given.book.is_file():
        parser.error(f"{given.book} is not there: name the 350 tracks of Bayes Rules! with --book")
    confine()
    differences: dict[tuple[str, str], Mapping[str, Any]] = {}
    sides: dict[str, list[Side]] = {}
    shapes = {}
    with tempfile.TemporaryDirectory(prefix="encore-bench-") as home:
        place = Path(home)
        caches = caches_in(place / "caches") | {"ENCORE_CACHE": str(place / "caches")}
        made = run([sys.executable, Path(__file__), "--one", "room", place], environment=caches, log=place / "log")
        if made.ended != "done":
            raise SystemExit((place / "log").read_text(encoding="utf-8"))
        say(f"room: {made.told}")
        for corpus, source in sources.items():
            here = place / corpus
            shapes[corpus] = run([sys.executable, Path(__file__), "--one", "prepare", corpus, source, here]).told
            sides[corpus] = [one_side(engine, here, caches, (given.draws, given.tune)) for engine in ENGINES]
            by_name = {side.engine: side.folder for side in sides[corpus]}
            for one, other in (("pymc3", "rows"), ("pymc3", "collapsed"), ("rows", "collapsed")):
                pair = f"{ENGINES[one]} / {ENGINES[other]}"
                differences[corpus, pair] = off(by_name[one], by_name[other])
        versions = sides["book"][0].told["versions"]
        text = (
            f"{machine()}; 4 chains of {given.draws:,} draws. Seconds are of processor.\n\n{table(sides, shapes)}\n\n"
            f"{agreement(differences)}\n\nPyMC3's environment was made in {made.told['seconds']:.0f} s, "
            f"{made.told['processor']:.0f} s of processor, and takes {made.told['mib']:,.0f} MiB. Versions there: "
            f"{', '.join(f'{name} {number}' for name, number in versions.items())}.\n"
        )
        print(text)
        if given.record:
            record("pymc3", text)
            draw(differences, sides)


def one() -> None:
    """Do one part, and tell what came of it as JSON."""
    what, *arguments = sys.argv[2:]
    if what == "prepare":
        told = prepare(arguments[0], Path(arguments[1]), Path(arguments[2]))
    elif what == "room":
        told = room(Path(arguments[0]))
    else:
        told = sample(what, Path(arguments[0]), Path(arguments[1]), int(arguments[2]), int(arguments[3]))
    print(json.dumps(told))


if __name__ == "__main__":
    one() if sys.argv[1:2] == ["--one"] else main()
