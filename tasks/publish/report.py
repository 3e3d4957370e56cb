"""``report.html``: one page with everything in it, which needs no network and no other file."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from schemas.tracks import BY_NAME
from tasks.publish import charts
from tasks.publish.changes import what_changed
from tasks.publish.parts import correlations, prior_check, shares, slope_table
from tasks.publish.text import counted, number, percent, rounded, share_text, shortened, signed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from schemas.verdict import Verdict
    from tasks.publish.coefficients import Coefficient
    from tasks.publish.evidence import Evidence
    from tasks.publish.parts import Expectation, PriorCheck, Share
    from tasks.publish.tables import Previous

TEMPLATES = Path(__file__).parent / "templates"
MOST_ROWS = 2000
_ROWS_AT_FIRST = 25
_MOST_DIAGNOSTICS = 20
_MOST_SLOPES = 60  # genres
_LARGE = 1000  # from here on a size has no decimals

_CHECKS = {
    "max_rhat": ("R-hat, the largest", "at most", 3, "Do the chains agree? 1 is perfect."),
    "min_ess_bulk": ("Bulk ESS, the smallest", "at least", 0, "Independent draws that the means are worth."),
    "min_ess_tail": ("Tail ESS, the smallest", "at least", 0, "Independent draws that the ends are worth."),
    "max_mcse_mean": ("Monte Carlo error of a mean, the largest", "at most", 3, "In posterior sds."),
    "max_mcse_end": ("Monte Carlo error of an interval's end", "at most", 3, "The largest, in posterior sds."),
    "longest_stay": ("Longest stay of a chain", "at most", 3, "Share of a chain that is one draw, over and over."),
    "divergences": ("Divergences", "at most", 0, "Places where the sampler could not follow the posterior."),
    "min_bfmi": ("BFMI, the smallest", "at least", 2, "Does the sampler move well between energies?"),
    "treedepth_share": ("Draws at maximal tree depth", "at most", 3, "Share of draws that were cut short."),
}

_PARAMETERS = {
    "mu": "popularity of an average track",
    "sigma": "how far an artist's tracks lie from each other (sd)",
    "tau": "how far artists lie from each other (sd)",
    "tau_genre": "how far genres lie from each other (sd)",
    "tau_block": "how large the effects of a block of features are (sd)",
    "tau_slope": "how far genres differ in the effects of a block (sd)",
    "nu": "how light the tails of tracks are (degrees of freedom)",
}
LIKELIHOODS = {"normal": "normal errors", "student_t": "Student-t errors"}


def environment() -> Environment:
    """Return the Jinja2 environment of the page: everything that is put in is escaped, nothing may be undefined."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        name=shortened, number=number, signed=signed, percent=percent, rounded=rounded, share=share_text
    )
    made.globals.update(counted=counted)
    return made


def render_report(name: str, key: str, artists: pa.Table, previous: Previous | None, evidence: Evidence) -> str:
    """Return the page.

    Parameters
    ----------
    name, key : str
        Of the publication. Its time is left to the manifest, so that the same inputs give the same page.
    artists : pyarrow.Table
        As published, by rank.
    previous : Previous, optional
        What ``change`` refers to.
    evidence : Evidence

    Returns
    -------
    str
        HTML. Only the `MOST_ROWS` artists with the highest posterior mean have a row in it.
    """
    made = environment()
    script = _asset("report.js")
    rows = artists.slice(0, MOST_ROWS).to_pylist()
    scale = charts.Scale.around([row[end] for row in rows for end in ("low", "high")])
    parts, expected = shares(evidence), prior_check(evidence.sampling.prior_predictive)
    return made.get_template("report.html.j2").render(
        name=name,
        key=key,
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=Markup(_asset("report.css")),  # noqa: S704 - our own file
        corpus=evidence.corpus,
        design=evidence.design,
        sampling=evidence.sampling,
        interval=evidence.sampling.interval,
        new_artist=evidence.sampling.new_artist,
        scales={row.name: row for row in evidence.coefficients if row.kind in {"intercept", "scale"}},
        rows=[(row, scale.bar(row["low"], row["mean"], row["high"])) for row in rows],
        rows_at_first=_ROWS_AT_FIRST,
        total=artists.num_rows,
        shrinkage=charts.shrinkage(artists),
        blocks=_blocks(evidence, {part.block: part.mean for part in parts if part.block}),
        correlations=correlations(evidence.design),
        slopes=slope_table(evidence, _MOST_SLOPES),
        genres=_bars(evidence.genres),
        shares=_bars(parts),
        prior_check=expected,
        prior_rows=_expectations(expected),
        likelihood=LIKELIHOODS.get(evidence.sampling.likelihood, evidence.sampling.likelihood),
        changes=what_changed(artists, previous),
        verdict=evidence.verdict,
        checks=_checks(evidence.verdict),
        parameters=_PARAMETERS,
        diagnostics=_diagnostics(evidence.diagnostics),
    )


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _bars[Row: (Coefficient, Share)](rows: Sequence[Row]) -> list[tuple[Row, charts.Bar]]:
    scale = charts.Scale.around([0.0, *(end for row in rows for end in (row.low, row.high))])
    return [(row, scale.bar(row.low, row.mean, row.high, zero=0.0)) for row in rows]


