"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from tasks.publish.text import MINUS, NOTHING, counted, number, percent, rounded, signed


@pytest.mark.parametrize(
    ("value", "text"),
    [(52.34, "52.3"), (-0.04, "0.0"), (-1.25, MINUS + "1.2"), (None, NOTHING), (math.nan, NOTHING), (1255, "1,255.0")],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.23, "+1.2"), (0.04, "0.0"), (-0.04, "0.0"), (-2, MINUS + "2.0"), (None, NOTHING)]
)
def test_differences(value: float | None, text: str) -> None:
    assert signed(value) == text


def test_shares_counts_and_priors() -> None:
    assert percent(0.9) == "90\N{NO-BREAK SPACE}%"
    assert percent(0.995) == "99.5\N{NO-BREAK SPACE}%"
    assert counted(1, "artist") == "1 artist"
    assert counted(1255, "artist") == "1,255 artists"
    assert rounded("half_student_t(3, 11.8495126827)") == "half_student_t(3, 11.85)"
