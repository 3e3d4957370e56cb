"""Which font of this machine has a letter: our own has Latin, Greek, Cyrillic and more, and not all of the world's."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import fontManager, get_font

FAMILY = "DejaVu Sans"  # comes with matplotlib, so it is everywhere
FONT = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
_REGULAR = 400
# By the first word of a letter's name in Unicode; other scripts are looked for under their own name.
_EAST = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Noto Sans SC", "WenQuanYi Zen Hei", "IPAGothic")
_KOREAN = ("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", *_EAST)
_FAMILIES = {
    "CJK": _EAST,
    "HIRAGANA": _EAST,
    "KATAKANA": _EAST,
    "KATAKANA-HIRAGANA": _EAST,
    "FULLWIDTH": _EAST,
    "IDEOGRAPHIC": _EAST,
    "HANGUL": _KOREAN,
    "ARABIC": ("Noto Sans Arabic", "Noto Naskh Arabic"),
}
_SYMBOLS = ("Noto Sans Symbols", "Noto Sans Symbols 2", "Noto Sans Math", "Symbola", "Noto Emoji")


def has_font(letter: str) -> bool:
    """Whether some font here has a letter."""
    return ord(letter) in _letters(FONT) or fallback_for(letter) is not None


@cache
def fallback_for(letter: str) -> str | None:
    """Return the family that has a letter which our own font lacks; None if none has, or none need.

    Parameters
    ----------
    letter : str
        A single one.
    """
    if ord(letter) in _letters(FONT):
        return None
    script = unicodedata.name(letter, "").partition(" ")[0]
    own = () if unicodedata.category(letter)[0] == "S" else _FAMILIES.get(script, (f"Noto Sans {script.title()}",))
    for family in (*own, *_SYMBOLS):
        path = _installed().get(family)
        if path is not None and ord(letter) in _letters(path):
            return family
    return None


@cache
def _installed() -> dict[str, Path]:
    """Return the regular font of each family that matplotlib knows and that is still there."""
    upright = [font for font in fontManager.ttflist if font.style == "normal" and font.weight == _REGULAR]
    return {font.name: path for font in upright if (path := Path(font.fname)).is_file()}


@cache
def _letters(path: Path) -> frozenset[int]:
    try:
        return frozenset(get_font(path).get_charmap())
    except (RuntimeError, OSError):  # a font that cannot be scaled, such as those of coloured emoji
        return frozenset()
