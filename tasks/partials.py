"""Folders that are half-written, or on their way out: named after the process that is at them, and swept after it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PARTIAL = ".partial-"


def partial_name(key: str) -> str:
    """Return a name for a folder that is half-written or on its way out: it tells whose it is, for `sweep`."""
    return f"{_PARTIAL}{key[:8]}-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def is_partial(folder: Path) -> bool:
    """Say whether a folder is half-written, or on its way out."""
    return folder.name.startswith(_PARTIAL)


def sweep(home: Path) -> None:
    """Remove what killed processes of this machine left half-written under `home`."""
    for partial in home.glob(f"{_PARTIAL}*"):
        if _owner_lives(partial) is False:
            shutil.rmtree(partial, ignore_errors=True)


def is_being_written(partial: Path) -> bool:
    """Say whether a process of this machine is at a half-written folder."""
    return _owner_lives(partial) is True


def set_aside(folder: Path) -> Path | None:
    """Rename a folder so that nobody finds it any more; None if it is gone already."""
    away = folder.with_name(partial_name(folder.name))
    with contextlib.suppress(FileNotFoundError):
        return folder.rename(away)
    return None


def is_alive(process: int) -> bool:
    """Say whether a process of this machine runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _owner_lives(partial: Path) -> bool | None:
    """Say whether the process lives that a half-written folder is named after; None if it is of another machine."""
    host, _, process = partial.name.removeprefix(_PARTIAL).partition("-")[2].rpartition("-")[0].rpartition("-")
    return is_alive(int(process)) if host == socket.gethostname() and process.isdigit() else None
