"""The contract as a page: ``python -m schemas.describing`` writes docs/tracks.md from what is declared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from schemas.expectations import TABLE_RULES, row_rules
from schemas.parameters import IngestParameters
from schemas.tracks import BY_NAME, COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schemas.expectations import TableRule
    from schemas.tracks import Column

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tracks.md"

_TYPES = {
    "text": "string",
    "number": "double",
    "integer": "int32",
    "boolean": "bool",
    "texts": "list of string",
}
_INTRODUCTION = """\
# What a track is

<!-- Made by `python -m schemas.describing` from schemas/tracks.py and schemas/expectations.py: change those. -->

Whatever layout a corpus has, ingest reads it into this table. Great Expectations holds every row against it, in suites
that are made from the same declaration, as are the Arrow schema of the Parquet files, the reasons in the quarantine,
and this page.

A **critical** fault costs the row: it goes to quarantine with every reason, and waits there to be mended. A **warning**
costs only the value: the row stays without it, and the report counts it. Columns that the model does not use are never
worth a row. [rows.md](rows.md) says what becomes of each, and [corpora.md](corpora.md) how values may be written.
"""
_ROWS = """\
## Reasons

What `encore quarantine` gives as reasons, word for word; besides, a record may be none: fewer or more fields than the
header, a quote that is never closed, or what is no JSON object.
"""
_CORPUS = """\
## The corpus as a whole

Once its rows are read, so is the corpus. What breaks one of these is said in the report and in the terminal; with
`--reject-on` and the rule's name it rejects the corpus instead. The last corpus of a name is that of its current
version, or, where the same files are fitted again, the one before it.
"""
_DRIFT = """\
Drift is in points and not in standard deviations: the scale is Spotify's and ends at 100 for every corpus, a label
reads points, and a deviation would make the same change look small where tracks differ a lot.
"""


def page() -> str:
    """Return docs/tracks.md."""
    present = _table(
        ("column", "type", "unit", "range", "a row without it", "a value that cannot be true", "meaning"),
        (_column(column) for column in COLUMNS),
    )
    reasons = _table(
        ("reason", "severity", "costs"),
        (
            (f"`{rule.reason}`", rule.severity, "the row" if rule.severity == "critical" else "the value")
            for rule in row_rules(BY_NAME)
        ),
    )
    rules = _table(("`--reject-on`", "limit", "default", "what is said"), (_rule(rule) for rule in TABLE_RULES))
    required = [column.name for column in COLUMNS if column.required]
    other = (
        f"A corpus without {' or '.join(f'`{name}`' for name in required)} is refused; other columns may be absent.\n"
    )
    return f"{_INTRODUCTION}\n{present}\n{other}\n{_ROWS}\n{reasons}\n{_CORPUS}\n{rules}\n{_DRIFT}"


def _column(column: Column) -> tuple[str, ...]:
    spread = f"{column.low:,.0f} to {column.high:,.0f}" if column.low is not None and column.high is not None else ""
    form = f"`{column.pattern}`" if column.pattern else ""
    checked = bool(spread or form or column.kind in {"number", "integer", "boolean"})
    return (
        f"`{column.name}`",
        _TYPES[column.kind],
        column.unit,
        spread or form,
        "is fine" if column.nullable else "critical",
        column.severity if checked else "",
        column.description,
    )


def _rule(rule: TableRule) -> tuple[str, ...]:
    said = rule.reason
    for name in ("mean_popularity", "last_mean", "value"):
        said = said.replace(f"{{{name}", "{").replace("{:.1f}", "...").replace("{:,.0f}", "...")
        said = said.replace("{:.0%}", "...").replace("{:.1%}", "...")
    if isinstance(rule.limit, str):
        default = IngestParameters.model_fields[rule.limit].default
        return f"`{rule.name}`", f"`--{rule.limit.replace('_', '-')}`", f"{default:g}", said
    return "", "", f"{rule.limit:g}", said


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
