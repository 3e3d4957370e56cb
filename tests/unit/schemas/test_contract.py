"""One contract: what is declared of a column is what everything else says of it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from schemas.describing import PAGE, page
from schemas.expectations import NOTED, REJECTING, TABLE_RULES, row_rules, table_rules
from schemas.parameters import IngestParameters
from schemas.tracks import BY_NAME, COLUMNS, FEATURES, arrow_schema

LIMITS = IngestParameters().model_dump()


def test_the_page_is_what_is_declared() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m schemas.describing`"


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_every_rule_of_a_column_has_its_severity(column: object) -> None:
    name = column.name  # type: ignore[attr-defined]
    for rule in row_rules([name]):
        assert rule.severity == ("critical" if rule.kind == "not_null" else BY_NAME[name].severity)
        assert rule.reason.startswith(f"{name}: ")
        assert (rule.reason in NOTED) == (rule.severity == "warning")


def test_only_what_the_model_can_do_without_is_a_warning() -> None:
    # Left out of a row, it is null: so it must be allowed to be, and nothing may count on it.
    for column in COLUMNS:
        if column.severity == "warning":
            assert column.nullable
            assert not column.required
            assert column.name not in FEATURES


def test_the_arrow_schema_says_the_same() -> None:
    for column in COLUMNS:
        metadata = arrow_schema().field(column.name).metadata
        assert metadata[b"unit"].decode() == column.unit
        assert metadata[b"severity"].decode() == column.severity
        assert (b"range" in metadata) == (column.low is not None)


def test_table_rules_take_their_limits_from_the_parameters() -> None:
    measured = {rule.statistic for rule in TABLE_RULES}
    rules = table_rules(measured, LIMITS | {"max_drift": 2.5}, ["drift"])
    assert len(rules) == len(TABLE_RULES)
    drift = next(rule for rule in rules if rule.column == "drift")
    assert (drift.low, drift.high, drift.severity) == (None, 2.5, "critical")
    tracks = next(rule for rule in rules if rule.column == "tracks")
    assert (tracks.low, tracks.high, tracks.severity) == (100, None, "warning")
    assert {rule.column for rule in table_rules({"drift", "tracks"}, LIMITS)} == {"drift", "tracks"}


def test_every_limit_is_a_parameter() -> None:
    assert {rule.limit for rule in TABLE_RULES if isinstance(rule.limit, str)} <= set(LIMITS)
    assert REJECTING == ("tracks", "zeros", "genres", "drift")


@pytest.mark.parametrize(
    ("given", "names"),
    [("none", ()), ("all", REJECTING), ("drift", ("drift",)), (" zeros, drift ,zeros", ("drift", "zeros"))],
)
def test_what_rejects_is_named(given: str, names: tuple[str, ...]) -> None:
    assert IngestParameters(reject_on=given).rejecting() == names


@pytest.mark.parametrize("given", ["", "rain", "all,drift"])
def test_what_cannot_reject_is_refused(given: str) -> None:
    with pytest.raises(ValidationError, match="give all, none, or some of tracks, zeros, genres, drift"):
        IngestParameters(reject_on=given)
