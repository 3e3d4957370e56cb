"""Where every flow begins: the corpus of a name is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.quarantine import REJECTED
from tasks.ingest.task import ingest
from tasks.publish.store import earlier_corpora

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.parameters import IngestParameters
    from schemas.references import Reference
    from tasks.stores import Store


def read_corpus(
    sources: Sequence[str], ingestion: IngestParameters, store: Store, name: str, *, force: bool
) -> Reference:
    """Have the step ingest read a corpus, which is held against earlier ones of its name.

    Of one that is rejected the quarantine is kept beside the publications.
    """
    return ingest(
        list(sources),
        ingestion,
        str(store.work),
        earlier=earlier_corpora(store, name),
        rejected=str(store.beside / name / REJECTED),
        force=force,
    )
