"""Sources that somebody writes to while they are read. Light: nothing here opens a table."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import CorpusChanging, CorpusRejected
from tasks.ingest.known import stamp
from tasks.storage import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.references import Source


@contextlib.contextmanager
def blamed_on_changes(source: Source, max_unfold: float) -> Iterator[None]:
    """Have a source read here: what goes wrong with one that somebody writes to meanwhile is put down to that.

    That a file is damaged, say, which is only half there. See `check_unchanged`.
    """
    try:
        yield
    except CorpusChanging:
        raise
    except Exception:
        check_unchanged(source, max_unfold)
        raise


def check_unchanged(source: Source, max_unfold: float) -> None:
    """Check that nobody has written to a source, now that it has been read.

    Parameters
    ----------
    source : Source
    max_unfold : float
        How many times its size it may unfold to, if it is compressed.

    Raises
    ------
    CorpusChanging
        If it may not have held, all the while, what it held when it was hashed.
    """
    if not source.stamp:
        return
    try:
        now = tuple(stamp(Path(source.path)))
        if now == source.stamp and source.settled:
            return
        # A file that was written to again may be what it was, and have been half that in between. What only has other
        # names or rights, or another file of the same content in its place, was whole.
        whole = now[:2] == source.stamp[:2]  # size and time of writing
        if whole and _hash(source, max_unfold) == source.sha256:
            return
    except FileNotFoundError:
        pass
    message = (
        f"{source.name} was changed while it was read, and nothing of it was stored: "
        "wait until it is written, then start the same again"
    )
    raise CorpusChanging(message)


def _hash(source: Source, max_unfold: float) -> str:
    """Return the hash of a source as it is now; empty where there is no such member any more."""
    if not source.member:
        return sha256_of(Path(source.path))
    from tasks.ingest.archives import hash_of

    try:
        return hash_of(source, max_unfold)
    except CorpusRejected:
        return ""
