"""Everything that is wrong with a row is said of it, however the reasons are put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.expectations import Rule, row_rules
from schemas.tracks import BY_NAME
from tasks.ingest.noting import bad_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULES = row_rules(BY_NAME)


def one_by_one(broken: list[tuple[Rule, NDArray[np.int64]]]) -> dict[int, list[str]]:
    """Return what `bad_rows` does, row by row and rule by rule."""
    said = sorted(broken, key=lambda one: one[0].severity)
    going = sorted({row for rule, rows in broken if rule.severity == "critical" for row in rows.tolist()})
    found: dict[int, list[str]] = {}
    for row in going:
        found[row] = []
        unreadable = set()
        for rule, rows in said:
            if row not in rows.tolist():
                continue
            if rule.kind == "readable":
                unreadable.add(rule.column)
            elif rule.kind == "not_null" and rule.column in unreadable:
                continue
            found[row].append(rule.reason)
    return found


@given(st.lists(st.tuples(st.sampled_from(RULES), st.sets(st.integers(1, 12))), unique_by=lambda one: one[0]))
@settings(max_examples=200)
def test_reasons_are_those_that_a_row_by_row_search_finds(broken: list[tuple[Rule, set[int]]]) -> None:
    arrays = [(rule, np.array(sorted(rows), dtype=np.int64)) for rule, rows in broken]
    found = bad_rows(arrays)
    assert found == one_by_one(arrays)
    assert list(found) == sorted(found)
    assert {type(row) for row in found} <= {int}
