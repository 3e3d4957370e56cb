"""What every store can do, whatever holds its files."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from schemas.errors import PublicationConflict

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractContextManager
    from pathlib import Path

    from schemas.publication import Manifest

type Root = "str | Path | Store"

VERSION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}")
KEY_DIGITS = 12
PATIENCE = 30.0  # seconds
_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Pointer:
    """What `current` says.

    Parameters
    ----------
    version : str
    newest : str
        Where a person chose the version with ``encore promote``: the newest version there was then. What is published
        again up to that one does not take the choice back. Empty where a run moved the pointer.
    """

    version: str
    newest: str = ""


class InUse(Exception):
    """A version cannot be removed: somebody reads it."""


class Store(ABC):
    """Publications by name, their versions, and the pointer to one of them."""

    #: Where it is, as it may be shown: without what is secret in it.
    where: str
    #: Folder on this machine where steps leave their results, unless the user names another.
    work: Path
    #: Folder on this machine for what belongs to publications and is none: evaluations and rejected corpora, by name.
    beside: Path
    #: Whether verifying a version means fetching all of it.
    distant: ClassVar[bool]

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names that something is published under, sorted."""

    @abstractmethod
    def versions(self, name: str) -> list[str]:
        """Return the versions of a publication that are there, oldest first.

        Raises
        ------
        InvalidParameter
            If `name` cannot name a publication.
        """

    @abstractmethod
    def pointer(self, name: str) -> Pointer | None:
        """Return what `current` says, even if that version is gone; None where there is no pointer.

        Raises
        ------
        InvalidParameter
            If `name` cannot name a publication.
        PublicationConflict
            If `current` is there but is not a pointer of ours.
        """

    @abstractmethod
    def exists(self, name: str, version: str) -> bool:
        """Say whether a version is there for readers."""

    @abstractmethod
    def manifest(self, name: str, version: str) -> Manifest:
        """Read the manifest of a version.

        Raises
        ------
        PublicationConflict
            If there is none, or it is not a manifest.
        """

    @abstractmethod
    def faults(self, name: str, version: str, *, thorough: bool = True) -> list[str]:
        """Compare a version with its manifest, file by file.

        Parameters
        ----------
        name, version : str
        thorough : bool
            Compare hashes even where every file has to be fetched for it; else, there, sizes alone.

        Returns
        -------
        list of str
            A sentence on each thing that is wrong; empty if it is whole.
        """

    @abstractmethod
    def folder(self, name: str, version: str, files: Collection[str] | None = None) -> Path:
        """Return a folder on this machine that has files of a version.

        Parameters
        ----------
        name, version : str
        files : collection of str, optional
            Which are wanted besides the manifest: paths in the version, or folders of it; all unless given.

        Returns
        -------
        Path
            Named after the version. Nobody may write there.

        Raises
        ------
        PublicationConflict
            If the version is not there, or what was fetched is not what was published.
        """

    @abstractmethod
    def address(self, name: str, version: str = "") -> str:
        """Return where a publication or one of its versions lies, as it may be shown."""

    @abstractmethod
    def press(self, name: str, patience: float | None = None) -> AbstractContextManager[Press]:
        """Keep others from publishing under `name`, and hand out what changes it.

        Parameters
        ----------
        name : str
        patience : float, optional
            Seconds to wait for another; `PATIENCE` unless given.

        Raises
        ------
        PublicationConflict
            If somebody else still publishes after that.
        """

    def current(self, name: str) -> str | None:
        """Return the version that readers see; None before the first, and where it is gone."""
        pointer = self.pointer(name)
        return pointer.version if pointer and self.exists(name, pointer.version) else None

    def current_folder(self, name: str, files: Collection[str] | None = None) -> Path:
        """Return a folder on this machine with files of the current version; see `folder`.

        Raises
        ------
        PublicationConflict
            If nothing is published under `name`.
        """
        version = self.current(name)
        if version is None:
            raise PublicationConflict(self.nothing(name))
        return self.folder(name, version, files)

    def nothing(self, name: str) -> str:
        """Return a sentence for who asks for a publication that is not there."""
        import difflib

        names = self.names()
        if name in names:
            return f"{name} in {self.where} has no current version; choose one with encore promote, or publish again"
        close = difflib.get_close_matches(name, names, 3, 0.6)
        also = f"; there is {', '.join(close)}" if close else ""
        return f"there is no publication {name} in {self.where}{also}; make one with encore refit"


class Press(ABC):
    """What changes a publication, for whoever alone may do so right now."""

    #: Folder on this machine, on which `put` is cheap, for what is being written.
    home: Path

    @abstractmethod
    def put(self, staged: Path, version: str) -> None:
        """Add a version: readers see all of it or nothing."""

    @abstractmethod
    def point(self, version: str, newest: str = "") -> None:
        """Have `current` name a version: readers see the one before or this one, never neither. See `Pointer`."""

    @abstractmethod
    def remove(self, version: str) -> None:
        """Take a version away.

        Raises
        ------
        InUse
            If somebody reads it.
        """


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def next_version(store: Store, name: str, key: str) -> str:
    """Return a name for a new version: the time and the start of its key.

    It sorts after every version there is, even if the clock went backwards.
    """
    moment = now().replace(microsecond=0)
    pointer = store.pointer(name)
    newest = max([*store.versions(name), pointer.version if pointer else ""])
    if newest:
        moment = max(moment, moment_of(newest) + timedelta(seconds=1))
    return f"{moment.strftime(_TIME)}-{key[:KEY_DIGITS]}"


def moment_of(version: str) -> datetime:
    """Return when a version was made, by its name."""
    return datetime.strptime(version.partition("-")[0], _TIME).replace(tzinfo=UTC)


def busy(name: str) -> PublicationConflict:
    """Return what to raise where somebody else publishes."""
    return PublicationConflict(
        f"another run is publishing {name!r}; wait until it has finished, then run this one again"
    )
