"""From the inputs of an ingest to what is in it, as it was written. Light: nothing here opens a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import CorruptStep
from tasks.progress import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from schemas.references import Reference
    from tasks.storage import Shared, Storage


def made(storage: Storage, key: str, build: Callable[[Path], Shared], *, force: bool = False) -> Reference:
    """Return the ingest under `key`, building it if it is not there.

    Partitions of sources that were read before are believed to be as they were written (`incremental`). Where it shows
    at once that one is not, it is not believed a second time.

    Raises
    ------
    CorruptStep
        If the second is damaged too.
    """
    return _again_if_damaged(lambda: storage.run("ingest", key, build, force=force))


def read_whole[T](ingest: Callable[[], Reference], read: Callable[[Reference], T]) -> tuple[Reference, T]:
    """Return an ingest, and what is made of it by who opens it first; both once more where it turns out to be damaged.

    To open it, all of it is read and held against its hashes.

    Parameters
    ----------
    ingest : callable
        Returns it, as `made` does.
    read : callable
        Opens it, and returns something.

    Raises
    ------
    CorruptStep
        If the second is damaged too.
    """

    def both() -> tuple[Reference, T]:
        reference = ingest()
        return reference, read(reference)

    return _again_if_damaged(both)


def _again_if_damaged[T](make: Callable[[], T]) -> T:
    """Return what is made, in a second attempt if the first meets what is damaged: that is not believed any more."""
    try:
        return make()
    except CorruptStep as error:
        LOGGER.warning("%-7s %s: it is made again", "ingest", error)
        return make()
