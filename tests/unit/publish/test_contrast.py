"""The report's colours stand out from what is behind them, by day, by night and on paper (WCAG 2.2, level AA)."""

from __future__ import annotations

import re

import pytest

from tasks.publish.charts import BAND
from tasks.publish.report import TEMPLATES
from tasks.publish.shrinkage_chart import DOT

STYLE = (TEMPLATES / "report.css").read_text(encoding="utf-8")
TEXT = ("ink", "quiet", "accent", "bad", "below")  # 4.5 : 1
PICTURES = ("field", "band", "zero", "third", "s1", "s2", "s3", "s4", "s5")  # 3 : 1
TONES = ("accent", "below")  # of the coloured tables, mixed into the card by up to 45 %


def colours(block: str) -> dict[str, tuple[int, int, int]]:
    """Return the opaque colours that a block of CSS sets."""
    found = {}
    for name, value in re.findall(r"--([a-z0-9]+): #([0-9a-f]+);", block):
        digits = "".join(2 * digit for digit in value) if len(value) == 3 else value
        if len(digits) == 6:
            found[name] = (int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16))
    return found


LIGHT = colours(STYLE.partition("@media")[0])
DARK = LIGHT | colours(STYLE.partition("(prefers-color-scheme: dark) {")[2].partition("}")[0])
PAPER = LIGHT | colours(STYLE.partition("@media print {")[2].partition("}")[0])
schemes = pytest.mark.parametrize("scheme", [LIGHT, DARK, PAPER], ids=["light", "dark", "paper"])


def luminance(colour: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (each / 255 for each in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mixed(front: tuple[float, ...], back: tuple[float, ...], share: float) -> tuple[float, ...]:
    return tuple(share * one + (1 - share) * other for one, other in zip(front, back, strict=True))


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@schemes
@pytest.mark.parametrize("behind", ["page", "card"])
def test_text_can_be_read(scheme: dict[str, tuple[int, int, int]], behind: str) -> None:
    poor = {name: contrast(scheme[name], scheme[behind]) for name in TEXT}
    assert {name: round(ratio, 2) for name, ratio in poor.items() if ratio < 4.5} == {}


@schemes
def test_what_is_drawn_can_be_seen(scheme: dict[str, tuple[int, int, int]]) -> None:
    poor = {name: contrast(scheme[name], scheme["card"]) for name in PICTURES}
    poor |= {
        f"{name}, as a band": contrast(mixed(scheme[name], scheme["card"], BAND), scheme["card"])
        for name in ("accent", "below", "third", "quiet")
    }
    poor |= {
        f"{name}, as a dot": contrast(mixed(scheme[name], scheme["card"], DOT), scheme["card"])
        for name in ("s1", "s2", "s3", "s4", "s5")
    }
    assert {name: round(ratio, 2) for name, ratio in poor.items() if ratio < 3} == {}


@schemes
@pytest.mark.parametrize("tone", TONES)
def test_numbers_on_colours_can_be_read(scheme: dict[str, tuple[int, int, int]], tone: str) -> None:
    assert contrast(scheme["ink"], mixed(scheme[tone], scheme["card"], 0.45)) >= 4.5
