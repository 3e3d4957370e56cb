"""Taking away what steps left and nobody has used for long: it is made again when it is needed.

Whoever uses a result marks it as used (`tasks.storage`). So what a run works with right now is never old, on whichever
machine it runs, and nothing has to be locked.
"""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.partials import is_being_written, is_partial, set_aside, sweep
from tasks.storage import CONTENTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DAY = 86_400.0
_PLACES = "places"


@dataclass(frozen=True)
class Leftover:
    """Something that nobody has used for long: where it lies, when it was used last, and its size in bytes.

    A file that several results share counts for the last of them.
    """

    path: Path
    used: float
    size: int


def tidy(work: Path, days: float, *, dry_run: bool = False) -> list[Leftover]:
    """Take away what has not been used for some days.

    Parameters
    ----------
    work : Path
        Where steps leave their results.
    days : float
        At least 1: a run takes minutes, or hours where it samples track by track.
    dry_run : bool
        Only say what would go.

    Returns
    -------
    list of Leftover
        What went, the longest unused first.
    """
    before = time.time() - days * _DAY
    gone: list[Leftover] = []
    links: dict[int, int] = {}
    for path, used in sorted(_candidates(work, before), key=lambda one: one[1]):
        size = _size(path, links)
        if not dry_run and not _removed(path, before):
            continue
        gone.append(Leftover(path, used, size))
    if not dry_run and work.is_dir():
        for step in work.iterdir():
            if step.is_dir():
                sweep(step)
    return gone


def _candidates(work: Path, before: float) -> Iterator[tuple[Path, float]]:
    """Yield results, half-written folders and fetched files that were last used too long ago."""
    if not work.is_dir():
        return
    for step in work.iterdir():
        if not step.is_dir():
            continue
        for path in step.iterdir():
            if step.name == _PLACES:
                mark = path
            elif is_partial(path):  # of a killed run, on this machine or another
                if is_being_written(path):
                    continue
                mark = path
            else:
                mark = path / CONTENTS
            with suppress(FileNotFoundError, NotADirectoryError):
                used = mark.stat().st_mtime
                if used < before:
                    yield path, used


def _removed(path: Path, before: float) -> bool:
    """Take a path away, unless it has been used meanwhile."""
    with suppress(FileNotFoundError):
        if path.is_dir() and not is_partial(path):
            away = set_aside(path)
            if away is None:
                return False
            if (away / CONTENTS).stat().st_mtime >= before:  # used between our two looks: put back
                away.rename(path)
                return False
            shutil.rmtree(away, ignore_errors=True)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
        return True
    return False


def _size(path: Path, links: dict[int, int]) -> int:
    """Return how many bytes go with a path; `links` counts the names of shared files that went before."""
    total = 0
    for file in [path] if path.is_file() else path.rglob("*"):
        with suppress(FileNotFoundError):
            found = file.lstat()
            if file.is_dir() and not file.is_symlink():
                continue
            links[found.st_ino] = links.get(found.st_ino, 0) + 1
            if links[found.st_ino] == found.st_nlink or found.st_nlink == 1:
                total += found.st_size
    return total
