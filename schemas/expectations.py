"""What must be true of a corpus, declared once.

Great Expectations' suites, the reasons in the quarantine and the warnings of the ingest report are all built from
these rules, and the rules from `schemas.tracks.COLUMNS`. Nothing here knows Great Expectations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from schemas.tracks import COLUMNS, Column

if TYPE_CHECKING:
    from collections.abc import Collection

RuleKind = Literal["readable", "not_null", "between", "pattern"]
Severity = Literal["critical", "warning"]

_READ_AS = {"number": "a number", "integer": "a whole number", "boolean": "yes or no"}


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
        A critical rule puts a row in quarantine; a warning stops nothing.
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

CORPUS_RULES: tuple[Rule, ...] = (
    Rule(
        "between",
        "tracks",
        "only {value:,.0f} tracks were kept: expect wide intervals",
        severity="warning",
        low=100,
    ),
    Rule(
        "between",
        "share_of_zeros",
        "{value:.0%} of the tracks have popularity 0, which are often re-releases whose plays count elsewhere",
        severity="warning",
        high=0.5,
    ),
    Rule(
        "between",
        "share_quarantined",
        "{value:.1%} of the rows are in quarantine: read the reasons there before trusting the rest",
        severity="warning",
        high=0.01,
    ),
    Rule(
        "between",
        "share_without_id",
        "{value:.0%} of the tracks have no id, so that repeats among them go unseen",
        severity="warning",
        high=0,
    ),
)


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
    if column.kind in _READ_AS:
        rules.append(Rule("readable", name, f"{name}: cannot read as {_READ_AS[column.kind]}"))
    if not column.nullable:
        rules.append(Rule("not_null", name, f"{name}: missing"))
    if column.low is not None and column.high is not None:
        outside = f"{name}: outside {column.low:.0f}..{column.high:.0f} {column.unit}".rstrip()
        rules.append(Rule("between", name, outside, low=column.low, high=column.high))
    if column.pattern is not None:
        rules.append(Rule("pattern", name, f"{name}: not of the form {column.pattern}", pattern=column.pattern))
    return rules
