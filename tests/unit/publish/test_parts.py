"""What the parts of the model are worth, as it is laid out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from schemas.reports import Design, DesignColumn
from tasks.publish.coefficients import Coefficient, Slope
from tasks.publish.parts import correlations, prior_check, shares, slope_table


def design(blocks: dict[str, str], correlation: Any) -> Design:
    columns = [DesignColumn(name="intercept", kind="intercept")]
    columns += [DesignColumn(name=name, kind="feature", block=block) for name, block in blocks.items()]
    return Design(
        columns=tuple(columns),
        observations=10,
        artists=2,
        popularity_mean=50,
        popularity_sd=20,
        correlation=correlation,
    )


def evidence(**parts: Any) -> Any:
    return SimpleNamespace(**parts)


def coefficient(name: str, mean: float, block: str = "a") -> Coefficient:
    return Coefficient(name, "feature", block, mean, 1.0, mean - 1, mean + 1)


def slope(genre: str, name: str, mean: float) -> Slope:
    return Slope(name, "slope", "a", mean, 1.0, mean - 1, mean + 1, genre)


def test_features_of_a_block_stand_together() -> None:
    found = correlations(design({"x": "b", "y": "a", "z": "b"}, ((1, 0.1, 0.2), (0.1, 1, 0.3), (0.2, 0.3, 1))))
    assert found is not None
    assert found.features == ("y", "x", "z")
    assert found.matrix == ((1, 0.1, 0.3), (0.1, 1, 0.2), (0.3, 0.2, 1))
    assert found.spans() == [("a", 0, 1), ("b", 1, 3)]


@pytest.mark.parametrize(("blocks", "correlation"), [({}, ()), ({"x": "a"}, ((1.0,),)), ({"x": "a", "y": "a"}, ())])
def test_there_are_no_correlations_without_two_features(blocks: dict[str, str], correlation: Any) -> None:
    assert correlations(design(blocks, correlation)) is None


def test_a_block_named_after_its_features_is_not_explained() -> None:
    share = {"mean": 0.25, "low": 0.2, "high": 0.3}
    variance = {"block: mood": share, "block: x+y": share, "genres": share, "residual": share}
    whole = design({"x": "x+y", "y": "x+y", "valence": "mood", "liveness": "mood"}, ())
    named = shares(evidence(design=whole, sampling=SimpleNamespace(variance=variance)))
    assert [(part.name, part.meaning) for part in named[:3]] == [
        ("mood", "valence, liveness"),
        ("x+y", ""),
        ("genres", "which genre a track is in"),
    ]
    assert [part.block for part in named] == ["mood", "x+y", "", ""]


def test_genres_that_differ_most_come_first() -> None:
    common = [coefficient("x", 1.0, "b"), coefficient("y", -2.0)]
    slopes = [
        *(slope("near", "x", 1.1), slope("near", "y", -2.1)),
        *(slope("far", "x", -4.0), slope("far", "y", -2.0)),
        *(slope("same", "x", 1.0), slope("same", "y", -2.0)),
    ]
    table = slope_table(evidence(coefficients=tuple(common), slopes=tuple(slopes)), 2)
    assert table is not None
    assert [each.name for each in table.common] == ["y", "x"]  # block by block
    assert [(genre, [cell.mean for cell in cells]) for genre, cells in table.genres] == [
        ("far", [-2.0, -4.0]),
        ("near", [-2.1, 1.1]),
    ]
    assert (table.total, table.strongest) == (3, 4.0)
    assert slope_table(evidence(coefficients=tuple(common), slopes=()), 2) is None


def test_priors_that_expect_the_impossible_most_of_the_time_are_wide() -> None:
    row = {"low": 0.0, "median": 0.4, "high": 1.0, "observed": 0.0}
    narrow = prior_check({"share_outside": row})
    wide = prior_check({"share_outside": row | {"median": 0.6}})
    assert narrow is not None
    assert wide is not None
    assert (narrow.mostly_outside, wide.mostly_outside) == (False, True)
    assert prior_check({}) is None
