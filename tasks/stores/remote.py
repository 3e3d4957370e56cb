"""Publications in an object store: no rename and no link there, so a version is there once its manifest is.

Files are sent first and the manifest last; a version without one does not exist for readers. `current` is a small JSON
object, replaced last. What is read is fetched once into a folder on this machine and compared with the manifest.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import uuid
from typing import TYPE_CHECKING, ClassVar, Self

from schemas.errors import InvalidParameter, PublicationConflict, StoreUnreachable
from schemas.publication import MANIFEST, POINTER, VERSIONS, checked_name
from tasks.published import parse_manifest
from tasks.stores import store
from tasks.stores.checking import Found, compared, files_of
from tasks.stores.claims import Claim
from tasks.stores.mirror import Mirror
from tasks.stores.objects import Objects, Taken
from tasks.stores.store import VERSION, InUse, Pointer, Press, Store, busy, now

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from schemas.publication import Manifest

# Nobody sees who reads an object: what was current so lately may still be read.
GRACE = 3600.0  # seconds
_AGAIN = (0.1, 0.3)


class RemoteStore(Store):
    """Publications under an address that fsspec opens.

    Parameters
    ----------
    objects : Objects
    cache : Path
        Folder on this machine for what is fetched and for what steps leave.
    """

    distant: ClassVar[bool] = True

    def __init__(self, objects: Objects, cache: Path) -> None:
        self.where, self._objects = objects.where, objects
        own = hashlib.sha256(objects.where.encode()).hexdigest()[:16]
        self.work, self.beside = cache / "work", cache / "beside" / own
        self._mirror = Mirror(cache / "publications" / own, objects)

    @classmethod
    def at(cls, address: str, cache: Path) -> Self:
        """Open an address.

        Raises
        ------
        InvalidParameter
            If nothing here does.
        """
        return cls(Objects.at(address), cache)

    def names(self) -> list[str]:
        """Return the names that something is published under, sorted."""
        found = []
        for name in self._objects.folders():
            with contextlib.suppress(InvalidParameter):
                found.append(checked_name(name))
        return found

    def versions(self, name: str) -> list[str]:
        """Return the versions that are there: those with a manifest, oldest first."""
        return [version for version in self.begun(name) if self.exists(name, version)]

    def begun(self, name: str) -> list[str]:
        """Return the versions of which anything is there, whole or not, oldest first."""
        return [each for each in self._objects.folders(f"{checked_name(name)}/{VERSIONS}") if VERSION.fullmatch(each)]

    def pointer(self, name: str) -> Pointer | None:
        """Return what `current` says, even if that version is gone; None where there is no pointer."""
        said = self.said(name)
        return None if said is None else Pointer(said["version"], said["newest"])

    def said(self, name: str) -> dict[str, str] | None:
        """Return what stands in the pointer: ``version``, ``newest``, ``before`` and ``moved``; None if there is none.

        Raises
        ------
        PublicationConflict
            If it is not a pointer of ours.
        """
        path = f"{checked_name(name)}/{POINTER}"
        for delay in (*_AGAIN, None):
            try:
                said = json.loads(self._objects.read(path))
                read = {key: str(said.get(key, "")) for key in ("version", "newest", "before", "moved")}
            except FileNotFoundError:
                return None
            except (ValueError, AttributeError):
                read = {"version": ""}
            if VERSION.fullmatch(read["version"]):
                return read
            if delay is not None:  # a store that does not replace an object at once may be at it
                time.sleep(delay)
        message = f"{self.where}/{path} is not a pointer to a version; move it away, or publish under another name"
        raise PublicationConflict(message)

    def exists(self, name: str, version: str) -> bool:
        """Say whether a version is there for readers: whether it has a manifest."""
        return self._objects.size(f"{_key(name, version)}/{MANIFEST}") is not None

    def manifest(self, name: str, version: str) -> Manifest:
        """Read the manifest of a version."""
        place = self.address(name, version)
        try:
            text = self._objects.read(f"{_key(name, version)}/{MANIFEST}")
        except FileNotFoundError:
            message = f"{place} is not there, or not whole; encore publications {name} lists what is"
            raise PublicationConflict(message) from None
        return parse_manifest(text, f"{place}/{MANIFEST}")

    def faults(self, name: str, version: str, *, thorough: bool = True) -> list[str]:
        """Compare a version with its manifest; unless `thorough`, by the sizes that the store lists."""
        try:
            manifest = self.manifest(name, version)
        except PublicationConflict as error:
            return [str(error)]
        key = _key(name, version)
        there = {
            path: Found(int(info["size"]), lambda path=path: self._objects.hashed(f"{key}/{path}"))  # type: ignore[misc]
            for path, info in self._objects.under(key).items()
            if path != MANIFEST
        }
        return compared(manifest, version, there, hashes=thorough)

    def folder(self, name: str, version: str, files: Collection[str] | None = None) -> Path:
        """Return a folder of copies of files of a version, each compared with the manifest."""
        manifest = self.manifest(name, version)
        return self._mirror.folder(_key(name, version), manifest, files)

    def address(self, name: str, version: str = "") -> str:
        """Return where a publication or one of its versions lies, as it may be shown."""
        return f"{self.where}/{_key(name, version) if version else name}"

    @contextlib.contextmanager
    def press(self, name: str, patience: float | None = None) -> Iterator[Press]:
        """Keep others from publishing under `name`, and hand out what changes it."""
        checked_name(name)
        claim = Claim(self._objects, name, store.PATIENCE if patience is None else patience)
        try:
            yield RemotePress(self, self._objects, name, claim)
        finally:
            claim.release()


class RemotePress(Press):
    """What changes a publication in an object store, for whoever has the claim.

    Parameters
    ----------
    there : RemoteStore
    objects : Objects
    name : str
    claim : Claim
    """

    def __init__(self, there: RemoteStore, objects: Objects, name: str, claim: Claim) -> None:
        self._store, self._objects, self._name, self._claim = there, objects, name, claim
        self.home = there.work / "publish"
        self._seen, self._tag = self._state()

    def put(self, staged: Path, version: str) -> None:
        """Add a version: its files, and its manifest when all of them have arrived."""
        self._sweep()
        key = _key(self._name, version)
        files = files_of(staged)
        for path, file in sorted(files.items()):
            self._objects.send(file, f"{key}/{path}")
        arrived = {path: int(info["size"]) for path, info in self._objects.under(key).items()}
        if arrived != {path: file.stat().st_size for path, file in files.items()}:
            message = f"{self._store.address(self._name, version)} does not hold what was sent there: try again"
            raise StoreUnreachable(message)
        self._claim.check()
        try:
            self._objects.write(f"{key}/{MANIFEST}", (staged / MANIFEST).read_bytes(), new=True)
        except Taken:
            raise busy(self._name) from None

    def point(self, version: str, newest: str = "") -> None:
        """Have `current` name a version, by replacing a small object, if it is still the one that was there before."""
        self._claim.check()
        before = self._store.said(self._name)
        said = {
            "version": version,
            "newest": newest,
            "before": before["version"] if before else "",
            "moved": now().isoformat(timespec="seconds"),
            "mark": uuid.uuid4().hex,
        }
        path = f"{self._name}/{POINTER}"
        content = (json.dumps(said, indent=1) + "\n").encode()
        try:
            if before is None:
                self._objects.write(path, content, new=True)
            elif self._state()[0] != self._seen:
                raise busy(self._name)
            else:
                self._objects.write(path, content, tag=self._tag)
        except Taken:
            raise busy(self._name) from None
        self._seen, self._tag = self._state()

    def remove(self, version: str) -> None:
        """Take a version away: its manifest first, so that it is gone for readers before it is in parts."""
        said = self._store.said(self._name)
        if said and version == said["before"] and said["moved"]:
            from datetime import datetime

            if (now() - datetime.fromisoformat(said["moved"])).total_seconds() < GRACE:
                raise InUse(version)
        self._claim.check()
        key = _key(self._name, version)
        self._objects.remove([f"{key}/{MANIFEST}"])
        self._objects.remove([f"{key}/{path}" for path in self._objects.under(key)])

    def _sweep(self) -> None:
        """Remove what publishers left that were killed before they wrote a manifest; nobody else is at it now."""
        for version in self._store.begun(self._name):
            if not self._store.exists(self._name, version):
                key = _key(self._name, version)
                self._objects.remove([f"{key}/{path}" for path in self._objects.under(key)])

    def _state(self) -> tuple[bytes, str]:
        """Return the pointer as it lies there, and what tells that state of it from others."""
        path = f"{self._name}/{POINTER}"
        with contextlib.suppress(FileNotFoundError):
            tag = self._objects.tag(path)  # first: if it moves in between, the tag is too old, and not the content
            return self._objects.read(path), tag
        return b"", ""


def _key(name: str, version: str) -> str:
    return f"{checked_name(name)}/{VERSIONS}/{version}"
