"""Reading publications: which versions there are, which is current, and whether one is whole.

Light enough for the command line to import before it knows whether there is any work to do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schemas.errors import PublicationConflict
from schemas.publication import CURRENT, MANIFEST, VERSIONS, checked_name
from schemas.reports import LastCorpus
from tasks.published import read_manifest
from tasks.storage import sha256_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "KEY_DIGITS",
    "current_version",
    "earlier_corpora",
    "files_of",
    "find_version",
    "pointed_to",
    "read_manifest",
    "verify",
    "versions",
]

_VERSION = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{12}$")
KEY_DIGITS = 12


def versions(root: Path, name: str) -> list[str]:
    """Return the versions of a publication that are on disk, whole or not, oldest first."""
    folder = root / checked_name(name) / VERSIONS
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if _VERSION.match(entry.name) and entry.is_dir())


def pointed_to(root: Path, name: str) -> str | None:
    """Return the version that `current` names, even if its folder is gone; None where there is no pointer.

    Raises
    ------
    PublicationConflict
        If `current` is there but is not a pointer of ours.
    """
    pointer = root / checked_name(name) / CURRENT
    if not pointer.is_symlink():
        if pointer.exists():
            message = f"{pointer} is not a pointer to a version; move it away, or publish under another name"
            raise PublicationConflict(message)
        return None
    folder, _, version = pointer.readlink().as_posix().rpartition("/")
    if folder != VERSIONS or not _VERSION.match(version):
        message = f"{pointer} points to {pointer.readlink()}, which is no version of ours; remove it and publish again"
        raise PublicationConflict(message)
    return version


def current_version(root: Path, name: str) -> str | None:
    """Return the version that readers of a publication see.

    Parameters
    ----------
    root : Path
        Folder of all publications.
    name : str
        The publication.

    Returns
    -------
    str or None
        Such as ``20261122T160501Z-0123456789ab``. None before the first, and where the folder pointed to is gone.

    Raises
    ------
    InvalidParameter
        If `name` cannot name a publication.
    PublicationConflict
        If `current` is not a pointer of ours.
    """
    version = pointed_to(root, name)
    return version if version and (root / name / VERSIONS / version).is_dir() else None


def earlier_corpora(root: Path, name: str) -> tuple[LastCorpus, ...]:
    """Return the corpora that the next one of a name may be held against.

    Parameters
    ----------
    root : Path
    name : str

    Returns
    -------
    tuple of LastCorpus
        That of the current version, and the newest before it that was made of other files: a corpus that is fitted
        again is held against the one before it, as it was the first time. Versions that cannot be read are left out.
    """
    current = current_version(root, name)
    found: list[LastCorpus] = []
    for version in reversed(versions(root, name)):
        if current is None or version > current:
            continue
        try:
            report = read_manifest(root / name / VERSIONS / version).corpus
        except PublicationConflict:
            continue
        corpus = LastCorpus(
            sources=tuple(sorted(source.sha256 for source in report.sources)),
            mean_popularity=report.mean_popularity,
            genres=report.genres,
        )
        if not found:
            found.append(corpus)
        elif corpus.sources != found[0].sources:
            return found[0], corpus
    return tuple(found)


def verify(folder: Path) -> list[str]:
    """Compare a version with its manifest, file by file.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of str
        A sentence on each thing that is wrong; empty if it is whole.
    """
    try:
        manifest = read_manifest(folder)
    except PublicationConflict as error:
        return [str(error)]
    wrong = []
    # A pointer may have been followed to get here, so the folder is asked for its own name.
    version = folder.resolve().name
    if version != manifest.version:
        wrong.append(f"the manifest is of version {manifest.version}, but it lies in {version}")
    there = files_of(folder)
    for name, expected in sorted(manifest.files.items()):
        path = there.pop(name, None)
        # Only names that a walk of the folder found are opened: a manifest cannot send us elsewhere.
        if path is None:
            wrong.append(f"{name} is missing")
        elif path.is_symlink():
            wrong.append(f"{name} is a link, not a file")
        elif path.stat().st_size != expected.size or sha256_of(path) != expected.sha256:
            wrong.append(f"{name} has changed since it was published")
    return wrong + [f"{name} is not in the manifest" for name in sorted(there)]


def files_of(folder: Path) -> dict[str, Path]:
    """Return what lies under a version, but for its manifest: POSIX path inside it to path."""
    files = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    found = {path.relative_to(folder).as_posix(): path for path in files}
    found.pop(MANIFEST, None)
    return found


def find_version(root: Path, name: str, key: str) -> Path | None:
    """Return the newest whole version that was made from `key`, or None.

    Parameters
    ----------
    root : Path
    name, key : str

    Raises
    ------
    InvalidParameter
        If `name` cannot name a publication.
    """
    for version in reversed(versions(root, name)):
        folder = root / name / VERSIONS / version
        if version.endswith(f"-{key[:KEY_DIGITS]}") and not verify(folder) and read_manifest(folder).key == key:
            return folder
    return None
