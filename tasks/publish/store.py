"""Reading publications: which version is current, which was made from what, and whether one is whole.

Light enough for the command line to import before it knows whether there is any work to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import PublicationConflict
from schemas.reports import LastCorpus
from tasks.published import read_manifest
from tasks.stores import open_store
from tasks.stores.checking import verify
from tasks.stores.store import KEY_DIGITS

if TYPE_CHECKING:
    from tasks.stores.store import Root

__all__ = ["current_version", "earlier_corpora", "find_version", "read_manifest", "verify"]


def current_version(root: Root, name: str) -> str | None:
    """Return the version that readers of a publication see.

    Parameters
    ----------
    root : Path, str or Store
        Where all publications lie.
    name : str
        The publication.

    Returns
    -------
    str or None
        Such as ``20261122T160501Z-0123456789ab``. None before the first, and where what is pointed to is gone.

    Raises
    ------
    InvalidParameter
        If `name` cannot name a publication.
    PublicationConflict
        If `current` is not a pointer of ours.
    """
    return open_store(root).current(name)


def earlier_corpora(root: Root, name: str) -> tuple[LastCorpus, ...]:
    """Return the corpora that the next one of a name may be held against.

    Parameters
    ----------
    root : Path, str or Store
    name : str

    Returns
    -------
    tuple of LastCorpus
        That of the current version, and the newest before it that was made of other files: a corpus that is fitted
        again is held against the one before it, as it was the first time. Versions that cannot be read are left out.
    """
    store = open_store(root)
    current = store.current(name)
    found: list[LastCorpus] = []
    for version in reversed(store.versions(name)):
        if current is None or version > current:
            continue
        try:
            report = store.manifest(name, version).corpus
        except PublicationConflict:
            continue
        sources = sorted((source.sha256, source.name) for source in report.sources)
        corpus = LastCorpus(
            sources=tuple(sha256 for sha256, _ in sources),
            names=tuple(called for _, called in sources),
            mean_popularity=report.mean_popularity,
            genres=report.genres,
        )
        if not found:
            found.append(corpus)
        elif corpus.sources != found[0].sources:
            return found[0], corpus
    return tuple(found)


def find_version(root: Root, name: str, key: str) -> str | None:
    """Return the newest whole version that was made from `key`, or None.

    Raises
    ------
    InvalidParameter
        If `name` cannot name a publication.
    """
    store = open_store(root)
    for version in reversed(store.versions(name)):
        if (
            version.endswith(f"-{key[:KEY_DIGITS]}")
            and not store.faults(name, version, thorough=False)
            and store.manifest(name, version).key == key
        ):
            return version
    return None
