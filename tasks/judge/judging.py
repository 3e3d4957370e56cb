"""Fits in, an evaluation out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import CorpusRejected
from schemas.evaluation import EVALUATION, Evaluation
from schemas.reports import IngestReport
from schemas.versions import STEPS
from tasks.judge.leaving_out import leave_one_out
from tasks.judge.predicting import judge_rows, known_of
from tasks.judge.reading import Evidence
from tasks.judge.scoring import Candidate, scored
from tasks.judge.telling import conclusions, markdown, model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from schemas.evaluation import Kind, Pooling
    from tasks.judge.predicting import Judged
    from tasks.judge.reading import Rows

FIGURE = "shrinkage.png"


@dataclass(frozen=True)
class Made:
    """What the other steps made of one model.

    Parameters
    ----------
    pooling : str
    features : bool
    grouped, sampled : Path
        Folders.
    """

    pooling: Pooling
    features: bool
    grouped: Path
    sampled: Path


@dataclass(frozen=True)
class About:
    """What an evaluation records of the run.

    Parameters
    ----------
    name, key : str
    settings : mapping
        Parameters by step.
    ingested : Path
        What ingest wrote.
    """

    name: str
    key: str
    settings: Mapping[str, Any]
    ingested: Path


def judge_fits(
    fits: Sequence[Made],
    about: About,
    folder: Path,
    *,
    leave_out: bool = True,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Evaluation:
    """Judge fits by tracks that they have not seen.

    Parameters
    ----------
    fits : sequence of Made
        All with the same tracks held out; the first is the reference.
    about : About
    folder : Path
        Where to write ``evaluation.json``, ``.parquet`` and ``.md``, and a figure where known artists were judged.
    leave_out : bool
        Whether to predict each track in training from all others, too.
    progress : callable
        Told how many predictions have been judged, of how many.

    Returns
    -------
    Evaluation

    Raises
    ------
    CorpusRejected
        If there is no track to judge by.
    """
    judged: dict[Kind, list[Candidate]] = {"known": [], "new": [], "again": []}
    for done, fit in enumerate(fits):
        # One at a time, for the means of a million artists are large; the tracks are the same in each.
        evidence = Evidence.load(fit.grouped, fit.sampled)
        tracks = _kinds(evidence, leave_out=leave_out)
        for kind, said in _judged(evidence, tracks).items():
            judged[kind].append(Candidate(fit.pooling, fit.features, said, tracks[kind].y))
        each = sum(len(rows.y) for rows in tracks.values())
        progress((done + 1) * each, len(fits) * each)
    scores = [score for kind, rows in tracks.items() for score in scored(kind, judged[kind], rows.artist)]
    if not scores:
        message = (
            f"none of {evidence.design.observations:,} tracks can be held out: take more, or hold out a larger share"
        )
        raise CorpusRejected(message)
    corpus = IngestReport.model_validate_json((about.ingested / "report.json").read_text(encoding="utf-8"))
    evaluation = Evaluation(
        key=about.key,
        sources=tuple({"name": source.name, "sha256": source.sha256} for source in corpus.sources),
        parameters=dict(about.settings),
        steps=STEPS,
        tracks=evidence.design.observations,
        artists=evidence.design.artists,
        held_out=len(evidence.tested.y),
        reference=model(fits[0].pooling, features=fits[0].features),
        scores=tuple(scores),
        conclusions=conclusions(scores),
    )
    alike = [candidate for candidate in judged["known"] if candidate.features == fits[0].features]
    _draw(evidence, tracks["known"], alike, folder / FIGURE)
    _write(evaluation, about.name, folder)
    return evaluation


def _kinds(evidence: Evidence, *, leave_out: bool) -> dict[Kind, Rows]:
    tested, again = evidence.tested, evidence.again
    known = tested.artist < len(evidence.statistics.counts)
    return {
        "known": tested.chosen(known),
        "new": tested.chosen(~known),
        "again": again.chosen(np.full(len(again.y), leave_out)),
    }


def _judged(evidence: Evidence, tracks: Mapping[Kind, Rows]) -> dict[Kind, Judged]:
    # SciPy brings a BLAS of its own, and a limit holds for what is loaded by then: load it first.
    import scipy.linalg  # noqa: F401 - for its BLAS
    from threadpoolctl import threadpool_limits

    judges = {"known": judge_rows, "new": judge_rows, "again": leave_one_out}
    # With several threads BLAS adds in another order, and the same fits must give the same bits.
    with threadpool_limits(1):
        return {kind: judges[kind](evidence.posterior, evidence.statistics, rows) for kind, rows in tracks.items()}


def _draw(evidence: Evidence, rows: Rows, candidates: Sequence[Candidate], path: Path) -> None:
    """Draw what the candidates say of held-out tracks of known artists, if there are any."""
    if not len(rows.y):
        return
    from tasks.judge.figure import Seen, draw_shrinkage

    mean = evidence.design.popularity_mean
    known = known_of(evidence.statistics, rows.artist)
    seen = Seen(known.means[:, -1] + mean, known.counts, rows.y + mean)
    draw_shrinkage(seen, {candidate.pooling: candidate.judged.mean + mean for candidate in candidates}, path)


def _write(evaluation: Evaluation, name: str, folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([score.model_dump() for score in evaluation.scores])
    pq.write_table(table, folder / "evaluation.parquet", compression="zstd")
    picture = FIGURE if (folder / FIGURE).exists() else ""
    (folder / "evaluation.md").write_text(markdown(evaluation, name, picture=picture), encoding="utf-8")
    (folder / EVALUATION).write_text(evaluation.model_dump_json(indent=1) + "\n", encoding="utf-8")
