"""How corpora write numbers, keys, dates and lists; one text at a time, called for distinct texts only."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING

from schemas.layouts import COMMA_ENDINGS, COMMA_NAMES
from schemas.tracks import BY_NAME

if TYPE_CHECKING:
    from schemas.layouts import DateOrder, Decimal

# What programs write where there is no value. Exact, since Na, None and Null are names of artists too.
MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL")
TRUE = ("true", "1", "1.0", "yes", "y", "t", "e", "explicit")
FALSE = ("false", "0", "0.0", "no", "n", "f", "clean", "not explicit", "non-explicit", "nonexplicit")

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# Groups of three are told from a fraction only where a number can be that large.
_GROUPS = re.compile(r"[+-]?\d{1,3}([,.'\u2019 \u00a0\u202f])\d{3}(\1\d{3})*", re.ASCII)
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):([0-5]?\d(?:\.\d+)?)", re.ASCII)
_UNITS = {
    "popularity": {"%": 1.0},  # points of a hundred
    "loudness": {"db": 1.0, "dbfs": 1.0, "lufs": 1.0},
    "tempo": {"bpm": 1.0, "beats/min": 1.0},
    "duration_ms": {"ms": 1.0, "s": 1000.0, "sec": 1000.0, "seconds": 1000.0, "min": 60_000.0, "minutes": 60_000.0},
}
_WITH_UNIT = re.compile(r"(.*?\d\.?)\s*([a-z/%]+)", re.IGNORECASE)
_SHARE = "share"

_NATURAL = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SHARPS, _FLATS = ("#", "\N{MUSIC SHARP SIGN}", "sharp"), ("b", "\N{MUSIC FLAT SIGN}", "flat")
_KEY = re.compile(
    r"([a-g])\s*-?(#|\u266f|b|\u266d|sharp|flat)?(?:\s*/\s*[a-g]\s*-?(?:#|\u266f|b|\u266d|sharp|flat)?)?"
    r"\s*(?:major|minor|maj|min|m)?"
)
_MODES = {"major": 1, "maj": 1, "dur": 1, "minor": 0, "min": 0, "moll": 0}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_METRE = re.compile(r"(\d{1,2})\s*/\s*(?:1|2|4|8|16)", re.ASCII)
_METRE_AS_DATE = re.compile(r"0?4-([a-z]{3})|0?(\d)-apr|apr-0?(\d)|([a-z]{3})-0?4")

_ISO_DATE = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?:[T ].*)?", re.ASCII)
_OTHER_DATE = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:[T ].*)?", re.ASCII)
_WORDY_DATE = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?[\s./-]+)?([a-z]{3,9})\.?,?[\s./-]*"
    r"(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(\d{4})"
)

_LISTED = r"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*\""""
_ITEM = re.compile(_LISTED, re.DOTALL)
_LIST = re.compile(rf"\[\s*(?:(?:{_LISTED})\s*(?:,\s*(?:{_LISTED})\s*)*,?\s*)?\]", re.DOTALL)
_COMMA = re.compile(r",(?!\d{3}\b)")  # 10,000 Maniacs
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def number(text: str, canonical: str, decimal: Decimal, factor: float = 1) -> float | None:
    """Return the number that a text stands for in canonical units, or None.

    Parameters
    ----------
    text : str
        Trimmed.
    canonical : str
        The column, which says what else may stand there; ``""`` for a bare number.
    decimal : {".", ","}
        What stands before the fraction.
    factor : float
        From the source's unit to the canonical one; a unit in the text itself goes before it.

    Notes
    -----
    Thousands are grouped (``1,234,567``) in durations only: elsewhere so large a number cannot be true, and ``1,234``
    is more probably a fraction.
    """
    column = BY_NAME.get(canonical)
    if canonical == "duration_ms":
        text = _ungrouped(text, decimal, whole=factor == 1)
    plain = _plain_number(text, decimal)
    if plain is not None:
        return plain * factor if math.isfinite(plain) else None
    if column is None:
        return None
    if column.kind == "integer":
        word = _WORDS[canonical](text.casefold()) if canonical in _WORDS else None
        return None if word is None else float(word)
    if canonical == "duration_ms" and (clock := _CLOCK.fullmatch(text)):
        hours, minutes, seconds = clock.groups()
        return (int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)) * 1000
    return _with_unit(text, canonical, decimal)


def _ungrouped(text: str, decimal: Decimal, *, whole: bool) -> str:
    """Return a number without its groups of thousands; a comma parts no fraction from whole milliseconds."""
    groups = _GROUPS.fullmatch(text)
    if groups and (groups[1] != decimal or (whole and decimal == ",")):
        return text.replace(groups[1], "")
    return text


