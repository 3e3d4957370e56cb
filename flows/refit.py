"""The refit: ingest -> group -> sample -> gate -> publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prefect import flow
from pydantic import Field

from schemas.parameters import GateParameters, GroupParameters, IngestParameters, PublishParameters, SampleParameters
from schemas.publication import Publication, checked_name
from tasks.gate.task import gate
from tasks.group.task import group
from tasks.ingest.task import ingest
from tasks.publish.task import publish
from tasks.sample.task import sample

# Beside the publications, on the same file system, so that a finished version can be renamed into place.
WORK = ".work"


@flow(
    name="refit",
    description="From files of tracks to a published answer: how popular is each artist, and how sure are we?",
    flow_run_name="refit-{name}",
)
def refit(  # noqa: PLR0913, PLR0917 - each is a field of the form in the UI
    sources: Annotated[list[str], Field(description="Files, folders or patterns of tracks: CSV or Parquet.")],
    name: Annotated[str, Field(description="Name of the publication: lower-case letters, digits, - _ .")],
    to: Annotated[str, Field(description="Folder of publications.")] = "data/publications",
    ingestion: Annotated[IngestParameters, Field(title="1 Ingest")] = IngestParameters(),  # noqa: B008 - frozen
    grouping: Annotated[GroupParameters, Field(title="2 Group")] = GroupParameters(),  # noqa: B008 - frozen
    sampling: Annotated[SampleParameters, Field(title="3 Sample")] = SampleParameters(),  # noqa: B008 - frozen
    gating: Annotated[GateParameters, Field(title="4 Gate")] = GateParameters(),  # noqa: B008 - frozen
    publishing: Annotated[PublishParameters, Field(title="5 Publish")] = PublishParameters(),  # noqa: B008 - frozen
    *,
    force: Annotated[bool, Field(description="Do every step again, even if nothing has changed.")] = False,
) -> Publication:
    """Fit a corpus anew and publish the result.

    Every step is idempotent and known by its content: run again with nothing changed, it returns what is there;
    killed anywhere, the next run goes on at the first missing step.

    Parameters
    ----------
    sources : list of str
        Files, folders or glob patterns of tracks.
    name : str
        Name of the publication.
    to : str
        Folder of publications.
    ingestion, grouping, sampling, gating, publishing
        Parameters of the five steps.
    force : bool
        Do every step again.

    Returns
    -------
    Publication

    Raises
    ------
    EncoreError
        What the user can mend: a corpus that cannot be used, a posterior that the gate stopped, ...
    """
    checked_name(name)
    root = Path(to).expanduser().resolve()
    work = str(root / WORK)
    settings = {
        "sources": list(sources),
        "ingest": ingestion.model_dump(mode="json"),
        "group": grouping.model_dump(mode="json"),
        "sample": sampling.model_dump(mode="json"),
        "gate": gating.model_dump(mode="json"),
        "publish": publishing.model_dump(mode="json"),
    }
    ingested = ingest(list(sources), ingestion, work, force=force)
    grouped = group(ingested, grouping, work, keep_rows=sampling.engine == "rows", force=force)
    sampled = sample(grouped, sampling, work, force=force)
    gated = gate(sampled, gating, work, name, force=force)
    results = {"ingest": ingested, "group": grouped, "sample": sampled, "gate": gated}
    return publish(results, publishing, settings, work, name, str(root), force=force)
