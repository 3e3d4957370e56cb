"""Simulation-based calibration: fit hundreds of corpora drawn from the prior, and see where what they came from ranks.

Run it with `make calibrate`. Corpora are numbered, and the same number gives the same corpus and the same draws. What
is done is kept in a folder, a line a corpus, so that a run that is cut off goes on where it was; a change of the code
or of a model begins that model anew.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from variants import VARIANTS  # noqa: E402 - beside the tests' own modules

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = REPOSITORY / "data" / "calibration"
# What the ranks depend on.
_CODE = ("schemas", "tasks/group", "tasks/sample", "tasks/predict", "tests/calibration")
_IGNORED = {"calibrate.py", "calibration_figures.py", "telling.py", "uniformity.py", "mutants.py"}


def fingerprint(name: str) -> str:
    """Return a hash of the code and of the variant."""
    digest = sha256(repr(VARIANTS[name]).encode())
    files = [path for place in _CODE for path in sorted((REPOSITORY / place).rglob("*.py"))]
    for path in [*files, REPOSITORY / "tasks" / "mixture.py", REPOSITORY / "tasks" / "predictive.py"]:
        if path.name not in _IGNORED and not path.name.startswith("test_"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def begin(name: str, folder: Path, *, fresh: bool) -> tuple[Path, list[dict[str, Any]]]:
    """Return where a variant's corpora are kept, and those that are there."""
    path, mark = folder / f"{name}.jsonl", {"variant": name, "fingerprint": fingerprint(name)}
    lines: list[dict[str, Any]] = []
    if path.is_file() and not fresh:
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(json.JSONDecodeError):  # a line that was cut off
                lines.append(json.loads(line))
    if not lines or lines[0] != mark:
        if lines and not fresh:
            print(f"{name}: the code or the model has changed since; beginning anew", file=sys.stderr)
        lines = [mark]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path, lines[1:]


def work(name: str, number: int) -> dict[str, Any]:
    """Fit one corpus, in a process of its own that has done others before."""
    from compiled_once import compiled_once
    from ranking import rank_corpus

    variant = VARIANTS[name]
    with tempfile.TemporaryDirectory() as folder, compiled_once(name) if variant.one_layout else nullcontext():
        return rank_corpus(variant, number, Path(folder)).plain()


def calibrate(name: str, corpora: int, folder: Path, pool: ProcessPoolExecutor, *, fresh: bool) -> list[dict[str, Any]]:
    """Fit the corpora of a variant that are missing, and return all."""
    path, done = begin(name, folder, fresh=fresh)
    there = {record["number"] for record in done}
    missing = [number for number in range(corpora) if number not in there]
    waiting = [pool.submit(work, name, number) for number in missing]
    with path.open("a", encoding="utf-8") as file:
        for future in track(as_completed(waiting), f"{name:<10}", corpora, corpora - len(missing)):
            record = future.result()
            file.write(json.dumps(record) + "\n")
            file.flush()
            done.append(record)
    return sorted((record for record in done if record["number"] < corpora), key=lambda record: record["number"])


def track(finished: Iterable[Any], what: str, of: int, already: int) -> Iterable[Any]:
    """Show a bar while corpora are fitted."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns) as progress:
        task = progress.add_task(what, total=of, completed=already)
        for one in finished:
            yield one
            progress.advance(task)


def main(arguments: list[str] | None = None) -> int:
    """Calibrate, and print what was found.

    Returns
    -------
    int
        1 if some quantity is not calibrated.
    """
    parser = argparse.ArgumentParser(prog="make calibrate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("variants", nargs="*", metavar="variant", help=f"which models: {', '.join(VARIANTS)} (all)")
    parser.add_argument("--corpora", type=int, help="of each model, instead of its own number")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time (%(default)s)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where what is done is kept (data/calibration)")
    parser.add_argument("--fresh", action="store_true", help="do all anew")
    parser.add_argument("--docs", action="store_true", help="renew the figures and the tables in docs/")
    options = parser.parse_args(arguments)
    chosen = options.variants or list(VARIANTS)
    for name in chosen:
        if name not in VARIANTS:
            parser.error(f"there is no model {name!r}; there are {', '.join(VARIANTS)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        try:
            found = {
                name: calibrate(
                    name, options.corpora or VARIANTS[name].corpora, options.folder, pool, fresh=options.fresh
                )
                for name in chosen
            }
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    from telling import summary, tell, write_docs

    summaries = {name: summary(records) for name, records in found.items()}
    (options.folder / "results.json").write_text(json.dumps(summaries, indent=1), encoding="utf-8")
    print(tell(summaries))
    if options.docs:
        from calibration_figures import draw

        draw(found, REPOSITORY / "docs" / "images")
        write_docs(summaries, REPOSITORY / "docs")
    return int(any(not one["calibrated"] for one in summaries.values()))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
