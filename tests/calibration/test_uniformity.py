"""The test of uniformity is exact, and sees what it should."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from uniformity import PLACES, POINTS, adjusted, band, below, coverage, p_value

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_uniform_ranks_leave_the_band_as_often_as_it_says() -> None:
    # 4,000 samples of 60 ranks; the share outside has a standard error of 0.0034 where it is 0.05. Ranks are whole
    # numbers, so that a band of exactly 5 % need not exist: it is the widest below. Four of them, one in 10^4 runs.
    ranks = np.random.default_rng(1).integers(0, PLACES, (4000, 60))
    low, high = band(60, 0.05)
    counts = np.stack([(ranks < edge).sum(axis=1) for edge in np.rint(POINTS * PLACES)], axis=1)
    outside = ((counts < low) | (counts > high)).any(axis=1).mean()
    assert outside == pytest.approx(0.0498, abs=4 * 0.0034)


def test_p_values_of_uniform_ranks_are_uniform() -> None:
    # 400 of them: each share below has a standard error below 0.025. Three at four of them: one in 5,000 runs.
    generator = np.random.default_rng(2)
    found = np.array([p_value(generator.integers(0, PLACES, 40)) for _ in range(400)])
    for share in (0.05, 0.25, 0.5):
        assert (found <= share).mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 400))


@pytest.mark.parametrize(
    ("distribution", "what"),
    [((1.6, 1.0), "too small"), ((2.0, 2.0), "too wide"), ((0.5, 0.5), "too narrow")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ranks_that_are_not_uniform_are_noticed(distribution: tuple[float, float], what: str) -> None:
    generator = np.random.default_rng(3)
    ranks = (generator.beta(*distribution, 200) * PLACES).astype(int)
    assert p_value(ranks) < 1e-4, what
    counts, (low, high) = below(ranks), band(200, 1e-4)
    assert ((counts < low) | (counts > high)).any()


def test_the_most_surprising_of_many_is_no_surprise() -> None:
    assert adjusted([0.02, 0.5, 0.001, 0.9]).tolist() == pytest.approx([0.06, 1.0, 0.004, 1.0])


def test_artists_of_one_corpus_are_no_independent_trials() -> None:
    # Half of the corpora have all of their 30 artists inside, half none: 1,200 trials would be sure it is not 60 %.
    found = coverage([1.0, 0.0] * 20, 0.6)
    assert found.share == 0.5
    assert found.error == pytest.approx(0.5 / np.sqrt(39))
    assert found.p_value > 0.2
    assert coverage([0.5] * 20, 0.6).p_value == 0


def test_the_page_shows_the_numbers_that_are_kept() -> None:
    from telling import renewed

    page = (DOCS / "calibration.md").read_text(encoding="utf-8")
    kept = json.loads((DOCS / "calibration.json").read_text(encoding="utf-8"))
    assert renewed(page, kept) == page
    assert kept["partial"]["corpora"] >= 500
    assert [name for name, one in kept.items() if not one["calibrated"]] == []
