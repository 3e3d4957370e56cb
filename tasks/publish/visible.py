"""What a stranger's text looks like, and JSON that cannot leave the page's own data."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

from tasks.publish.text import LONGEST_NAME, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

# Letters by their category, and yet without a mark on paper: fillers of Hangul, the empty braille pattern.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\u180e")
# What could end a script element, or a line of JavaScript, stands as an escape that JSON reads back.
_ESCAPES = {
    ord(letter): f"\\u{ord(letter):04x}"
    for letter in "<>&'\u2028\u2029\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d\u202e"
}


def visible(text: str, longest: int = LONGEST_NAME) -> str:
    """Return `text`, harmless, cut to `longest` characters, and with something to see.

    A name of nothing but blanks, or of letters without a mark, is written as its code points: ``(blank: U+200B)``.
    """
    safe = shortened(text, longest)
    if any(unicodedata.category(letter)[0] in "LNPS" and letter not in _BLANK for letter in safe):
        return safe
    points = " ".join(f"U+{ord(letter):04X}" for letter in text[:4])
    return f"(blank: {points}{' ...' if len(text) > 4 else ''})" if text else "(no name)"  # noqa: PLR2004 - as above


def distinct(labels: Iterable[str], longest: int = 60) -> list[str]:
    """Return `labels` as an axis can have them: `visible`, and no two the same."""
    found: list[str] = []
    seen: dict[str, int] = {}
    for label in labels:
        text = visible(label, longest)
        seen[text] = seen.get(text, 0) + 1
        found.append(text if seen[text] == 1 else f"{text} ({seen[text]})")
    return found


def embedded(value: Any) -> str:
    """Return compact JSON for a data block of a page: whatever is in it, the block ends where we end it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)
