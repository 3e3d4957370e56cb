"""Whether a refit would publish what is published already, found out without starting anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from schemas.errors import PlaceUnreachable, PublicationConflict
from schemas.versions import STEPS
from tasks.ingest.sources import PLACES, find_sources
from tasks.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel

    from schemas.parameters import IngestParameters
    from schemas.references import Source
    from tasks.stores import Store


def found_again(sources: Sequence[str], to: str, ingestion: IngestParameters) -> tuple[Source, ...] | None:
    """Return the sources as the ingest step finds them; None where that is left to it, which tries again.

    Raises
    ------
    CorpusRejected
        If a source is not there.
    """
    cache = open_store(to).work / PLACES
    try:
        return find_sources(sources, cache, ingestion.max_unfold)
    except PlaceUnreachable:
        return None


def is_unchanged(sources: Sequence[str], name: str, to: str, parameters: Mapping[str, BaseModel]) -> bool:
    """Say whether a refit would leave everything as it is.

    It would if the current version was made from these files, with these parameters, by this code; or if the newest
    was, and had been held back or was there when a person chose another.

    Parameters
    ----------
    sources : sequence of str
        As the refit is given them.
    name : str
    to : str
        Where publications lie.
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
    store = open_store(to)
    try:
        candidates = _standing(store, name)
    except PublicationConflict:
        return False
    steps = {step: model.model_dump(mode="json") for step, model in parameters.items()}
    sought = [(source.name, source.sha256) for source in found]
    for version in candidates:
        try:
            manifest = store.manifest(name, version)
        except PublicationConflict:
            continue
        if (
            [(source.name, source.sha256) for source in manifest.corpus.sources] == sought
            and all(manifest.parameters.get(step) == plain for step, plain in steps.items())
            and manifest.steps == STEPS
            and not store.faults(name, version, thorough=False)
        ):
            return True
    return False


def _standing(store: Store, name: str) -> list[str]:
    """Return the current version, and the newest if that is not to become current by being made again."""
    pointer, versions = store.pointer(name), store.versions(name)
    if pointer is None or pointer.version not in versions:
        return []
    newest = versions[-1]
    if newest != pointer.version and (newest <= pointer.newest or store.manifest(name, newest).held_back):
        return [pointer.version, newest]
    return [pointer.version]
