"""Readers hold what they read: a version that is held is not pruned."""

from __future__ import annotations

import contextlib
import fcntl
import os
import weakref
from typing import TYPE_CHECKING

from schemas.publication import MANIFEST
from tasks.stores.store import InUse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Hold:
    """A version in a folder that is being read, until this is released or forgotten.

    The operating system lets go when the process ends. Where it cannot lock, nothing is held.

    Parameters
    ----------
    folder : Path
        A version.

    Raises
    ------
    FileNotFoundError
        If it is not there, or not any more.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / MANIFEST
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.release = weakref.finalize(self, os.close, descriptor)
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        # Whoever removes it holds the lock for that: it may have gone while we waited.
        try:
            there = os.path.samestat(os.fstat(descriptor), path.stat())
        except FileNotFoundError:
            there = False
        if not there:
            self.release()
            raise FileNotFoundError(path)


@contextlib.contextmanager
def locked(manifest: Path) -> Iterator[None]:
    """Keep readers from taking hold of a version.

    Raises
    ------
    InUse
        If somebody has.
    """
    try:
        descriptor = os.open(manifest, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # nothing that anybody could read
        yield
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(str(manifest)) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)
