"""What the first rows of a source say about how it writes its values, where its names do not say it."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from schemas.layouts import SHARES
from schemas.tracks import BY_NAME
from tasks.ingest.coercion import as_text
from tasks.ingest.wording import MISSING, number, split_at, texts_of_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from schemas.layouts import DateOrder, Decimal

    Cells = Counter[str]

# The rows that a decision is taken from; never more, so that how a source is cut does not change it.
SAMPLE_ROWS = 5_000
# So few values tell little by themselves.
_FEW = 20
_FEWEST_JOINED = 2
_TRACK_ID = re.compile(r"(?:.*[:/])?[0-9A-Za-z]{22}(?:[?#].*)?", re.ASCII)
_FRACTION = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
_DATE = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{4}", re.ASCII)
_CLOCK = re.compile(r"\d+:\d\d(:\d\d)?(\.\d+)?", re.ASCII)
# Tracks last minutes: a median of 3.7, 220 or 220,000 can be one unit only.
_DURATIONS = (
    ("minutes", 60_000.0, 0.5, 20.0),
    ("seconds", 1000.0, 45.0, 1200.0),
    ("milliseconds", 1.0, 30_000.0, 1.2e6),
)


class Sample:
    """The first rows of a source.

    Parameters
    ----------
    table : pyarrow.Table, n rows
        Raw columns, named by position; the first `SAMPLE_ROWS` rows count.
    """

    def __init__(self, table: pa.Table) -> None:
        self._table = table.slice(0, SAMPLE_ROWS)
        self._cells: dict[int, Cells] = {}

    def is_nested(self, position: int) -> bool:
        """Return whether a column holds structures or lists of them: no plain values, and no lists of texts."""
        kind = self._table.column(position).type
        while pa.types.is_list(kind) or pa.types.is_large_list(kind):
            kind = kind.value_type
            if pa.types.is_struct(kind):
                return bool(kind.get_field_index("name") < 0)  # credits as the Web API gives them
        return bool(pa.types.is_struct(kind) or pa.types.is_map(kind))

    def same(self, one: int, other: int) -> bool:
        """Return whether two columns hold the same, which then is no matter of choice."""
        try:
            return bool(as_text(self._table.column(one)).equals(as_text(self._table.column(other))))
        except pa.ArrowException:
            return False

    def cells(self, position: int) -> Cells:
        """Return the distinct texts of a column with how often each is there; empty where it holds no plain values."""
        if position not in self._cells:
            self._cells[position] = _counted(self._table.column(position))
        return self._cells[position]

    def numbers(self, position: int, canonical: str, decimal: Decimal) -> list[float]:
        """Return the distinct numbers of a column, in the source's units."""
        found = (number(text, canonical, decimal) for text in self.cells(position))
        return [value for value in found if value is not None]

    def holds(self, canonical: str, position: int) -> bool:
        """Return whether a column may be what its name says: mostly track ids, mostly numbers."""
        if self.is_nested(position):
            return False
        cells, column = self.cells(position), BY_NAME[canonical]
        if canonical == "track_id":
            good = sum(1 for text in cells if _TRACK_ID.fullmatch(text) and ":artist:" not in text)
        elif column.kind == "number":
            good = sum(1 for text in cells if number(text, canonical, ".") is not None or _FRACTION.fullmatch(text))
        else:
            return True
        return 2 * good >= len(cells)


def decimal_of(sample: Sample, positions: Iterable[int]) -> Decimal:
    """Return what stands before the fraction of numbers: a comma if more of them say so than have a point."""
    points = commas = 0
    for position in positions:
        for text in sample.cells(position):
            points += "." in text
            commas += "," in text and bool(_FRACTION.fullmatch(text)) and not _GROUPED.fullmatch(text)
    return "," if commas > points else "."


def date_order(sample: Sample, position: int) -> DateOrder | None:
    """Return which part of a date comes first, told from those that are no months; None where they do not tell."""
    parts = [match.groups() for match in map(_DATE.fullmatch, sample.cells(position)) if match]
    if not parts:
        return "year_first"
    first, second = any(int(one) > 12 for one, _ in parts), any(int(two) > 12 for _, two in parts)  # noqa: PLR2004 - months
    if first == second:
        return None
    return "day_first" if first else "month_first"


def shares_in_percent(sample: Sample, positions: Mapping[str, int], decimal: Decimal) -> tuple[str, ...]:
    """Return which of the shares of a source are in percent.

    A column of many values speaks for itself, the others follow all of them together: instrumentalness in percent
    may well be below 1 throughout.
    """
    shares = {name: positions[name] for name in SHARES if name in positions}
    beyond: dict[str, tuple[int, int]] = {}
    for name, position in shares.items():
        values = [value for value in sample.numbers(position, "", decimal) if value > 0]
        beyond[name] = sum(value > 1 for value in values), len(values)
    together = 2 * sum(above for above, _ in beyond.values()) > sum(count for _, count in beyond.values())
    return tuple(
        name
        for name, (above, count) in beyond.items()
        if (2 * above > count if count >= _FEW and (2 * above > count or not above) else together)
    )


def popularity_is_share(sample: Sample, position: int, decimal: Decimal) -> bool:
    """Return whether popularity goes from 0 to 1: Spotify's own is whole, so many fractions below 1 are no accident."""
    values = sample.numbers(position, "popularity", decimal)
    return len(values) >= _FEW and all(0 <= value <= 1 for value in values)


def duration_unit(sample: Sample, position: int, decimal: Decimal) -> tuple[str, float] | None:
    """Return the unit of lengths, and the factor from it to milliseconds; None where the values do not tell."""
    cells = sample.cells(position)
    if cells and 2 * sum(bool(_CLOCK.fullmatch(text)) for text in cells) > len(cells):
        return "minutes:seconds", 1.0
    values = sample.numbers(position, "duration_ms", decimal)
    median = statistics.median(values) if values else 0.0
    return next(((unit, factor) for unit, factor, low, high in _DURATIONS if low <= median <= high), None)


def separator_of(sample: Sample, position: int, candidates: Sequence[str]) -> str | None:
    """Return what joins several texts in one cell, or None.

    A separator is believed if what it parts is found on its own, or in other company, elsewhere: ``Tyler`` and
    ``The Creator`` never are. Lists need none.
    """
    cells = sample.cells(position)
    for separator in candidates:
        joined = [split_at(text, separator) for text in cells if separator in text and texts_of_list(text) is None]
        joined = [parts for parts in joined if len(parts) > 1]
        seen = Counter(part for text in cells for part in set(split_at(text, separator)))
        known = sum(any(seen[part] > 1 for part in parts) for parts in joined)
        # Nobody has a semicolon or a bar in their name; with the comma it is the other way round.
        needed = max(_FEWEST_JOINED, len(joined) // 5) if separator == "," else 0
        if joined and known >= needed:
            return separator
    return None


def _counted(column: pa.ChunkedArray) -> Cells:
    try:
        text = pc.utf8_trim_whitespace(as_text(column))
    except pa.ArrowException:
        return Counter()
    counts = pc.value_counts(text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text)
    pairs = zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True)
    return Counter({value: count for value, count in pairs if value is not None and value not in MISSING})
