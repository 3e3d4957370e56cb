"""Writing publications: one publisher at a time, a new version's name, and the pointer that moves last."""

from __future__ import annotations

import contextlib
import fcntl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import PublicationConflict
from schemas.publication import CURRENT, VERSIONS
from tasks.publish.store import KEY_DIGITS, pointed_to, versions
from tasks.storage import sync

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = ".lock"
PATIENCE = 30.0  # seconds
_TIME = "%Y%m%dT%H%M%SZ"
_BETWEEN_TRIES = 0.1


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


@contextlib.contextmanager
def only_publisher(root: Path, name: str) -> Iterator[None]:
    """Keep other processes, and other threads, from publishing under `name`.

    The operating system drops the lock when its holder dies, so that a killed run blocks nobody.

    Raises
    ------
    PublicationConflict
        If somebody else still holds it after `PATIENCE` seconds.
    """
    home = root / name
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK).open("ab") as file:
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                # flock rather than lockf: it belongs to this opening of the file, so it holds between threads too.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    message = f"another run is publishing {name!r}; wait until it has finished, then run this one again"
                    raise PublicationConflict(message) from None
            time.sleep(_BETWEEN_TRIES)
        yield


def next_version(root: Path, name: str, key: str) -> str:
    """Return a name for a new version: the time and the start of its key.

    It sorts after every version there is, even if the clock went backwards.
    """
    moment = now().replace(microsecond=0)
    newest = max([*versions(root, name), pointed_to(root, name) or ""])
    if newest:
        last = datetime.strptime(newest.partition("-")[0], _TIME).replace(tzinfo=UTC)
        moment = max(moment, last + timedelta(seconds=1))
    return f"{moment.strftime(_TIME)}-{key[:KEY_DIGITS]}"


def settle(staged: Path, root: Path, name: str, version: str) -> Path:
    """Put a finished folder among the versions, in one rename, once all of it is on the disk."""
    for path in (*staged.rglob("*"), staged):
        sync(path)
    folder = root / name / VERSIONS / version
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged.rename(folder)
    sync(folder.parent)
    return folder


def point(root: Path, name: str, version: str) -> None:
    """Have `current` name `version`: readers see the old version or the new one, never neither.

    Only for whoever holds the lock.
    """
    home = root / name
    fresh = home / f".{CURRENT}"
    fresh.unlink(missing_ok=True)  # left by a run that was killed here
    fresh.symlink_to(Path(VERSIONS, version))
    fresh.replace(home / CURRENT)
    sync(home)
