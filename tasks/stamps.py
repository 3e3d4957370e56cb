"""Stamps of files whose content is known, so that one that has not been touched since need not be read to know it.

They tell what was written to from what was not. What changes on a disk by itself has no stamp, so only files are
believed that somebody reads in full later on, and what is found wrong there is not believed again.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

STAMPS = "_stamps.json"
_STEP = 10_000_000_000  # in nanoseconds: clocks of file systems tick in up to two seconds

Stamp = list[int]


def stamps_of(folder: Path, inside: str, names: Iterable[str]) -> dict[str, Stamp]:
    """Return the stamps of files: size, time of writing, inode and device.

    The time of change is not in it: a further hard link to a file sets that.

    Parameters
    ----------
    folder : Path
    inside : str
        A folder in it: only of what lies there.
    names : iterable of str
        Paths in `folder`.

    Returns
    -------
    dict of str to list of int
        By path in `folder`.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    """
    found = {name: (folder / name).stat() for name in names if name.startswith(f"{inside}/")}
    return {name: [one.st_size, one.st_mtime_ns, one.st_ino, one.st_dev] for name, one in found.items()}


def note(folder: Path, stamps: Mapping[str, Stamp]) -> None:
    """Write down the stamps of files that are known to hold what they should."""
    partial = folder / f"{STAMPS}-{uuid.uuid4().hex[:8]}"
    try:
        partial.write_text(json.dumps(stamps, indent=1, sort_keys=True), encoding="utf-8")
        partial.replace(folder / STAMPS)
    finally:
        partial.unlink(missing_ok=True)


def untouched(folder: Path, stamps: Mapping[str, Stamp]) -> set[str]:
    """Return which files have the stamps that were written down."""
    try:
        noted = json.loads((folder / STAMPS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return {name for name, one in stamps.items() if noted.get(name) == one} if isinstance(noted, dict) else set()


def distrust(file: Path) -> None:
    """Give a file, by whichever of its names, another stamp, so that it is read when it is next asked about."""
    with contextlib.suppress(OSError):  # one that is gone, or a disk that may only be read, where nothing is made anew
        found = file.stat()
        os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns - _STEP))
