"""``report.html``: one page with everything in it, which needs no network and no other file."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from schemas.tracks import BY_NAME
from tasks.publish import board, charts, comparisons, vega
from tasks.publish.artist_genres import MOST_GENRES, genres_of
from tasks.publish.changes import what_changed
from tasks.publish.parts import correlations, prior_check, shares, slope_table
from tasks.publish.shrinkage_chart import MOST_DOTS, shrinkage_chart
from tasks.publish.text import counted, number, percent, rounded, share_text, signed
from tasks.publish.visible import distinct, embedded, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from schemas.evaluation import Evaluation
    from schemas.verdict import Verdict
    from tasks.publish.changes import Changes
    from tasks.publish.coefficients import Coefficient
    from tasks.publish.evidence import Evidence
    from tasks.publish.parts import PriorCheck, Share
    from tasks.publish.predictive import PredictiveCheck
    from tasks.publish.tables import Previous

TEMPLATES = Path(__file__).parent / "templates"
_SCRIPTS = ("board", "draw")
_ROWS_AT_FIRST = 50
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
    made.filters.update(name=visible, number=number, signed=signed, percent=percent, rounded=rounded, share=share_text)
    made.globals.update(counted=counted)
    return made


def render_report(  # noqa: PLR0913 - what the page says, each by its name
    name: str,
    key: str,
    artists: pa.Table,
    previous: Previous | None,
    evidence: Evidence,
    grouped: Path,
    *,
    evaluation: Evaluation | None = None,
    check: PredictiveCheck | None = None,
) -> str:
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
    grouped : Path
        What group wrote, for the genres of each artist.
    evaluation : Evaluation, optional
        How pooling compares.
    check : PredictiveCheck, optional
        How the averages of artists would be spread if the model were all there is.

    Returns
    -------
    str
        HTML. Of very many artists it holds a choice, see `board.choose`.
    """
    changes = what_changed(artists, previous)
    choice = board.choose(artists["tracks"].to_numpy())
    chosen = artists.take(choice.places)
    genres = genres_of(grouped, evidence.design, chosen["artist"])
    parts, expected = shares(evidence), prior_check(evidence.sampling.prior_predictive)
    blocks = _blocks(evidence, {part.block: part.mean for part in parts if part.block})
    drawn, pull = shrinkage_chart(artists)
    specs = {"shrinkage": drawn, **_charts(evidence, blocks, parts, expected, check, changes, evaluation)}
    first = chosen.slice(0, _ROWS_AT_FIRST).to_pylist()
    data = {
        "shown": len(choice.places),
        "total": artists.num_rows,
        "interval": percent(evidence.sampling.interval),
        "genres": distinct(evidence.design.names("genre")),
        **board.columns(chosen, choice, genres),
    }
    scripts = {"vega": vega.script(), **{each: _asset(f"{each}.js") for each in _SCRIPTS}}
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            name=name,
            key=key,
            script={each: Markup(text) for each, text in scripts.items()},  # noqa: S704 - our own files, and Vega's
            script_hashes=[_hash(text) for text in scripts.values()],
            style=Markup(_asset("report.css")),  # noqa: S704 - our own file
            data=Markup(embedded(data)),  # noqa: S704 - `embedded` escapes what could end it
            charts=Markup(embedded(specs)),  # noqa: S704 - as above
            drawn=specs.keys(),
            descriptions={each: spec["description"] for each, spec in specs.items()},
            corpus=evidence.corpus,
            design=evidence.design,
            sampling=evidence.sampling,
            interval=evidence.sampling.interval,
            new_artist=evidence.sampling.new_artist,
            scales={row.name: row for row in evidence.coefficients if row.kind in {"intercept", "scale"}},
            rows=first,
            choice=choice,
            total=artists.num_rows,
            most_genres=MOST_GENRES,
            pull=pull,
            gathered=artists.num_rows > MOST_DOTS,
            blocks=blocks,
            correlations=correlations(evidence.design),
            slopes=slope_table(evidence, _MOST_SLOPES),
            genres=evidence.genres,
            most_bars=charts.MOST_BARS,
            shares=parts,
            prior_check=expected,
            check=check,
            likelihood=LIKELIHOODS.get(evidence.sampling.likelihood, evidence.sampling.likelihood),
            changes=changes,
            evaluation=evaluation,
            verdict=evidence.verdict,
            checks=_checks(evidence.verdict),
            parameters=_PARAMETERS,
            diagnostics=_diagnostics(evidence.diagnostics),
        )
    )


def _charts(
    evidence: Evidence,
    blocks: Sequence[Block],
    parts: Sequence[Share],
    expected: PriorCheck | None,
    check: PredictiveCheck | None,
    changes: Changes | None,
    evaluation: Evaluation | None,
) -> dict[str, dict[str, Any]]:
    """Return the specification of each chart but the first, by the name of its place on the page."""
    interval = evidence.sampling.interval
    found: dict[str, dict[str, Any] | None] = {}
    domain = charts.domain_of([row for block in blocks for row, _ in block.rows])
    for place, block in enumerate(blocks):
        rows = [row for row, _ in block.rows]
        description = f"Effects of the features of the block {visible(block.title)}, in points for one sd."
        found[f"block-{place}"] = charts.intervals(rows, description, "points for one sd", domain, interval)
    if evidence.genres:
        description, axis = "Effects of the genres, in points.", "points"
        domain = charts.domain_of(evidence.genres)
        found["genres"] = charts.intervals(evidence.genres, description, axis, domain, interval)
    found["variance"] = charts.shares_chart(parts, interval) if parts else None
    found["priors"] = charts.priors_chart(expected) if expected and expected.rows else None
    found["changes"] = comparisons.changes_chart(changes) if changes else None
    found["fit"] = comparisons.predictive_chart(check) if check else None
    found["pooling"] = comparisons.pooling_chart(evaluation) if evaluation and evaluation.scores else None
    return {name: spec for name, spec in found.items() if spec is not None}


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """Features that are shown together.

    Parameters
    ----------
    title, share : str
        Of the block, and its share of the variance, where it is known.
    rows : list of (Coefficient, str)
        Each with what one sd of it is in its own unit.
    """

    title: str
    share: str
    rows: list[tuple[Coefficient, str]]


def _blocks(evidence: Evidence, shares: Mapping[str, float]) -> list[Block]:
    columns = {column.name: column for column in evidence.design.columns if column.kind == "feature"}
    blocks: dict[str, list[tuple[Coefficient, str]]] = {}
    for row in evidence.coefficients:
        if row.kind == "feature":
            known, unit = columns.get(row.name), BY_NAME[row.name].unit if row.name in BY_NAME else ""
            blocks.setdefault(row.block, []).append((row, f"{_size(known.scale)} {unit}".strip() if known else ""))
    alone = [row for rows in blocks.values() if len(rows) == 1 for row in rows]
    if len(alone) > 1:  # learned blocks are often of one feature, and a chart each would be a long page
        blocks = {block: rows for block, rows in blocks.items() if len(rows) > 1}
    titled = [
        Block(block.capitalize(), share_text(shares[block]) if block in shares else "", rows)
        for block, rows in sorted(blocks.items())
    ]
    return [*titled, *([Block("Features alone in their block", "", alone)] if len(alone) > 1 else [])]


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
