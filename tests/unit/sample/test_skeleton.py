"""A few track counts stand for many, to rounding."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small import make_rows

from schemas.parameters import SampleParameters
from tasks.group.sums import statistics_of, sums_of
from tasks.sample import collapsed, exact
from tasks.sample.collapsed import CollapsedDensity
from tasks.sample.exact import given_scales
from tasks.sample.scales import scales_for
from tasks.sample.skeleton import Skeleton, skeleton_of


def distinct_counts(most: int) -> np.ndarray:
    """Return counts as large corpora have them: all small ones, then ever fewer."""
    generator = np.random.default_rng(0)
    tail = np.exp(generator.uniform(np.log(most / 10), np.log(most), 1000)).round()
    return np.unique(np.concatenate([np.arange(1, most // 10 + 1), tail])).astype(np.float64)


@pytest.mark.parametrize("most", [10, 200, 20_000])
def test_a_skeleton_spans_all_counts_over_all_ratios(most: int) -> None:
    sizes = distinct_counts(most)
    chosen, coefficients = skeleton_of(sizes)
    assert len(chosen) < 50
    rho = np.exp(np.linspace(np.log(1e-6), np.log(1e6), 301))[:, None]
    inverse = sizes / (1 + rho * sizes)
    np.testing.assert_allclose(inverse[:, chosen] @ coefficients.T, inverse, rtol=1e-9)
    logarithm = np.log1p(rho * sizes)
    np.testing.assert_allclose(logarithm[:, chosen] @ coefficients.T, logarithm, atol=1e-11)
    np.testing.assert_allclose(coefficients.sum(axis=1), 1, rtol=1e-12)


def test_few_counts_are_left_as_they_are() -> None:
    chosen, coefficients = skeleton_of(np.array([1.0, 2.0, 3.0, 7.0]))
    assert list(chosen) == [0, 1, 2, 3]
    np.testing.assert_array_equal(coefficients, np.eye(4))


def test_a_narrow_range_of_ratios_needs_few() -> None:
    sizes = distinct_counts(20_000)
    ratios = (0.31, 0.33)
    chosen, coefficients = skeleton_of(sizes, ratios)
    assert len(chosen) < 20
    rho = np.linspace(*ratios, 50)[:, None]
    share = 1 / (1 + rho * sizes)
    np.testing.assert_allclose(share[:, chosen] @ coefficients.T, share, rtol=1e-7)


def test_density_and_moments_with_hundreds_of_counts_are_those_without_a_skeleton(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = make_rows(3)
    generator = np.random.default_rng(5)
    counts = np.unique(generator.integers(1, 600, 150))
    names = np.repeat([f"{number:03d}" for number in range(len(counts))], counts).astype(object)
    z = np.ones((len(names), rows.z.shape[1]))
    z[:, 1:4] = generator.normal(size=(len(names), 3))
    z[:, 4:] = np.eye(2)[generator.integers(0, 2, len(names))]
    y = z[:, 1] * 3 + np.repeat(generator.normal(0, 8, len(counts)), counts) + generator.normal(0, 10, len(names))
    statistics = statistics_of(sums_of(names, np.column_stack([z, y - y.mean()])))
    scales = scales_for(rows.grouped.design, SampleParameters())
    points = scales.start() + generator.normal(0, 0.5, (6, len(scales.free)))

    def measured() -> tuple[list[tuple[float, np.ndarray]], exact.Exact]:
        density = CollapsedDensity(statistics, scales)
        values = scales.natural(points)
        drawn = given_scales(density, statistics, values, values[:, 1], np.random.default_rng(1))
        return [density(point) for point in points], drawn

    short, drawn = measured()

    def everything(sizes: np.ndarray, *_: object, **__: object) -> Skeleton:
        return Skeleton(np.arange(len(sizes)), np.eye(len(sizes)))

    monkeypatch.setattr(collapsed, "skeleton_of", everything)
    monkeypatch.setattr(exact, "skeleton_of", everything)
    whole, expected = measured()
    # Densities are known up to a constant.
    for (ours, our_slope), (theirs, their_slope) in zip(short, whole, strict=True):
        assert ours - short[0][0] == pytest.approx(theirs - whole[0][0], abs=1e-6)
        np.testing.assert_allclose(our_slope, their_slope, rtol=1e-8, atol=1e-7)
    for name in ("level", "effect"):
        ours_, theirs_ = (dataclasses.astuple(getattr(one, name)) for one in (drawn, expected))
        np.testing.assert_allclose(ours_, theirs_, atol=1e-8)
