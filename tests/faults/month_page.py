"""The page that says what became of a simulated month."""

from __future__ import annotations

import statistics
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from month import Day, Reader

_LONGEST = 110
_HEAD = """# A month

Thirty nights of one publication on one `encore serve`: Prefect's server, a worker, and `refit/nightly` with a cron
schedule that fires every minute instead of every night. `make month` does it again and writes this page (half an hour).

A label delivers a file of tracks on working days. On day {broken} it has no popularity; on day {zero} every
popularity is 0, and the gate is told to stop that (`check_zeros: fail`). Each of the two is withdrawn the day after. On
day {killed} the process of the run is killed (`kill -9`) while it samples. Nobody lends a hand: the next night's run
goes on.

- The schedule started {starts} runs, {late} s after their minute (median; at most {latest} s).
  {cancelled}
- `current` was read {reads:,} times meanwhile, its artists held against its manifest each time: {versions} versions,
  each whole. After each night every version was compared with its manifest, file by file: nothing was lost or
  half-written.
- A night that published took {took} s (median), on {cores} cores that did other work as well.

| day | delivered | run | took, s | readers see, tracks | what `encore history` says |
|---:|---|---|---:|---:|---|
"""


def write_page(
    path: Path, days: Sequence[Day], special: Mapping[str, int], reader: Reader, history: str, cores: int | None
) -> None:
    """Write what came of the days, none of which went wrong.

    Parameters
    ----------
    path : Path
    days : sequence of Day
    special : mapping
        The days that something happens on: broken, zero, killed.
    reader : Reader
    history : str
        What `encore history` printed.
    cores : int or None
    """
    late = [_seconds(day.run["expected_start_time"], day.run["start_time"]) for day in days]
    took = [day.line["seconds"] for day in days if day.line["publication"]]
    head = _HEAD.format(
        **special,
        starts=len(days),
        cancelled=_cancelled(history),
        late=f"{statistics.median(late):.1f}",
        latest=f"{max(late):.1f}",
        reads=reader.reads,
        versions=len(reader.versions),
        took=f"{statistics.median(took):.0f}",
        cores=cores,
    )
    rows = [_row(day) for day in days]
    tail = f"\n## What the history tells\n\n```console\n$ encore history label\n{history}```\n"
    path.write_text(head + "\n".join(rows) + "\n" + tail, encoding="utf-8")


def _row(day: Day) -> str:
    line: dict[str, Any] = day.line
    said = "; ".join(filter(None, [line["changed"], line["verdict"]])).replace("|", "\\|")
    said = said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
    return f"| {day.number} | {day.delivered} | {line['state']} | {line['seconds']:.0f} | {day.tracks} | {said} |"


def _seconds(begins: str, ends: str) -> float:
    return (datetime.fromisoformat(ends) - datetime.fromisoformat(begins)).total_seconds()


def _cancelled(history: str) -> str:
    count = sum(" Cancelled " in line for line in history.splitlines())
    if not count:
        return "None found the one before still at work."
    return f"{count} more found the one before still at work and were cancelled, as the deployment asks."