def _expectations(check: PriorCheck | None) -> list[tuple[Expectation, charts.Bar]]:
    """Return what the priors expect, each with its bar, on which the line is what was seen."""
    rows = check.rows if check else ()
    scale = charts.Scale.around([value for row in rows for value in (row.low, row.high, row.observed)])
    return [(row, scale.bar(row.low, row.median, row.high, zero=row.observed)) for row in rows]


def _blocks(
    evidence: Evidence, shares: Mapping[str, float]
) -> list[tuple[str, str, list[tuple[Coefficient, charts.Bar, str]]]]:
    """Return tables of features: what is in it, its share of the variance, and its rows.

    Each feature comes with its bar and with what one sd of it is in its own unit.
    """
    columns = {column.name: column for column in evidence.design.columns if column.kind == "feature"}
    blocks: dict[str, list[tuple[Coefficient, charts.Bar, str]]] = {}
    for row, bar in _bars([row for row in evidence.coefficients if row.kind == "feature"]):
        known, unit = columns.get(row.name), BY_NAME[row.name].unit if row.name in BY_NAME else ""
        blocks.setdefault(row.block, []).append((row, bar, f"{_size(known.scale)} {unit}".strip() if known else ""))
    alone = [row for rows in blocks.values() if len(rows) == 1 for row in rows]
    if len(alone) > 1:  # learned blocks are often of one feature, and a table each would be a long page
        blocks = {block: rows for block, rows in blocks.items() if len(rows) > 1}
    titled = [
        (block.capitalize(), share_text(shares[block]) if block in shares else "", rows)
        for block, rows in sorted(blocks.items())
    ]
    return [*titled, *([("Features alone in their block", "", alone)] if len(alone) > 1 else [])]


def _size(value: float) -> str:
    return f"{value:,.0f}" if value >= _LARGE else f"{value:.3g}"


def _checks(verdict: Verdict) -> list[dict[str, Any]]:
    short = {shortfall.check: shortfall.sentence for shortfall in verdict.shortfalls}
    found = []
    for check, value in verdict.measured.items():
        label, side, digits, meaning = _CHECKS.get(check, (check.replace("_", " "), "held against", 3, ""))
        threshold = verdict.thresholds.get(check)
        found.append(
            {
                "label": label,
                "meaning": meaning,
                "value": number(value, digits),
                "threshold": f"{side} {number(threshold, digits)}" if threshold is not None else "",
                "passed": check not in short,
                "sentence": short.get(check, ""),
            }
        )
    return found


def _diagnostics(table: pa.Table) -> list[dict[str, Any]]:
    """Return the parameters that were estimated worst: the smallest bulk ESS first."""
    names = ["parameter", "mean", "sd", "rhat", "ess_bulk", "ess_tail"]
    ordered = table.select(names).sort_by([("ess_bulk", "ascending"), ("parameter", "ascending")])
    rows: list[dict[str, Any]] = ordered.slice(0, _MOST_DIAGNOSTICS).to_pylist()
    return rows
