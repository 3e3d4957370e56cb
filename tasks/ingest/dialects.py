"""How a text file separates its fields, found from its header and first records."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass

from schemas.errors import CorpusRejected

MOST_COLUMNS = 10_000
_RECORDS = 200
_SEPARATORS = ",\t;|"
_EXCEL = "sep="  # the first line that Excel writes to say what it separates fields with


@dataclass(frozen=True)
class Dialect:
    """How fields are separated and quoted.

    Parameters
    ----------
    delimiter : str
    quote : str
    escape : str
        What makes a quote inside a quoted field one of its letters; empty where it is doubled instead.
    skip : int
        Lines before the header.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    skip: int = 0

    @property
    def note(self) -> str:
        """What was found, where it is not CSV as everybody knows it."""
        names = {"\t": "tabs", ";": "semicolons", "|": "bars"}
        return f"separated by {names[self.delimiter]}" if self.delimiter in names else ""


def sniff(name: str, sample: str, *, whole: bool) -> Dialect:
    """Return the dialect of a text file.

    The separator is the one that the header has most of, and by which the first records have as many fields as the
    header; what stands inside quotes separates nothing.

    Parameters
    ----------
    name : str
        The source's, for the error.
    sample : str
        How it begins.
    whole : bool
        Whether that is all of it.

    Raises
    ------
    CorpusRejected
        If it has no header, or too many columns.
    """
    stripped = sample.lstrip("\r\n")
    if not stripped.strip("\0 \t\r\n"):
        message = f"{name} has no header and no rows: fetch it again or leave it out"
        raise CorpusRejected(message)
    first = _first_line(stripped)
    separated = max(first.count(separator) for separator in _SEPARATORS)
    if first == stripped and not whole and separated < MOST_COLUMNS:
        message = (
            f"{name} begins with a line of more than {len(sample) // 1000:,} kB: fetch a table of tracks, a row a track"
        )
        raise CorpusRejected(message)
    separators = _SEPARATORS
    if first.lower().startswith(_EXCEL) and len(first) == len(_EXCEL) + 1:
        separators = first[-1]
        stripped = stripped[len(first) :].lstrip("\r\n")
    skip = len(sample[: len(sample) - len(stripped)].splitlines())
    header = _first_line(stripped) if stripped else ""
    if max(header.count(separator) for separator in separators) >= MOST_COLUMNS:
        message = f"{name} has more than {MOST_COLUMNS:,} columns: fetch a table of tracks, a row a track"
        raise CorpusRejected(message)
    # Single quotes stand around names now and then; in a title they are apostrophes.
    quotes = ["'", '"'] if header.startswith("'") and header.endswith("'") else ['"']
    escapes = ["", "\\"] if '\\"' in stripped or "\\'" in stripped else [""]
    candidates = [
        Dialect(separator, quote, escape, skip) for quote in quotes for escape in escapes for separator in separators
    ]
    return max(candidates, key=lambda candidate: _fit(candidate, stripped, whole=whole))


def _first_line(text: str) -> str:
    return text[: text.find("\n") + 1 or len(text)].splitlines()[0]  # a line may end otherwise, and sooner


def _fit(dialect: Dialect, text: str, *, whole: bool) -> float:
    """Return the number of columns times the share of records that have as many fields."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape or None,
    )
    try:
        records = [len(record) for record in itertools.islice(reader, _RECORDS) if record]
    except csv.Error:  # a field longer than that module takes
        return 0
    if not whole and len(records) > 1 and len(records) < _RECORDS:
        records.pop()  # cut where the sample ends
    width, rest = (records[0], records[1:]) if records else (0, [])
    if width <= 1:
        return 0
    return width * (1 + sum(count == width for count in rest)) / len(records)
