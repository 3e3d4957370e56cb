"""Validated ingestion beside DuckDB's bare conversion from CSV to Parquet, which validates nothing.

Run it with `make bench-ingest`. Both sides read the same file of the 114k layout on the same two cores, each in a
process of its own, in turns. Encore checks every row, sets bad ones aside with their text and reasons, splits credits,
folds repeats and writes Parquet, report and Data Docs; its time is given with and without the start of the process and
its imports (Great Expectations takes seconds to import), as a worker that has served a run before has it. Then a file
of 1 % is laid beside the first, and the folder is ingested again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from csv_corpora import write_corpus
from processes import GIB, Outcome, confine, machine, markdown, record, run, say

HERE = Path(__file__).resolve()
SIZES = (100_000, 1_000_000, 10_000_000)
REPEATS = 3
HEADER = (
    "rows", "file", "DuckDB, s", "Encore, s", "ratio", "with imports, s", "ratio", "peak memory, MiB", "1 % more, s",
    "of the whole", "DuckDB, processor s", "Encore, processor s", "ratio", "1 % more, processor s", "of the whole",
)  # fmt: skip


def duckdb_side(file: Path, folder: Path) -> dict[str, Any]:
    """Convert a file."""
    import duckdb

    started, used = time.perf_counter(), time.process_time()
    with duckdb.connect(config={"threads": 2}) as connection:
        source, target = (str(path).replace("'", "''") for path in (file, folder / "out.parquet"))
        connection.execute(f"copy (select * from read_csv('{source}')) to '{target}' (format parquet)")  # noqa: S608 - our own paths
    return {"seconds": time.perf_counter() - started, "processor": time.process_time() - used}


def encore_side(corpus: Path, work: Path) -> dict[str, Any]:
    """Ingest a folder as the step does."""
    from schemas.parameters import IngestParameters
    from schemas.reports import IngestReport
    from tasks.ingest import csv_reader, expecting, repeats, resolving  # noqa: F401 - imports are told apart
    from tasks.ingest.incremental import ingest_incrementally
    from tasks.ingest.sources import PLACES, find_sources
    from tasks.storage import Storage, key_of

    started, used = time.perf_counter(), time.process_time()
    storage, parameters = Storage(work), IngestParameters()
    sources = find_sources([str(corpus)], work / PLACES)
    key = key_of("ingest", [source.sha256 for source in sources], parameters)
    reference = storage.run("ingest", key, lambda folder: ingest_incrementally(sources, parameters, folder, storage))
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    report = IngestReport.model_validate_json((Path(reference.path) / "report.json").read_text(encoding="utf-8"))
    return {"seconds": seconds, "processor": processor, "rows": report.rows.model_dump()}


def one_turn(corpus: Path, home: Path, artists: int) -> dict[str, Outcome]:
    """Run each side once on a folder with one file, then Encore once more with 1 % laid beside it."""
    [file] = corpus.iterdir()
    rows = int(file.stem)
    found = {}
    for side in ("duckdb", "encore", "more"):
        say(f"{rows:,} rows: {side}")
        place = home / ("duckdb" if side == "duckdb" else "encore")
        place.mkdir(exist_ok=True)
        if side == "more":
            write_corpus(corpus / "more.csv", rows // 100, max(artists // 100, 1), seed=2, first=rows)
        given = file if side == "duckdb" else corpus
        found[side] = run([sys.executable, HERE, "--side", side, given, place], log=home / f"{side}.log")
        if found[side].ended != "done":
            message = f"{side} {found[side].ended}: {(home / f'{side}.log').read_text()[-500:]}"
            raise SystemExit(message)
    (corpus / "more.csv").unlink()
    return found


def measure(rows: int, home: Path, repeats: int) -> tuple[str, ...]:
    """Return a row of the table: medians over turns."""
    artists = rows * 2 // 25
    corpus = home / "corpus"
    corpus.mkdir()
    say(f"{rows:,} rows: writing the corpus")
    write_corpus(corpus / f"{rows}.csv", rows, artists)
    size = (corpus / f"{rows}.csv").stat().st_size
    turns = []
    for turn in range(repeats):
        place = home / f"turn-{turn}"
        place.mkdir()
        turns.append(one_turn(corpus, place, artists))
        shutil.rmtree(place)
    shutil.rmtree(corpus)
    told, processor = (
        {side: statistics.median(turn[side].told[what] for turn in turns) for side in turns[0]}
        for what in ("seconds", "processor")
    )
    whole = {side: statistics.median(turn[side].seconds for turn in turns) for side in turns[0]}
    counts = turns[0]["encore"].told["rows"]
    say(f"{rows:,} rows: {json.dumps(counts)}")

    def ratio(one: str, other: str, what: str) -> float:
        """Return a ratio of the same turn: the machine is not the same from one to the next."""
        return statistics.median(turn[one].told[what] / turn[other].told[what] for turn in turns)

    imported = statistics.median(turn["encore"].seconds / turn["duckdb"].seconds for turn in turns)
    return (
        f"{rows:,}",
        f"{size / GIB:.2f} GiB",
        f"{told['duckdb']:.2f}",
        f"{told['encore']:.2f}",
        f"{ratio('encore', 'duckdb', 'seconds'):.2f}",
        f"{whole['encore']:.1f}",
        f"{imported:.2f}",
        f"{max(turn['encore'].peak for turn in turns):,.0f}",
        f"{told['more']:.2f}",
        f"{ratio('more', 'encore', 'seconds'):.1%}",
        f"{processor['duckdb']:.2f}",
        f"{processor['encore']:.2f}",
        f"{ratio('encore', 'duckdb', 'processor'):.2f}",
        f"{processor['more']:.2f}",
        f"{ratio('more', 'encore', 'processor'):.1%}",
    )


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=list(SIZES), help="rows (default: 0.1, 1 and 10 million)"
    )
    parser.add_argument("--turns", type=int, default=REPEATS, help=f"turns of each size (default: {REPEATS})")
    parser.add_argument("--record", action="store_true", help="put the table into benchmarks/README.md")
    parser.add_argument("--folder", type=Path, help="where to work; needs 5 GB for 10 million rows")
    parser.add_argument("--side", nargs=3, metavar=("SIDE", "GIVEN", "PLACE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        side, source, place = given.side
        print(json.dumps((duckdb_side if side == "duckdb" else encore_side)(Path(source), Path(place))))
        return
    confine()
    rows = []
    for size in given.sizes:
        with tempfile.TemporaryDirectory(dir=given.folder) as home:
            rows.append(measure(size, Path(home), given.turns))
    turns = "One turn each" if given.turns == 1 else f"Medians of {given.turns} turns"
    table = f"{turns}; {machine()}.\n\n{markdown(HEADER, rows)}"
    print(table)
    if given.record:
        record("ingestion", table)


if __name__ == "__main__":
    main()
