"""From the inputs of an ingest to what is in it, opened. Light: nothing here opens a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import CorruptStep
from tasks.progress import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from schemas.references import Reference
    from tasks.storage import Shared, Storage


def opened(
    storage: Storage, key: str, build: Callable[[Path], Shared], *, force: bool = False
) -> tuple[Reference, Path]:
    """Return the ingest under `key`, building it if it is not there, and the folder where it lies.

    What was found of a source is believed to be as it was written (`incremental`), which shows where the result is
    read. If it was not, it is not believed a second time.

    Raises
    ------
    CorruptStep
        If the second is damaged too.
    """
    try:
        reference = storage.run("ingest", key, build, force=force)
        return reference, storage.open(reference)
    except CorruptStep as error:
        LOGGER.warning("%-7s %s: it is made again", "ingest", error)
        reference = storage.run("ingest", key, build, force=force)
        return reference, storage.open(reference)
