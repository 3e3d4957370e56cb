"""The evidence of the gate as the UI shows it: a table of what was measured; of a failed gate, a page with pictures."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tasks.gate.ranks import RANKS
from tasks.gate.wording import CHECKS, counted, in_order, printable, summary

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.verdict import Verdict

# Artifacts live in Prefect's database: the worst will do, all are in diagnostics.parquet.
_ROWS, _WORST = 25, 8
_LARGEST_PICTURE = 150_000  # bytes
# The UI reads cells of a table as Markdown too.
_MARKED = set("\\`*_{}[]<>()#+-.!|~&:^=$@/")


def table_of(verdict: Verdict) -> list[dict[str, Any]]:
    """Return the rows of a table: each check's worst value, model checks, then who fell short, the worst first.

    Parameters
    ----------
    verdict : Verdict
    """
    rows = [
        _row(
            word.removesuffix(","),
            verdict.measured.get(check),
            verdict.thresholds.get(check),
            f"{verdict.fell_short.get(check, 0):,}",
            f"{_name(verdict.worst.get(check, ''))}, worst of all",
        )
        for check, (word, *_) in CHECKS.items()
    ]
    rows += [
        _row(
            f"model: {check.name}",
            check.observed,
            " to ".join(f"{end:.4g}" for end in (check.low, check.high) if end is not None),
            "no" if check.passed else check.action,
            marked(check.quantity if check.passed else check.sentence),
        )
        for check in verdict.checks
    ]
    place = {name: number for number, name in enumerate(in_order(verdict))}
    worst = sorted(verdict.shortfalls, key=lambda one: place[one.parameter])[:_ROWS]
    rows += [
        _row(
            CHECKS[shortfall.check][0].removesuffix(",") if shortfall.check in CHECKS else shortfall.check,
            shortfall.value,
            shortfall.threshold,
            "yes",
            f"{_name(shortfall.parameter)}{'' if shortfall.check in CHECKS else f': {marked(shortfall.sentence)}'}",
        )
        for shortfall in worst
    ]
    return rows


def _row(check: str, value: float | None, threshold: float | str | None, short: str, what: str) -> dict[str, Any]:
    """Return a row; the UI cuts what is too wide off at the right, so what may be long comes last."""
    shown = float(f"{value:.5g}") if isinstance(value, float) else value
    return {"check": check, "value": shown, "threshold": threshold, "fell short": short, "of what": what}


def markdown_of(verdict: Verdict, folder: Path) -> str:
    """Return a page on a posterior that fell short: what, who worst, what to do, and their rank plots.

    Parameters
    ----------
    verdict : Verdict
    folder : Path
        Of the gate's results.
    """
    sentences: dict[str, list[str]] = {}
    for shortfall in verdict.shortfalls:
        sentences.setdefault(shortfall.parameter, []).append(shortfall.sentence)
    lines = [f"### {marked(summary(verdict))}", ""]
    if verdict.rung:
        lines += [f"Rung {verdict.rung} of the ladder: {marked(verdict.why)}", ""]
    lines += [
        f"{counted(verdict.quantities, 'quantity').replace('quantitys', 'quantities')} fell short; the worst:",
        "",
    ]
    # A list, for the UI cuts wide tables off and wraps lists.
    lines += [f"- **{_name(name)}**: {marked('; '.join(sentences[name]))}" for name in in_order(verdict)[:_WORST]]
    lines += ["", f"**Try this:** {marked(verdict.advice)}", ""]
    lines += ["Nothing was published, and `current` has not moved.", ""]
    picture = folder / RANKS
    if picture.exists() and picture.stat().st_size <= _LARGEST_PICTURE:
        data = base64.b64encode(picture.read_bytes()).decode()
        lines += [
            "Where the draws of each chain rank among those of all:",
            "",
            f"![Rank plots](data:image/png;base64,{data})",
        ]
    lines += ["", f"All that was measured: `{str(folder).replace(chr(96), '')}`"]
    return "\n".join(lines)


def _name(text: str) -> str:
    """Return the name of a quantity, which may hold an artist's, for a cell."""
    return marked(printable(text))


def marked(text: str) -> str:
    """Escape text of strangers for Markdown."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    escaped = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{letter}" if letter in _MARKED - set("<>&") else letter for letter in escaped)