def _plain_number(text: str, decimal: Decimal) -> float | None:
    if decimal == ",":
        if "." in text and "," in text:
            return None
        text = text.replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else None


def _with_unit(text: str, canonical: str, decimal: Decimal) -> float | None:
    match = _WITH_UNIT.fullmatch(text)
    if not match:
        return None
    units = {"%": 0.01} if BY_NAME[canonical].unit == _SHARE else _UNITS.get(canonical, {})
    factor = units.get(match[2].casefold())
    bare = match[1].strip()
    if canonical == "duration_ms":
        bare = _ungrouped(bare, decimal, whole=factor == 1)
    plain = _plain_number(bare, decimal)
    return None if factor is None or plain is None or not math.isfinite(plain) else plain * factor


def _key(text: str) -> int | None:
    match = _KEY.fullmatch(text)
    if not match:
        return None
    step = 1 if match[2] in _SHARPS else -1 if match[2] in _FLATS else 0
    return (_NATURAL[match[1]] + step) % 12


def _mode(text: str) -> int | None:
    return _MODES.get(text)


def _metre(text: str) -> int | None:
    if match := _METRE.fullmatch(text):
        return int(match[1])
    # A spreadsheet takes 3/4 for the fourth of March, or the third of April.
    if match := _METRE_AS_DATE.fullmatch(text):
        month, day = match[1] or match[4], match[2] or match[3]
        if day:
            return int(day)
        return _MONTHS.index(month) + 1 if month in _MONTHS else None
    return None


_WORDS = {"key": _key, "mode": _mode, "time_signature": _metre}


def date(text: str, order: DateOrder | None) -> str | None:
    """Return a date as YYYY, YYYY-MM or YYYY-MM-DD: as much of it as is certain; None where not even the year is.

    Parameters
    ----------
    text : str
        Trimmed.
    order : {"year_first", "day_first", "month_first"}, optional
        Which part comes first where the year does not. Unless one of the two can be no month, the year alone is
        certain if it is not known.
    """
    if match := _ISO_DATE.fullmatch(text.removesuffix(".0")):
        year, month, day = match.groups()
        return _written(int(year), int(month or 0), int(day or 0))
    if match := _OTHER_DATE.fullmatch(text):
        one, two, year = (int(part) for part in match.groups())
        day, month = (two, one) if order == "month_first" else (one, two)
        if month > len(_MONTHS):
            day, month = month, day
        elif order not in {"day_first", "month_first"} and one != two and max(one, two) <= len(_MONTHS):
            return _written(year, 0, 0)
        return _written(year, month, day)
    if (match := _WORDY_DATE.fullmatch(text.casefold())) and match[2][:3] in _MONTHS:
        return _written(int(match[4]), _MONTHS.index(match[2][:3]) + 1, int(match[1] or match[3] or 0))
    return None


def _written(year: int, month: int, day: int) -> str | None:
    try:
        dt.date(year, month or 1, day or 1)
    except ValueError:
        return None
    return f"{year:04}" + (f"-{month:02}" if month else "") + (f"-{day:02}" if month and day else "")


def texts_of_list(text: str) -> list[str] | None:
    """Return the texts of a list as Python or JSON writes it, ``['A', "B's"]``; None if it is not one."""
    if not text.startswith("[") or not _LIST.fullmatch(text):
        return None
    return [_unescaped(item[1:-1]) for item in _ITEM.findall(text)]


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    text = _ESCAPE.sub(
        lambda match: chr(int(match[1] or match[2], 16)) if match[1] or match[2] else _ESCAPED.get(match[3], match[3]),
        text,
    )
    # JSON writes what lies beyond the basic plane as two halves.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def split_at(text: str, separator: str) -> list[str]:
    """Return the trimmed parts of a text; at commas, names that have one themselves stay whole."""
    if separator != ",":
        return [part.strip() for part in text.split(separator)]
    parts = [part.strip() for part in _COMMA.split(text)]
    whole: list[str] = []
    at = 0
    while at < len(parts):
        length = next(
            (n for n in range(min(4, len(parts) - at), 1, -1) if ", ".join(parts[at : at + n]) in COMMA_NAMES), 1
        )
        if length == 1 and at + 1 < len(parts) and parts[at + 1] in COMMA_ENDINGS:
            length = 2
        whole.append(", ".join(parts[at : at + length]))
        at += length
    return whole
