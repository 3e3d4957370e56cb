"""The refit: ingest -> group -> sample -> gate -> publish."""

from __future__ import annotations

from prefect import flow

from flows.approval import hold
from flows.corpus import read_corpus
from flows.escalation import sample_and_gate
from flows.form import Approving, Force, Gating, Grouping, Ingestion, Name, Publishing, Sampling, Sources, To
from flows.operated import operated, run_name
from flows.summary import refitted
from schemas.approval import ApproveParameters
from schemas.parameters import GateParameters, GroupParameters, IngestParameters, PublishParameters, SampleParameters
from schemas.publication import Publication, checked_name
from tasks.addresses import shown
from tasks.group.task import group
from tasks.ingest.opening import read_whole
from tasks.predict.task import compare
from tasks.publish.task import publish
from tasks.sample.engines import check_installed
from tasks.stores import open_store


@flow(
    name="refit",
    description="From files of tracks to a published answer: how popular is each artist, and how sure are we?",
    flow_run_name=run_name,
    validate_parameters=False,  # `operated` does, in our own words
)
@operated(refitted, alone=True)
def refit(  # noqa: PLR0913, PLR0917 - each is a field of the form in the UI
    sources: Sources,
    name: Name,
    to: To = "data/publications",
    ingestion: Ingestion = IngestParameters(),  # noqa: B008 - frozen, as are those below
    grouping: Grouping = GroupParameters(),  # noqa: B008
    sampling: Sampling = SampleParameters(),  # noqa: B008
    gating: Gating = GateParameters(),  # noqa: B008
    publishing: Publishing = PublishParameters(),  # noqa: B008
    approving: Approving = ApproveParameters(),  # noqa: B008
    *,
    force: Force = False,
) -> Publication:
    """Fit a corpus anew and publish the result.

    Every step is idempotent and known by its content: run again with nothing changed, it returns what is there;
    killed anywhere, the next run goes on at the first missing step. (The sections below are in Google's style, for
    Prefect shows their sentences in the form of its UI, and reads no other.)

    Args:
        sources: Files, folders, patterns or addresses of tracks: CSV, JSON Lines, Parquet, compressed or not.
        name: Name of the publication: lower-case letters, digits, dashes, underscores and dots.
        to: Where publications lie: a folder, or an address such as s3://bucket/prefix.
        ingestion: How tracks are read.
        grouping: How tracks are grouped.
        sampling: How the posterior is drawn.
        gating: What a posterior must show before it is published.
        publishing: How a publication looks.
        approving: Whether a publication that moves much waits for a person.
        force: Do every step again, even if nothing has changed.

    Returns:
        The publication; its `new` is False where nothing had changed.

    Raises:
        EncoreError: What the user can mend: a corpus that cannot be used, a posterior that the gate stopped, ...
    """
    checked_name(name)
    check_installed(sampling.resolved_engine)
    store = open_store(to)
    work = str(store.work)
    before = store.current(name) or ""
    settings = {
        "sources": [shown(source) for source in sources],
        "ingest": ingestion.model_dump(mode="json"),
        "group": grouping.model_dump(mode="json"),
        "sample": sampling.model_dump(mode="json"),
        "gate": gating.model_dump(mode="json"),
        "publish": publishing.model_dump(mode="json"),
    }
    ingested, grouped = read_whole(
        lambda: read_corpus(sources, ingestion, store, name, force=force),
        lambda made: group(made, grouping, work, keep_rows=sampling.row_by_row, force=force),
    )
    sampled, gated = sample_and_gate(grouped, sampling, gating, work, name, force=force)
    hold(approving, sampled, work, to, name)
    results = {"ingest": ingested, "group": grouped, "sample": sampled, "gate": gated}
    results["compare"] = compare(results, grouping.credit, work, name, to, force=force)
    return publish(results, publishing, settings, work, name, to, before=before, force=force)
