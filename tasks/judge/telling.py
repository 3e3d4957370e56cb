"""An evaluation in words: sentences, and tables for a terminal, for Markdown and for Prefect's UI."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.evaluation import Evaluation, Kind, Score

_TITLE: dict[Kind, str] = {
    "known": "Held-out tracks of known artists",
    "new": "Tracks of held-out artists",
    "again": "Each seen track from all others (exact leave-one-out)",
}
_WHAT: dict[Kind, str] = {
    "known": "held-out tracks of known artists",
    "new": "tracks of held-out artists",
    "again": "tracks left out one at a time",
}
_HEADER = ("pooling", "ELPD", "difference", "MAE", "RMSE", "in 50%", "in 90%")
_NO_POOLING_SAYS_NOTHING = (
    "no pooling says nothing of an artist it has not seen: its ELPD here is that of its prior, 100 sds wide"
)
_MEANING = (
    "ELPD is the sum of the log predictive densities, in nats; higher is better. The difference is to {reference}, ± "
    "one standard error of the paired difference, tracks of an artist taken together; it is clear beyond two of them "
    "and 4 nats. MAE and RMSE are of the predictive mean, in points of popularity; the last columns are how many "
    "tracks lie inside the central 50 % and 90 % intervals."
)
_GAP = "  "
_WIDTH = 100
# A difference is called one where it is more than so many standard errors, and more than so many nats: below that
# the standard error says little (Sivula, Magnusson, Matamoros and Vehtari 2020, arXiv:2008.10296).
_CLEAR, _SMALL = 2.0, 4.0
_OUTCOMES = ("better", "worse", "neither clearly better nor worse")


class Table(NamedTuple):
    """How the models do on tracks of one kind."""

    title: str
    rows: list[tuple[str, ...]]
    note: str


def model(pooling: str, *, features: bool) -> str:
    """Return what a model is called in a table: ``partial + features``."""
    return f"{pooling} + features" if features else pooling


def tables(scores: Sequence[Score], reference: str) -> list[Table]:
    """Return a table for each kind of tracks, the best model first.

    Parameters
    ----------
    scores : sequence of Score
        As `schemas.evaluation.Evaluation` has them.
    reference : str
        The model that differences are to.

    Returns
    -------
    list of Table
        The first row is the header.
    """
    made = []
    for kind, title in _TITLE.items():
        chosen = [score for score in scores if score.judged == kind]
        if chosen:
            tracks, artists = chosen[0].tracks, chosen[0].artists
            heading = f"{title}: {_counted(tracks, 'track')} of {_counted(artists, 'artist')}"
            rows = [_HEADER, *(_cells(score, reference) for score in chosen)]
            made.append(Table(heading, rows, _NO_POOLING_SAYS_NOTHING if kind == "new" else ""))
    return made


def _cells(score: Score, reference: str) -> tuple[str, ...]:
    name = model(score.pooling, features=score.features)
    return (
        name,
        f"{score.elpd:,.1f}",
        "reference" if name == reference else plus_minus(score.difference, score.difference_se),
        f"{score.mae:.2f}",
        f"{score.rmse:.2f}",
        f"{score.inside_50:.1%}",
        f"{score.inside_90:.1%}",
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


def plus_minus(value: float, error: float | None) -> str:
    """Write a number with its standard error: ``-81.6 ± 14.1``."""
    rounded = round(value, 1) + 0.0  # never -0.0
    return f"{rounded:,.1f} ± {'?' if error is None else f'{error:,.1f}'}"


def text(evaluation: Evaluation) -> str:
    """Return the tables, aligned, and the conclusions, for a terminal."""
    lines: list[str] = []
    for table in tables(evaluation.scores, evaluation.reference):
        widths = [max(len(cell) for cell in column) for column in zip(*table.rows, strict=True)]
        lines += [table.title]
        lines += [
            _GAP.join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
            for row in table.rows
        ]
        lines += [fill(table.note, _WIDTH), ""] if table.note else [""]
    said = (fill(sentence, _WIDTH, subsequent_indent=_GAP) for sentence in evaluation.conclusions)
    return "\n".join([*lines, *said])


def markdown(evaluation: Evaluation, name: str, *, picture: str = "") -> str:
    """Return an evaluation as Markdown.

    Parameters
    ----------
    evaluation : Evaluation
    name : str
        Of the publication; checked, so that nothing in it needs escaping.
    picture : str
        Path of the figure, if it is to be shown.
    """
    trained = (
        f"Each model was fitted to {evaluation.tracks:,} tracks of {evaluation.artists:,} artists; "
        f"{evaluation.held_out:,} others were held out."
    )
    lines = [f"# How well {name} predicts", "", trained, ""]
    lines += [*(f"- {sentence}" for sentence in evaluation.conclusions), ""]
    for table in tables(evaluation.scores, evaluation.reference):
        header, *rows = table.rows
        lines += [f"## {table.title}", "", _line(header), _line(("---", *["---:"] * (len(header) - 1)))]
        lines += [_line(row) for row in rows]
        lines += ["", *([f"{table.note[0].upper()}{table.note[1:]}.", ""] if table.note else [])]
    lines += [_MEANING.format(reference=evaluation.reference), ""]
    if picture:
        lines += [f"![Held-out popularity against the artist's raw mean, and what each pooling says]({picture})", ""]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def records(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """Return the rows of the artifact in Prefect's UI."""
    return [
        {
            "judged on": f"{score.tracks:,} {_WHAT[score.judged]}",
            "model": model(score.pooling, features=score.features),
            "ELPD": round(score.elpd, 1),
            "difference": round(score.difference, 1),
            "its standard error": None if score.difference_se is None else round(score.difference_se, 1),
            "MAE": round(score.mae, 2),
            "RMSE": round(score.rmse, 2),
            "in 50 %": f"{score.inside_50:.1%}",
            "in 90 %": f"{score.inside_90:.1%}",
        }
        for score in scores
    ]


def conclusions(scores: Sequence[Score]) -> tuple[str, ...]:
    """Say how partial pooling compares with the others.

    Parameters
    ----------
    scores : sequence of Score
        With differences to partial pooling, with features where there are any.

    Returns
    -------
    tuple of str
        A sentence for each kind of tracks.
    """
    features = any(score.features for score in scores)
    rivals = {("none", features): "no pooling", ("complete", features): "complete pooling"}
    if features:
        rivals["partial", False] = "itself without features"
    said = []
    for kind, what in _WHAT.items():
        # Without pooling, the score of an artist nobody has seen is that of a prior as wide as we happened to make it.
        here = [score for score in scores if score.judged == kind and (kind, score.pooling) != ("new", "none")]
        compared = [
            _compared(score, rivals[rival]) for score in here if (rival := (score.pooling, score.features)) in rivals
        ]
        if compared:
            outcomes = {outcome: [rest for which, rest in compared if which == outcome] for outcome in _OUTCOMES}
            told = [f"{outcome} {' and '.join(rest)}" for outcome, rest in outcomes.items() if rest]
            said.append(f"On {here[0].tracks:,} {what}, partial pooling predicts {'; '.join(told)}.")
    return tuple(said)


def _compared(rival: Score, name: str) -> tuple[str, str]:
    """Say how the reference does beside a rival: the outcome, and by how much."""
    lead, error = -rival.difference, rival.difference_se
    if error is None or abs(lead) <= max(_CLEAR * error, _SMALL):
        return _OUTCOMES[2], f"than {name} ({plus_minus(lead, error)})"
    return _OUTCOMES[0 if lead > 0 else 1], f"than {name} by {plus_minus(abs(lead), error)} ELPD"
