"""Publishing artists by the thousand: how long it takes, in how much memory, and how large and fast the report is.

Run it with `make bench-publish`. Corpora are simulated (`corpora.py`), grouped, sampled and gated, and then published
by a process of its own, figures and all; what its libraries take to import is told apart. The report is opened in the
machine's Chromium, where there is one, and searched as soon as it lets one: *first result* is the time from asking for
the page to a painted search result, the median of five.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from processes import BENCHMARKS, cold_caches, confine, machine, markdown, record, run, say

HERE = Path(__file__).resolve()
SIZES = "28352:10692,2400000:800000"
OPENINGS = 5
HEADER = (
    "artists", "imports, s", "publishing, s", "processor, s", "peak memory, MiB", "report, MB", "first result, s",
    "all charts, s",
)  # fmt: skip
# Run in the page before its own scripts: search at the first moment that it can be searched.
WATCH = """
new MutationObserver((_, observer) => {
  if (!document.documentElement.dataset.ready) return;
  observer.disconnect();
  const search = document.getElementById("search");
  search.value = "artist 42";
  search.dispatchEvent(new Event("input"));
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("found")));
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-ready"] });
"""


def publish_side(home: Path) -> dict[str, Any]:
    """Publish what the steps before left in `home`."""
    started = time.perf_counter()
    import h5netcdf  # noqa: F401 - imports are told apart
    import jinja2  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import pandas as pd  # noqa: F401 - pyarrow asks for it
    import pyarrow.compute
    import pyarrow.parquet  # noqa: F401
    import vl_convert  # noqa: F401

    from schemas.parameters import PublishParameters
    from tasks.publish import card, figures, report  # noqa: F401
    from tasks.publish.publisher import Inputs, publish

    imported = time.perf_counter() - started
    inputs = Inputs(*(home / step for step in ("ingest", "group", "sample", "gate")))
    used, started = time.process_time(), time.perf_counter()
    made = publish(home / "published", "bench", "ab" * 16, inputs, {}, 1, PublishParameters())
    seconds, used = time.perf_counter() - started, time.process_time() - used
    page = Path(made.path) / "report.html"
    return {"imports": imported, "seconds": seconds, "cpu": used, "size": page.stat().st_size, "page": str(page)}


def open_side(page: Path) -> dict[str, Any]:
    """Open a report and search it; say nothing where there is no browser."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        return {}
    from playwright.sync_api import sync_playwright

    marks: dict[str, list[float]] = {"found": [], "encore-drawn": []}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        for _ in range(OPENINGS):
            tab = browser.new_page()
            tab.add_init_script(WATCH)
            tab.goto(page.as_uri())
            tab.wait_for_selector("html[data-drawn]", state="attached", timeout=120_000)
            for name, times in marks.items():
                [mark] = tab.evaluate("name => performance.getEntriesByName(name).map(each => each.startTime)", name)
                times.append(mark / 1000)
            tab.close()
        browser.close()
    return {name: statistics.median(times) for name, times in marks.items()}


def prepare(tracks: int, artists: int, home: Path) -> None:
    """Simulate a corpus and take it as far as the gate, unless that is there."""
    if (home / "gate" / "verdict.json").is_file():
        return
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    size = ["--tracks", str(tracks), "--artists", str(artists)]
    commands: dict[str, list[str | Path]] = {"ingest": [BENCHMARKS / "corpora.py", home / "ingest", *size]}
    for step, before in (("group", "ingest"), ("sample", "group"), ("gate", "sample")):
        commands[step] = [BENCHMARKS / "ours.py", step, home / before, home / step]
    for step, command in commands.items():
        say(f"{artists:,} artists: {step}")
        if step != "ingest":
            (home / step).mkdir()
        with cold_caches() as cold:
            done = run([sys.executable, *command], environment=cold, log=home / f"{step}.log")
        if done.ended != "done":
            message = f"{step} {done.ended}: {(home / f'{step}.log').read_text(encoding='utf-8')[-500:]}"
            raise SystemExit(message)
    # What a simulated corpus lacks of an ingested one.
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"reasons": pa.array([], pa.list_(pa.string()))}), home / "ingest" / "quarantine.parquet")
    (home / "ingest" / "data_docs").mkdir()
    (home / "ingest" / "data_docs" / "index.html").write_text("<p>simulated</p>", encoding="utf-8")


def measure(tracks: int, artists: int, work: Path) -> tuple[str, ...]:
    """Return a row of the table."""
    home = work / f"publishing-{artists}"
    prepare(tracks, artists, home)
    shutil.rmtree(home / "published", ignore_errors=True)
    say(f"{artists:,} artists: publish")
    made = run([sys.executable, HERE, "--side", "publish", home], log=home / "publish.log")
    if made.ended != "done":
        message = f"publish {made.ended}: {(home / 'publish.log').read_text(encoding='utf-8')[-800:]}"
        raise SystemExit(message)
    told = made.told
    say(f"{artists:,} artists: open the report")
    opened = run([sys.executable, HERE, "--side", "open", told["page"]], log=home / "open.log").told
    cells = [f"{artists:,}", *(f"{told[name]:.1f}" for name in ("imports", "seconds", "cpu"))]
    cells += [f"{made.peak:,.0f}", f"{told['size'] / 1e6:.1f}"]
    return (*cells, *(f"{opened[name]:.2f}" if opened else "no browser" for name in ("found", "encore-drawn")))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=SIZES, help=f"tracks:artists, ... (default {SIZES})")
    parser.add_argument("--record", action="store_true", help="put the table into benchmarks/README.md")
    parser.add_argument(
        "--work", type=Path, default=BENCHMARKS / ".work", help="where the corpora stay for the next run"
    )
    parser.add_argument("--side", nargs=2, metavar=("SIDE", "PLACE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        side, place = given.side
        print(json.dumps((publish_side if side == "publish" else open_side)(Path(place))))
        return
    confine()
    given.work.mkdir(exist_ok=True)
    sizes = [tuple(map(int, size.split(":"))) for size in given.sizes.split(",")]
    table = f"{machine()}.\n\n{markdown(HEADER, [measure(*size, given.work) for size in sizes])}"
    print(table)
    if given.record:
        record("publishing", table)


if __name__ == "__main__":
    main()
