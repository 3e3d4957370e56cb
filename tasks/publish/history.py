"""What has been published under a name over time, and moving the pointer, or taking versions away, by hand."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import InvalidParameter, PublicationConflict
from schemas.publication import checked_name
from tasks.stores.choosing import resolved
from tasks.stores.store import InUse

if TYPE_CHECKING:
    from schemas.publication import Manifest
    from tasks.stores import Store


@dataclass(frozen=True)
class Row:
    """A version of a publication.

    Parameters
    ----------
    name, version : str
    manifest : Manifest, optional
        None where it cannot be read.
    current : bool
        Whether readers see it.
    size : int
        Of its files, in bytes.
    """

    name: str
    version: str
    manifest: Manifest | None
    current: bool
    size: int


def rows_of(store: Store, name: str) -> list[Row]:
    """Return the versions of a publication, the newest first.

    Raises
    ------
    PublicationConflict
        If there is none.
    """
    versions, pointer = store.versions(name), store.pointer(name)
    if not versions:
        raise PublicationConflict(store.nothing(name))
    rows = []
    for version in reversed(versions):
        manifest = None
        with suppress(PublicationConflict):
            manifest = store.manifest(name, version)
        size = sum(file.size for file in manifest.files.values()) if manifest else 0
        rows.append(Row(name, version, manifest, pointer is not None and version == pointer.version, size))
    return rows


def promote(store: Store, name: str, text: str) -> tuple[str, str | None]:
    """Have `current` name a version that is whole; nothing else changes.

    Parameters
    ----------
    store : Store
    name : str
    text : str
        As for `resolved`.

    Returns
    -------
    version, before : str, str or None
        What is current now, and what was.

    Raises
    ------
    PublicationConflict
        If it is not there or damaged, or somebody else publishes.
    """
    checked_name(name)
    resolved(store, name, text)  # a mistake is told before anybody is waited for
    with store.press(name) as press:
        version = resolved(store, name, text)
        before = store.pointer(name)
        faults = store.faults(name, version)
        if faults:
            message = f"{name} {version} is damaged ({'; '.join(faults[:3])}); 'current' has not moved"
            raise PublicationConflict(message)
        newest = store.versions(name)[-1]
        if before is None or (before.version, before.newest) != (version, newest):
            press.point(version, newest)
    return version, before.version if before else None


@dataclass(frozen=True)
class Pruned:
    """What was taken away, or would be.

    Parameters
    ----------
    removed : tuple of Row
    held : tuple of Row
        Left, for somebody reads them or may.
    kept : int
    """

    removed: tuple[Row, ...]
    held: tuple[Row, ...]
    kept: int

    @property
    def freed(self) -> int:
        """How much they took, in bytes."""
        return sum(row.size for row in self.removed)


def prune(store: Store, name: str, keep: int, *, dry_run: bool = False) -> Pruned:
    """Take away all but the newest versions; never the current one, nor one that is being read or published.

    Parameters
    ----------
    store : Store
    name : str
    keep : int
        How many of the newest are kept; the current one is besides, if it is older.
    dry_run : bool
        Only say which would go.

    Raises
    ------
    PublicationConflict
        If nothing is published under `name`, or somebody else publishes.
    """
    if keep < 1:
        message = f"--keep {keep}: keep at least 1 version"
        raise InvalidParameter(message)
    if dry_run:
        rows = rows_of(store, name)
        gone = tuple(row for row in rows[keep:] if not row.current)
        return Pruned(gone, (), len(rows) - len(gone))
    if not store.versions(name):
        raise PublicationConflict(store.nothing(name))
    with store.press(name) as press:
        rows = rows_of(store, name)
        removed, held = [], []
        for row in rows[keep:]:
            if row.current:
                continue
            try:
                press.remove(row.version)
                removed.append(row)
            except InUse:
                held.append(row)
    return Pruned(tuple(removed), tuple(held), len(rows) - len(removed))
