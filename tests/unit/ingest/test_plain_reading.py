"""Ingest against a plain reading of the same file in a few lines of Python."""

from __future__ import annotations

import csv
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.expectations import MALFORMED, NOTED

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

COLUMNS = ["track_id", "track_name", "artists", "popularity", "key", "energy", "track_genre"]
IDS = [f"{number:022}" for number in range(3)]

RECORD = st.tuples(
    st.sampled_from([*IDS, *IDS, "", "bad id"]),
    st.sampled_from(["Song", 'a "quoted", one', "two\nlines", ""]),
    st.sampled_from(["Ann", "Ann;Bob", "Tyler, The Creator", "NA", ";"]),
    st.sampled_from(["0", "50", "50.0", " 7 ", "100", "101", "-1", "x", "", "NA"]),
    st.sampled_from(["5", "10.0", "10.5", "-1", "12", "", "X"]),
    st.sampled_from(["0.5", "1", "1.01", "nan", "?"]),
    st.sampled_from(["rock", "pop", ""]),
).map(list)
# Mostly good ones, or there would be nothing to fold.
GOOD = st.tuples(
    st.sampled_from([*IDS, ""]),
    st.just("Song"),
    st.just("Ann"),
    st.sampled_from(["10", "20"]),
    st.just("5"),
    st.just("0.5"),
    st.sampled_from(["rock", "pop"]),
).map(list)
MALFORMED_RECORD = st.sampled_from([["one"], ["a"] * 8])


def number(text: str) -> float | None:
    text = text.strip()
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def missing(text: str) -> bool:
    return text.strip() in {"", "NA", "nan"}


def reasons_of(record: list[str]) -> set[str]:
    if len(record) != len(COLUMNS):
        return {MALFORMED}
    cell = dict(zip(COLUMNS, record, strict=True))
    reasons = set()
    if cell["track_id"] and not re.fullmatch(r"[0-9A-Za-z]{22}", cell["track_id"]):
        reasons.add("track_id: not of the form ^[0-9A-Za-z]{22}$")
    if missing(cell["artists"]) or not any(name.strip() for name in cell["artists"].split(";")):
        reasons.add("artists: missing")
    for name in ("popularity", "energy", "key"):
        reasons |= reasons_of_number(name, cell[name])
    return reasons


def reasons_of_number(name: str, text: str) -> set[str]:
    low, high, unit = {"popularity": (0, 100, "points"), "energy": (0, 1, "share"), "key": (-1, 11, "pitch class")}[
        name
    ]
    value = number(text)
    if missing(text):
        return set() if name == "key" else {f"{name}: missing"}
    if name == "key" and (value is None or value != int(value)):
        return {"key: cannot read as a whole number"}
    if value is None:
        return {f"{name}: cannot read as a number"}
    return set() if low <= value <= high else {f"{name}: outside {low}..{high} {unit}"}


def plainly_folded(good: list[tuple[int, dict[str, str]]]) -> tuple[dict[int, list[str] | None], int]:
    """Return the rows that stay with their genres, and the number of conflicts."""
    by_id: dict[object, list[tuple[int, dict[str, str]]]] = {}
    for row, cell in good:
        by_id.setdefault(cell["track_id"] or row, []).append((row, cell))
    stays = {}
    for rows in by_id.values():
        best = max(rows, key=lambda one: (number(one[1]["popularity"]), -one[0]))[0]
        stays[best] = sorted({cell["track_genre"] for _, cell in rows} - {""}) or None
    conflicts = sum(len({number(cell["popularity"]) for _, cell in rows}) > 1 for rows in by_id.values())
    return stays, conflicts


@settings(max_examples=15, deadline=None)
@given(
    records=st.lists(GOOD | RECORD | MALFORMED_RECORD, max_size=12),
    last=GOOD,
    partition_rows=st.sampled_from([1, 3, 5, 1000]),
)
def test_ingest_agrees_with_a_plain_reading_however_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory,
    ingest: Callable[..., Any],
    records: list[list[str]],
    last: list[str],
    partition_rows: int,
) -> None:
    records = [*records, last]  # a corpus without a good row is rejected, which is another test's business
    folder = tmp_path_factory.mktemp("plain")
    with (folder / "x.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *records])
    done = ingest(folder / "out", folder / "x.csv", partition_rows=partition_rows, max_bad_share=1)

    wrong = {row: reasons_of(record) for row, record in enumerate(records, 1)}
    reasons = {row: found for row, found in wrong.items() if found - NOTED}
    assert {row["row"]: set(row["reasons"]) for row in done.quarantine} == reasons
    assert [row["row"] for row in done.quarantine] == sorted(reasons)
    assert done.report.reasons == Counter(reason for found in reasons.values() for reason in found - NOTED)
    assert done.report.noted == Counter(
        reason for row, found in wrong.items() if row not in reasons for reason in found
    )

    good = [
        (row, dict(zip(COLUMNS, record, strict=True))) for row, record in enumerate(records, 1) if row not in reasons
    ]
    stays, conflicts = plainly_folded(good)
    assert dict(zip(done.tracks["row"].to_pylist(), done.tracks["genres"].to_pylist(), strict=True)) == stays
    assert done.tracks["row"].to_pylist() == sorted(stays)
    popularity = {row: number(cell["popularity"]) for row, cell in good if row in stays}
    assert dict(zip(done.tracks["row"].to_pylist(), done.tracks["popularity"].to_pylist(), strict=True)) == popularity
    assert pa.compute.sum(done.tracks["popularity"]).as_py() / len(stays) == done.report.mean_popularity

    rows = done.report.rows
    assert (rows.rows_in, rows.kept, rows.repeats, rows.quarantined) == (
        len(records),
        len(stays),
        len(good) - len(stays),
        len(reasons),
    )
    assert rows.balanced
    assert done.report.conflicts == conflicts
