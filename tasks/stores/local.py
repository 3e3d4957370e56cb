"""A folder of publications: versions come and go in one rename, and `current` is a symbolic link."""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from schemas.errors import InvalidParameter, PublicationConflict
from schemas.publication import CURRENT, MANIFEST, VERSIONS, checked_name
from tasks.partials import partial_name
from tasks.published import read_manifest
from tasks.storage import WORK, sync
from tasks.stores import store
from tasks.stores.checking import compared, files_of, found
from tasks.stores.holding import locked
from tasks.stores.store import VERSION, Pointer, Press, Store, busy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from schemas.publication import Manifest

LOCK = ".lock"
CHOSEN = ".chosen.json"
_BETWEEN_TRIES = 0.1


class LocalStore(Store):
    """Publications in a folder.

    Parameters
    ----------
    root : Path
        ``<root>/<name>/versions/<version>/`` and ``<root>/<name>/current``.
    """

    distant: ClassVar[bool] = False

    def __init__(self, root: Path) -> None:
        self._shown = root
        self.where = str(root)
        self.root = root.expanduser().absolute()
        self.work, self.beside = self.root / WORK, self.root

    def names(self) -> list[str]:
        """Return the names that something is published under, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(path.name for path in self.root.iterdir() if (path / VERSIONS).is_dir() and _can_name(path.name))

    def versions(self, name: str) -> list[str]:
        """Return the versions of a publication that are there, whole or not, oldest first."""
        folder = self._home(name) / VERSIONS
        if not folder.is_dir():
            return []
        return sorted(entry.name for entry in folder.iterdir() if VERSION.fullmatch(entry.name) and entry.is_dir())

    def pointer(self, name: str) -> Pointer | None:
        """Return what `current` says, even if that version is gone; None where there is no pointer."""
        pointer = self._home(name) / CURRENT
        try:
            target = pointer.readlink()
        except FileNotFoundError:
            return None
        except OSError:
            message = f"{pointer} is not a pointer to a version; move it away, or publish under another name"
            raise PublicationConflict(message) from None
        folder, _, version = target.as_posix().rpartition("/")
        if folder != VERSIONS or not VERSION.fullmatch(version):
            message = f"{pointer} points to {target}, which is no version of ours; remove it and publish again"
            raise PublicationConflict(message)
        return Pointer(version, self._chosen(name, version))

    def exists(self, name: str, version: str) -> bool:
        """Say whether a version is there for readers."""
        return self._version(name, version).is_dir()

    def manifest(self, name: str, version: str) -> Manifest:
        """Read the manifest of a version."""
        return read_manifest(self._version(name, version))

    def faults(self, name: str, version: str, *, thorough: bool = True) -> list[str]:
        """Compare a version with its manifest, file by file; hashes too, whatever `thorough` says."""
        del thorough
        folder = self._version(name, version)
        try:
            manifest = read_manifest(folder)
        except PublicationConflict as error:
            return [str(error)]
        return compared(manifest, version, {name: found(path) for name, path in files_of(folder).items()})

    def folder(self, name: str, version: str, files: Collection[str] | None = None) -> Path:
        """Return the folder of a version."""
        del files  # all of them are here
        folder = self._version(name, version)
        if not folder.is_dir():
            message = f"{self.address(name, version)} is not there any more; encore publications {name} lists what is"
            raise PublicationConflict(message)
        return folder

    def address(self, name: str, version: str = "") -> str:
        """Return where a publication or one of its versions lies, as it may be shown."""
        return str(self._shown / name / VERSIONS / version if version else self._shown / name)

    @contextlib.contextmanager
    def press(self, name: str, patience: float | None = None) -> Iterator[Press]:
        """Keep others from publishing under `name`, and hand out what changes it.

        The operating system drops the lock when its holder dies, so that a killed run blocks nobody.
        """
        home = self._home(name)
        home.mkdir(parents=True, exist_ok=True)
        with (home / LOCK).open("ab") as file:
            give_up = time.monotonic() + (store.PATIENCE if patience is None else patience)
            while True:
                try:
                    # flock rather than lockf: it belongs to this opening of the file, so it holds between threads too.
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= give_up:
                        raise busy(name) from None
                time.sleep(_BETWEEN_TRIES)
            yield LocalPress(home, self.work / "publish")

    def _home(self, name: str) -> Path:
        return self.root / checked_name(name)

    def _version(self, name: str, version: str) -> Path:
        return self._home(name) / VERSIONS / version

    def _chosen(self, name: str, version: str) -> str:
        """Return the newest version there was when a person chose `version`; empty if nobody did."""
        try:
            noted = json.loads((self._home(name) / CHOSEN).read_bytes())
            return str(noted["newest"]) if noted["version"] == version else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""


class LocalPress(Press):
    """What changes a publication in a folder.

    Parameters
    ----------
    folder : Path
        The publication's.
    home : Path
        On the same file system.
    """

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder, self.home = folder, home

    def put(self, staged: Path, version: str) -> None:
        """Add a version, in one rename, once all of it is on the disk."""
        for path in (*staged.rglob("*"), staged):
            sync(path)
        folder = self._folder / VERSIONS / version
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(folder)
        sync(folder.parent)

    def point(self, version: str, newest: str = "") -> None:
        """Have `current` name a version, in one rename."""
        note = self._folder / CHOSEN
        if newest:
            fresh = note.with_suffix(".fresh")
            fresh.write_text(json.dumps({"version": version, "newest": newest}), encoding="utf-8")
            sync(fresh)
            fresh.replace(note)  # first: it says nothing as long as `current` names another version
        pointer = self._folder / f".{CURRENT}"
        pointer.unlink(missing_ok=True)  # left by a run that was killed here
        pointer.symlink_to(Path(VERSIONS, version))
        pointer.replace(self._folder / CURRENT)
        if not newest:
            note.unlink(missing_ok=True)
        sync(self._folder)

    def remove(self, version: str) -> None:
        """Take a version away, in one rename, unless somebody holds it."""
        folder = self._folder / VERSIONS / version
        self.home.mkdir(parents=True, exist_ok=True)
        away = self.home / partial_name(version[-8:])
        with locked(folder / MANIFEST):
            folder.rename(away)
        sync(folder.parent)
        shutil.rmtree(away, ignore_errors=True)


def _can_name(text: str) -> bool:
    try:
        checked_name(text)
    except InvalidParameter:
        return False
    return True
