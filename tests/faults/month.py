"""`make month`: thirty nights of a publication on what `encore serve` starts, by a cron schedule of every minute.

The corpus grows, rests at weekends, comes broken once, and once such that the gate stops it; one process is killed.
Nobody lends a hand. What came of it is written to docs/month.md.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from month_page import write_page  # noqa: E402 - the paths come first
from served import FINAL, Served, serving, until  # noqa: E402

from schemas.publication import ARTISTS  # noqa: E402
from tasks.stores import open_store  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "label"
DEPLOYMENT = "refit/nightly"
PAGE = REPOSITORY / "docs" / "month.md"
SEED = 20261101
BROKEN, ALL_ZERO, KILLED = 10, 16, 23
_FIRST, _ARTISTS = 200, 18
_POINTS = 12
_WEEKEND = (6, 0)  # days of the month, modulo 7
_STEP = ".work/sample"


@dataclass
class Day:
    """A day, and what its night came to.

    Parameters
    ----------
    number : int
    delivered : str
        What came of tracks.
    expected : str
        State of its run.
    """

    number: int
    delivered: str
    expected: str
    run: dict[str, Any] = field(default_factory=dict)
    line: dict[str, Any] = field(default_factory=dict)
    tracks: int = 0
    current: str = ""
    wrong: list[str] = field(default_factory=list)


class Label:
    """A label that delivers a file of tracks on working days.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._chance = random.Random(SEED)
        self._levels = [self._chance.uniform(25, 65) for _ in range(_ARTISTS)]
        self._tracks = 0
        folder.mkdir(parents=True)

    def deliver(self, number: int) -> Day:
        """Put down what comes on a day, and say what its night should come to."""
        mended = self._mend()
        if number == 1:
            self._write(number, _FIRST)
            return Day(number, f"{_FIRST} tracks", "Completed")
        if number == BROKEN:
            self._write(number, 12, column="streams")
            return Day(number, "12 tracks without a popularity", "Failed")
        if number == ALL_ZERO:
            self._write(number, 40, zero=True)
            return Day(number, "40 tracks, each with popularity 0", "Failed")
        if number % 7 in _WEEKEND:
            return Day(number, "nothing", "Nothing new")
        count = self._chance.randrange(5, 21)
        self._write(number, count)
        return Day(number, f"{count} tracks{mended}", "Crashed" if number == KILLED else "Completed")

    def _write(self, number: int, count: int, column: str = "popularity", *, zero: bool = False) -> None:
        fresh = self.folder.parent / "fresh"
        with fresh.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["track_id", "title", "artist", column])
            for track in range(self._tracks, self._tracks + count):
                by = self._chance.randrange(_ARTISTS)
                drawn = round(min(100.0, max(1.0, self._chance.gauss(self._levels[by], _POINTS))))
                writer.writerow([f"{track:022d}", f"song {track}", f"artist {by:02d}", 0 if zero else drawn])
        fresh.replace(self.folder / f"day-{number:02d}.csv")
        self._tracks += count

    def _mend(self) -> str:
        """Withdraw what was wrong the day before, as its supplier does."""
        for number in (BROKEN, ALL_ZERO):
            path = self.folder / f"day-{number:02d}.csv"
            if path.exists():
                path.unlink()
                return f", and yesterday's {path.name} is withdrawn"
        return ""


class Reader(threading.Thread):
    """Reads what is published, over and over; whatever it finds broken it notes.

    Parameters
    ----------
    to : Path
    """

    def __init__(self, to: Path) -> None:
        super().__init__(daemon=True)
        self._to, self._stopping = to, threading.Event()
        self.reads, self.versions, self.wrong = 0, set[str](), list[str]()

    def run(self) -> None:
        """Read until told to stop."""
        store = open_store(self._to)
        while not self._stopping.wait(0.05):
            version = store.current(NAME)
            if version is None:
                if self.versions:
                    self.wrong.append("current is gone")
                continue
            content = (store.folder(NAME, version) / ARTISTS).read_bytes()
            if hashlib.sha256(content).hexdigest() != store.manifest(NAME, version).files[ARTISTS].sha256:
                self.wrong.append(f"{version}: {ARTISTS} is not what its manifest says")
            self.versions.add(version)
            self.reads += 1

    def stop(self) -> None:
        """Stop, and fail if it has died of something."""
        if not self.is_alive():
            self.wrong.append("the reader has died")
        self._stopping.set()
        self.join()


