"""The evaluation: ingest -> hold out -> six fits, each gated -> judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prefect import flow

from flows.corpus import read_corpus
from flows.escalation import sample_and_gate
from flows.form import Evaluating, Force, Gating, Grouping, Ingestion, Name, Sampling, Sources, To
from flows.operated import operated, run_name
from schemas.errors import InvalidParameter
from schemas.evaluation import Evaluated, Fit
from schemas.parameters import (
    EvaluateParameters,
    GateParameters,
    GroupParameters,
    IngestParameters,
    SampleParameters,
)
from schemas.publication import checked_name
from schemas.reports import Design
from tasks.group.task import group
from tasks.ingest.opening import read_whole
from tasks.judge.task import judge
from tasks.stores import open_store

if TYPE_CHECKING:
    from schemas.references import Reference


def _evaluated(evaluated: Evaluated, _given: object) -> str:
    return f"evaluated: {evaluated.path}" if evaluated.new else f"nothing new: {evaluated.path}"


@flow(
    name="evaluate",
    description="How well do partial, no and complete pooling predict, with and without audio features?",
    flow_run_name=run_name,
    validate_parameters=False,  # `operated` does, in our own words
)
@operated(_evaluated)
def evaluate(  # noqa: PLR0913, PLR0917 - each is a field of the form in the UI
    sources: Sources,
    name: Name,
    to: To = "data/publications",
    ingestion: Ingestion = IngestParameters(),  # noqa: B008 - frozen, as are those below
    grouping: Grouping = GroupParameters(),  # noqa: B008
    sampling: Sampling = SampleParameters(),  # noqa: B008
    gating: Gating = GateParameters(),  # noqa: B008
    evaluating: Evaluating = EvaluateParameters(),  # noqa: B008
    *,
    force: Force = False,
) -> Evaluated:
    """Judge partial, no and complete pooling, with and without audio features, by tracks that they have not seen.

    Every step is idempotent and known by its content, as in the refit; nothing is published. (The sections below are
    in Google's style, for Prefect shows their sentences in the form of its UI, and reads no other.)

    Args:
        sources: Files, folders or patterns of tracks, CSV, JSON Lines, Parquet, compressed or not.
        name: Name of the publication to put the evaluation beside.
        to: Where publications lie; where that is no folder, evaluations are kept on this machine.
        ingestion: How tracks are read.
        grouping: How tracks are grouped; its features and slopes are left out of half of the fits.
        sampling: How the posteriors are drawn; its pooling is not used, for each is fitted.
        gating: What each posterior must show before it is judged.
        evaluating: Which tracks are held out.
        force: Do every step again, even if nothing has changed.

    Returns:
        Where the evaluation lies; its `new` is False where nothing had changed.

    Raises:
        EncoreError: What the user can mend: a corpus that cannot be used, a posterior that the gate stopped, ...
    """
    checked_name(name)
    if sampling.row_by_row:
        message = "only fits from sums can be judged so far: take the normal likelihood, and engine auto or collapsed"
        raise InvalidParameter(message)
    store = open_store(to)
    work = str(store.work)
    ingested, with_features = read_whole(
        lambda: read_corpus(sources, ingestion, store, name, force=force),
        lambda made: group(made, grouping, work, held_out=evaluating, force=force),
    )
    without = grouping.model_copy(update={"features": "none", "slopes": "none"})
    fits: list[Fit] = []
    for features in (True, False):
        grouped = with_features if features else group(ingested, without, work, held_out=evaluating, force=force)
        if features and not _has_features(grouped):
            continue
        for pooling in ("partial", "none", "complete"):
            # Artists' effects are integrated out where tracks are judged: no draws of them are needed.
            chosen = sampling.model_copy(update={"pooling": pooling, "artist_draws": 0})
            told = f"{name} ({pooling} pooling, {'with' if features else 'no'} features)"
            sampled, _ = sample_and_gate(grouped, chosen, gating, work, told, force=force)
            fits.append(Fit(pooling=pooling, features=features, grouped=grouped, sampled=sampled))
    settings = {
        "ingest": ingestion.model_dump(mode="json"),
        "group": grouping.model_dump(mode="json"),
        "sample": sampling.model_dump(mode="json"),
        "gate": gating.model_dump(mode="json"),
        "judge": evaluating.model_dump(mode="json"),
    }
    return judge(ingested, fits, evaluating, settings, work, name, str(store.beside), force=force)


def _has_features(grouped: Reference) -> bool:
    design = Design.model_validate_json((Path(grouped.path) / "design.json").read_text(encoding="utf-8"))
    return bool(design.names("feature"))
