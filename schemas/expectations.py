"""What must be true of a corpus, declared once.

Great Expectations' suites, the reasons in the quarantine and the warnings of the ingest report are all built from
these rules, and the rules from `schemas.tracks.COLUMNS`. Nothing here knows Great Expectations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from schemas.tracks import COLUMNS, Column

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from schemas.tracks import Severity

RuleKind = Literal["readable", "not_null", "between", "pattern"]

_READ_AS = {"number": "a number", "integer": "a whole number", "boolean": "yes or no", "release_date": "a date"}


@dataclass(frozen=True)
class Rule:
    """One thing that must be true of a column.

    Parameters
    ----------
    kind : {"readable", "not_null", "between", "pattern"}
        ``readable``: what stood in the corpus could be read as the column's kind.
    column : str
        A column of the canonical table, or a statistic of the whole corpus.
    reason : str
        What to say where it is not true. Of a statistic, a sentence with ``{value}`` in it.
    severity : {"critical", "warning"}
        Of a row, critical puts it in quarantine, and a warning leaves its value out. Of a corpus, critical rejects
        it, and a warning is said in the report.
    low, high : float, optional
        For ``between``: the closed range.
    pattern : str, optional
        For ``pattern``: the regular expression.
    """

    kind: RuleKind
    column: str
    reason: str
    severity: Severity = "critical"
    low: float | None = None
    high: float | None = None
    pattern: str = ""


MALFORMED = "row: not as many fields as the header"
NOT_JSON = "row: not JSON"
NOT_OBJECT = "row: not a JSON object"
UNCLOSED = "row: a quote is never closed, so that the rest of the file is in one field"


@dataclass(frozen=True)
class TableRule:
    """One thing that should be true of a corpus as a whole.

    Parameters
    ----------
    statistic : str
        What is measured, as `tasks.ingest.table.statistics_of` names it.
    reason : str
        What to say where it is not true, with ``{value}`` and other statistics in it.
    side : {"low", "high"}
        Whether the limit is the lowest or the highest value allowed.
    limit : float or str
        The limit, or the ingest parameter that has it.
    name : str
        What `IngestParameters.reject_on` calls it. Empty: it never rejects a corpus.
    """

    statistic: str
    reason: str
    side: Literal["low", "high"]
    limit: float | str
    name: str = ""


TABLE_RULES: tuple[TableRule, ...] = (
    TableRule("tracks", "only {value:,.0f} tracks were kept: expect wide intervals", "low", "min_tracks", "tracks"),
    TableRule(
        "share_of_zeros",
        "{value:.0%} of the tracks have popularity 0, which are often re-releases whose plays count elsewhere",
        "high",
        "max_zeros",
        "zeros",
    ),
    TableRule(
        "share_without_genre",
        "{value:.0%} of the tracks have no genre, though the corpus has genres",
        "high",
        "max_unknown_genres",
        "genres",
    ),
    TableRule(
        "share_of_new_genres",
        "{value:.0%} of the tracks with genres have none that the last corpus of this name had",
        "high",
        "max_unknown_genres",
        "genres",
    ),
    TableRule(
        "drift",
        "mean popularity is {mean_popularity:.1f}, {value:.1f} points from the {last_mean:.1f} of the last corpus of "
        "this name",
        "high",
        "max_drift",
        "drift",
    ),
    TableRule(
        "share_quarantined",
        "{value:.1%} of the rows are in quarantine: read the reasons there before trusting the rest",
        "high",
        0.01,
    ),
    TableRule(
        "share_without_id", "{value:.0%} of the tracks have no id, so that repeats among them go unseen", "high", 0
    ),
    TableRule(
        "share_without_recording",
        "{value:.0%} of the tracks have no title or no length, so that re-releases among them go unseen",
        "high",
        0,
    ),
)
REJECTING: tuple[str, ...] = tuple(dict.fromkeys(rule.name for rule in TABLE_RULES if rule.name))


def table_rules(
    measured: Collection[str], limits: Mapping[str, float], critical: Collection[str] = ()
) -> tuple[Rule, ...]:
    """Return what should be true of a corpus as a whole.

    Parameters
    ----------
    measured : collection of str
        The statistics that there are; nothing is asked of others.
    limits : mapping of str to float
        Ingest parameter to the limit it sets.
    critical : collection of str
        Names of the rules that reject the corpus; the others warn.

    Returns
    -------
    tuple of Rule
        In the order of `TABLE_RULES`.
    """
    rules = []
    for rule in TABLE_RULES:
        if rule.statistic in measured:
            limit = limits[rule.limit] if isinstance(rule.limit, str) else rule.limit
            low, high = (limit, None) if rule.side == "low" else (None, limit)
            severity: Severity = "critical" if rule.name in critical else "warning"
            rules.append(Rule("between", rule.statistic, rule.reason, severity, low, high))
    return tuple(rules)


def noted_warning(reason: str, rows: int) -> str:
    """Return what to say of rows that stay without a value."""
    return f"{reason}, in {rows:,} row{'' if rows == 1 else 's'}, which stay{'s' if rows == 1 else ''} without it"


def row_rules(present: Collection[str]) -> tuple[Rule, ...]:
    """Return what must be true of each row of a corpus.

    Parameters
    ----------
    present : collection of str
        The canonical columns that the corpus has; nothing is asked of the others.

    Returns
    -------
    tuple of Rule
        In the order of `COLUMNS`.
    """
    return tuple(rule for column in COLUMNS if column.name in present for rule in _rules_of(column))


def _rules_of(column: Column) -> list[Rule]:
    name = column.name
    rules = []
    read_as = _READ_AS.get(column.name) or _READ_AS.get(column.kind)
    if read_as:
        rules.append(Rule("readable", name, f"{name}: cannot read as {read_as}", column.severity))
    if not column.nullable:
        rules.append(Rule("not_null", name, f"{name}: missing"))
    if column.low is not None and column.high is not None:
        outside = f"{name}: outside {column.low:.0f}..{column.high:.0f} {column.unit}".rstrip()
        rules.append(Rule("between", name, outside, column.severity, low=column.low, high=column.high))
    if column.pattern is not None:
        reason = f"{name}: not of the form {column.pattern}"
        rules.append(Rule("pattern", name, reason, column.severity, pattern=column.pattern))
    return rules


NOTED: frozenset[str] = frozenset(
    rule.reason for column in COLUMNS for rule in _rules_of(column) if rule.severity == "warning"
)
