"""Text from strangers made harmless, and numbers as people read them."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
LONGEST_NAME = 200
_GAP = "  "

# Embeddings, overrides and isolates turn around what stands after the name; single marks are part of real names.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_HARMFUL = frozenset({"Cc", "Cs", "Zl", "Zp"})
# What has a meaning in CommonMark or one of its dialects. `<`, `>` and `&` become entities, which every dialect knows.
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~:^=$@/])")
_DECIMAL = re.compile(r"\d+\.\d+")


def harmless(text: str) -> str:
    """Replace what could drive a terminal, break a line or turn the text after it around."""
    return "".join(
        REPLACEMENT if letter in _TURNING or unicodedata.category(letter) in _HARMFUL else letter for letter in text
    )


def shortened(text: str, longest: int = LONGEST_NAME) -> str:
    """Return `text`, harmless and cut to `longest` characters."""
    safe = harmless(text)
    return safe if len(safe) <= longest else safe[: longest - 1] + ELLIPSIS


def markdown(text: str) -> str:
    """Escape `text` so that Markdown shows it as it is, on one line."""
    entities = shortened(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(r"\\\1", entities)


def number(value: float | None, digits: int = 1) -> str:
    """Write a number: ``52.3``, with a real minus sign; a dash for what is not there."""
    if value is None or not math.isfinite(value):
        return NOTHING
    # Rounding first, and adding zero, so that nothing is ever written -0.0.
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", MINUS)


def signed(value: float | None, digits: int = 1) -> str:
    """Write a difference: ``+1.2``."""
    text = number(value, digits)
    return f"+{text}" if value is not None and math.isfinite(value) and round(value, digits) > 0 else text


def percent(share: float) -> str:
    """Write a share of 1: ``90 %``, or ``99.5 %`` where it is not whole."""
    return f"{share * 100:.3g}\N{NO-BREAK SPACE}%"


def share_text(share: float) -> str:
    """Write a share of 1 that stands among others, all with a decimal: ``51.6 %``."""
    return f"{number(share * 100)}\N{NO-BREAK SPACE}%"


def rounded(text: str) -> str:
    """Round the decimals in a text, such as a prior scaled to the data, to four digits; the manifest has them all."""
    return _DECIMAL.sub(lambda match: f"{float(match[0]):.4g}", text)


def counted(count: int, singular: str, plural: str = "") -> str:
    """Write a count with its noun: ``1 artist``, ``1,255 artists``."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def fitted(name: str, widest: int) -> str:
    """Make `name` harmless and cut it to `widest` cells of a terminal."""
    from rich.cells import cell_len, set_cell_size

    safe = harmless(name)
    return safe if cell_len(safe) <= widest else set_cell_size(safe, widest - 1).rstrip() + ELLIPSIS


def aligned(rows: Sequence[Sequence[str]], left: Collection[int]) -> str:
    """Return rows of cells as lines, columns under each other; those in `left` start together, the others end so."""
    from rich.cells import cell_len

    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - cell_len(cell))
            cells.append(cell + space if place in left else space + cell)
        lines.append(_GAP.join(cells).rstrip())
    return "\n".join(lines)
