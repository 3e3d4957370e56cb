"""Whether a refit would publish what is published already, found out without starting anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import PublicationConflict
from schemas.versions import STEPS
from tasks.ingest.sources import find_sources
from tasks.publish.store import current_version, read_manifest, verify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel


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
    found = find_sources(sources)
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
