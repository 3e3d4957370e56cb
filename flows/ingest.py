"""The ingest alone: what is new of a corpus is read and checked, and nothing is fitted."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from flows.corpus import read_corpus
from flows.form import Force, Ingestion, Name, Sources, To
from flows.operated import operated, run_name
from schemas.parameters import IngestParameters
from schemas.publication import checked_name
from schemas.references import Reference
from schemas.reports import IngestReport
from tasks.ingest.sources import summary
from tasks.stores import open_store


def _ingested(reference: Reference, _given: object) -> str:
    report = IngestReport.model_validate_json((Path(reference.path) / "report.json").read_text(encoding="utf-8"))
    return summary(report)


@flow(
    name="ingest",
    description="Read and check what is new of a corpus, ahead of its next refit.",
    flow_run_name=run_name,
    validate_parameters=False,  # `operated` does, in our own words
)
@operated(_ingested)
def ingest(
    sources: Sources,
    name: Name,
    to: To = "data/publications",
    ingestion: Ingestion = IngestParameters(),  # noqa: B008 - frozen
    *,
    force: Force = False,
) -> Reference:
    """Read and check a corpus.

    What was read is kept, and the refit with the same parameters finds it. (The sections below are in Google's style,
    for Prefect shows their sentences in the form of its UI, and reads no other.)

    Args:
        sources: Files, folders, patterns or addresses of tracks: CSV, JSON Lines, Parquet, compressed or not.
        name: Name of the publication that the corpus is for.
        to: Where publications lie: a folder, or an address such as s3://bucket/prefix.
        ingestion: How tracks are read.
        force: Read all of it again, even if nothing has changed.

    Returns
    -------
        Where the corpus lies.

    Raises
    ------
        EncoreError: What the user can mend: a corpus that cannot be used.
    """
    checked_name(name)
    return read_corpus(sources, ingestion, open_store(to), name, force=force)
