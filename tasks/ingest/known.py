"""What files were found to hold before, so that one that has not been touched since need not be read to know it."""

from __future__ import annotations

import json
import os
import time
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

NOTE = "known.json"
# Clocks of file systems tick in up to two seconds. A file that was written to so shortly before it was read may be
# written to again without a later time to show for it.
_SETTLED = 2_000_000_000


class KnownFiles:
    """Hashes of files by path, believed for as long as size, times and inode are what they were.

    A write sets a file's time of change, which no program sets at will. So an entry is believed if the file had been
    left alone for two seconds when it was read, and has the same time of change now.

    Parameters
    ----------
    folder : Path, optional
        Where the note lies. Without it nothing is known.
    anew : bool
        Believe nothing, and note what is found.
    """

    def __init__(self, folder: Path | None, *, anew: bool = False) -> None:
        self._note = folder / NOTE if folder else None
        self._entries = _read(self._note) if self._note else {}
        self._believes = not anew
        self._changed = False

    def find(self, path: Path) -> tuple[str, bool] | None:
        """Return the hash of a file and whether it is UTF-8 text, where it is known to be as it was."""
        entry = self._entries.get(str(path))
        if not self._believes or entry is None or entry.get("stamp") != stamp(path):
            return None
        return str(entry["sha256"]), bool(entry["utf8"])

    def add(self, path: Path, before: list[int], began: int, found: tuple[str, bool]) -> None:
        """Note what was found of a file.

        Parameters
        ----------
        path : Path
        before : list of int
            Its stamp before it was read.
        began : int
            The time then, in nanoseconds.
        found : (str, bool)
        """
        if settled(before, began) and stamp(path) == before:
            self._entries[str(path)] = {"stamp": before, "sha256": found[0], "utf8": found[1]}
            self._changed = True
        elif self._entries.pop(str(path), None):
            self._changed = True

    def save(self) -> None:
        """Write the note if there is news, without the files that are gone."""
        if self._note is None or not self._changed:
            return
        kept = {path: entry for path, entry in self._entries.items() if os.path.exists(path)}  # noqa: PTH110 - may be thousands
        self._note.parent.mkdir(parents=True, exist_ok=True)
        partial = self._note.with_name(f".partial-{os.getpid()}-{uuid.uuid4().hex[:8]}")
        try:
            partial.write_text(json.dumps(kept), encoding="utf-8")
            partial.replace(self._note)
        finally:
            partial.unlink(missing_ok=True)
        self._changed = False


def stamp(path: Path) -> list[int]:
    """Return what changes when a file does: size, times of writing and of change, inode and device."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev]


def settled(found: list[int], when: int) -> bool:
    """Say whether a file with a stamp had been left alone for long enough, at a time, for a later change to show."""
    return max(found[1:3]) + _SETTLED < when


def now() -> int:
    """Return the time in nanoseconds, as files have it."""
    return time.time_ns()


def _read(note: Path) -> dict[str, Any]:
    try:
        entries = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    whole = {"stamp", "sha256", "utf8"}
    if not isinstance(entries, dict):
        return {}
    return {path: entry for path, entry in entries.items() if isinstance(entry, dict) and whole <= set(entry)}
