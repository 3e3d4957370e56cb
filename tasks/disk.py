"""A disk that is full: how to tell it from other trouble, and the sentence for it.

Libraries say it in ways of their own, and not always as an error that has a number.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import NoRoom
from schemas.versions import STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NUMBERS = {errno.ENOSPC, errno.EDQUOT}
# The system's words; SQLite's, which Prefect's server and Great Expectations may pass on.
_WORDS = ("no space left on device", "disk quota exceeded", "database or disk is full")
_DEEPEST = 20
_TASKS = Path(__file__).parent


def is_full(error: BaseException) -> bool:
    """Say whether an error is, or came of, a disk or a quota that has no room left."""
    return any(
        (isinstance(one, OSError) and one.errno in _NUMBERS) or any(word in str(one).lower() for word in _WORDS)
        for one in _chain(error)
    )


def no_room(error: BaseException, places: Sequence[Path]) -> NoRoom:
    """Return the sentence for an error that `is_full`.

    Parameters
    ----------
    error : BaseException
    places : sequence of Path
        Folders that were written to; the folder for temporary files is one too.

    Returns
    -------
    NoRoom
        Which names the step, if it happened in one, and the fullest of the disks.
    """
    free = {place: _free(place) for place in (*places, Path(tempfile.gettempdir()))}
    fullest = min(free, key=lambda place: free[place])
    step = _step(error)
    return NoRoom(
        f"the disk was full{f' while {step} was at work' if step else ''}: {fullest} has {free[fullest] / 1e6:,.1f} MB "
        "free now that what was half-written is gone; make room there or choose another folder, and start the same "
        "again: what is done is kept"
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    for _ in range(_DEEPEST):
        if following is None:
            return
        yield following
        following = following.__cause__ or following.__context__


def _step(error: BaseException) -> str:
    """Return the step whose code an error came through; empty if none."""
    for one in _chain(error):
        for frame in traceback.extract_tb(one.__traceback__):
            path = Path(frame.filename)
            if path.is_relative_to(_TASKS) and (step := path.relative_to(_TASKS).parts[0]) in STEPS:
                return step
    return ""


def _free(place: Path) -> int:
    for folder in (place, *place.parents):
        if folder.is_dir():
            return shutil.disk_usage(folder).free
    return 0
