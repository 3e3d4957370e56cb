"""Whether a refit would publish what is published already, found out without starting anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from schemas.errors import PlaceUnreachable, PublicationConflict
from schemas.versions import STEPS
from tasks.ingest.sources import PLACES, find_sources
from tasks.publish.store import current_version, read_manifest, verify
from tasks.storage import WORK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from schemas.parameters import IngestParameters
    from schemas.references import Source


def found_again(sources: Sequence[str], to: Path, ingestion: IngestParameters) -> tuple[Source, ...] | None:
    """Return the sources as the ingest step finds them; None where that is left to it, which tries again.

    Raises
    ------
    CorpusRejected
        If a source is not there.
    """
    cache = to.expanduser().resolve() / WORK / PLACES
    try:
        return find_sources(sources, cache, ingestion.max_unfold)
    except PlaceUnreachable:
        return None


def is_unchanged(sources: Sequence[str], name: str, to: Path, parameters: Mapping[str, BaseModel]) -> bool:
    """Say whether the current version was made from these files, with these parameters, by this code.

    Parameters
    ----------
    sources : sequence of str
        As the refit is given them.
    name : str
    to : Path
        Folder of publications.
    parameters : mapping
        By step.

    Returns
    -------
    bool
        False also where the current version is damaged, so that it is published anew.

    Raises
    ------
    CorpusRejected
        If a source is not there.
    """
    found = found_again(sources, to, cast("IngestParameters", parameters["ingest"]))
    if found is None:
        return False
    try:
        version = current_version(to, name)
        if version is None:
            return False
        folder = to / name / "versions" / version
        manifest = read_manifest(folder)
    except PublicationConflict:
        return False
    return (
        [(source.name, source.sha256) for source in manifest.corpus.sources]
        == [(source.name, source.sha256) for source in found]
        and all(manifest.parameters.get(step) == model.model_dump(mode="json") for step, model in parameters.items())
        and manifest.steps == STEPS
        and not verify(folder)
    )