def schedule(served: Served, corpus: Path) -> str:
    """Have the nightly refit fit our corpus, at every full minute, as one would in the UI; return its id."""
    found = served.deployment(DEPLOYMENT)
    key = str(found["id"])
    parameters = {
        "sources": [str(corpus)],
        "name": NAME,
        "to": str(served.to),
        "ingestion": {"repeats": "keep"},
        "sampling": {"chains": 2, "draws": 1500},
        "gating": {"check_zeros": "fail"},
        "publishing": {"figures": False},
    }
    served.http.patch(f"/deployments/{key}", json={"parameters": parameters}).raise_for_status()
    each_minute = {"schedule": {"cron": "* * * * *", "timezone": "Europe/Berlin"}, "active": True}
    served.http.patch(
        f"/deployments/{key}/schedules/{found['schedules'][0]['id']}", json=each_minute
    ).raise_for_status()
    return key


def night(served: Served, deployment: str, day: Day, seen: set[str]) -> None:
    """Wait for the run that the schedule starts next, and see what it leaves."""
    delivered = datetime.now(UTC)

    def begun() -> dict[str, Any] | None:
        answered = served.ask(
            "/flow_runs/filter",
            deployments={"id": {"any_": [deployment]}},
            flow_runs={
                "expected_start_time": {"after_": delivered.isoformat()},
                "start_time": {"is_null_": False},
            },
            sort="EXPECTED_START_TIME_ASC",
        )
        # One that came while the night before was still at work is cancelled: that is no night.
        return next((run for run in answered if run["id"] not in seen and run["state_type"] != "CANCELLED"), None)

    key = until(begun)["id"]
    seen.add(key)
    if day.number == KILLED:
        before = set((served.to / _STEP).iterdir())
        until(lambda: set((served.to / _STEP).iterdir()) - before, every=0.02)
        os.kill(served.process_of_run(key), signal.SIGKILL)
    day.run = until(lambda: run if (run := served.run(key))["state_type"] in FINAL else None)
    store = open_store(served.to)
    day.current = store.current(NAME) or ""
    day.tracks = store.manifest(NAME, day.current).corpus.rows.kept
    if day.run["state_name"] != day.expected:
        day.wrong.append(f"day {day.number} ended as {day.run['state_name']}: {day.run['state']['message']}")
    for version in store.versions(NAME):
        day.wrong += [f"day {day.number}: {version}: {fault}" for fault in store.faults(NAME, version)]


def month(served: Served, label: Label, days: int) -> tuple[list[Day], Reader]:
    """Live through so many days."""
    deployment, seen, told = schedule(served, label.folder), set[str](), []
    reader = Reader(served.to)
    reader.start()
    for number in range(1, days + 1):
        day = label.deliver(number)
        night(served, deployment, day, seen)
        told.append(day)
        print(f"day {number}: {day.delivered}: {day.run['state_name']}: {'; '.join(day.wrong) or 'whole'}", flush=True)
    reader.stop()
    lines = {(line["began"], line["run"]): line for line in served.history(NAME)}
    for day in told:
        began = datetime.fromisoformat(day.run["start_time"]).astimezone(UTC).isoformat(timespec="seconds")
        day.line = lines.pop((began, day.run["name"]), {})
        if day.line.get("state") != day.run["state_name"]:
            day.wrong.append(f"encore history does not know day {day.number}")
    lines = {key: line for key, line in lines.items() if line["state"] != "Cancelled"}
    if lines:
        told[-1].wrong.append(f"encore history has {len(lines)} lines too many: {list(lines)}")
    return told, reader


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="make month", description=__doc__)
    parser.add_argument("--days", type=int, default=30, help="fewer write no page")
    days = parser.parse_args(arguments).days
    folder = Path(tempfile.mkdtemp(prefix="encore-month-"))
    with serving(folder) as served:
        told, reader = month(served, Label(folder / "corpus"), days)
        history = served.encore("history", NAME, "--home", str(served.home), "--limit", str(10 * days)).stdout
    wrong = [one for day in told for one in day.wrong] + reader.wrong
    print("\n".join([history, *wrong, f"{days} days, {reader.reads:,} reads, {len(wrong)} things wrong"]))
    if wrong:
        print(f"What it left is in {folder}")
        return 1
    shutil.rmtree(folder)
    if days == int(parser.get_default("days")):
        special = {"broken": BROKEN, "zero": ALL_ZERO, "killed": KILLED}
        write_page(PAGE, told, special, reader, history, os.cpu_count())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
