"""Whether a version holds what its manifest says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.publication import MANIFEST
from tasks.published import read_manifest
from tasks.storage import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from schemas.publication import Manifest


@dataclass(frozen=True)
class Found:
    """A file that was found under a version.

    Parameters
    ----------
    size : int
        In bytes.
    sha256 : callable
        Reads it; only called if the size is right.
    link : bool
    """

    size: int
    sha256: Callable[[], str]
    link: bool = False


def compared(manifest: Manifest, version: str, there: Mapping[str, Found], *, hashes: bool = True) -> list[str]:
    """Compare what was found under a version with its manifest.

    Parameters
    ----------
    manifest : Manifest
    version : str
        The name that it was found under.
    there : mapping of str to Found
        By path in the version; all but the manifest. Only names that were found are opened: a manifest cannot send
        us elsewhere.
    hashes : bool
        Or sizes alone.

    Returns
    -------
    list of str
        A sentence on each thing that is wrong; empty if it is whole.
    """
    wrong = []
    if version != manifest.version:
        wrong.append(f"the manifest is of version {manifest.version}, but it lies in {version}")
    for name, expected in sorted(manifest.files.items()):
        found = there.get(name)
        if found is None:
            wrong.append(f"{name} is missing")
        elif found.link:
            wrong.append(f"{name} is a link, not a file")
        elif found.size != expected.size or (hashes and found.sha256() != expected.sha256):
            wrong.append(f"{name} has changed since it was published")
    return wrong + [f"{name} is not in the manifest" for name in sorted(there.keys() - manifest.files.keys())]


def verify(folder: Path) -> list[str]:
    """Compare a version in a folder with its manifest, file by file.

    Parameters
    ----------
    folder : Path
        A version, or the pointer to one.

    Returns
    -------
    list of str
        A sentence on each thing that is wrong; empty if it is whole.
    """
    from schemas.errors import PublicationConflict

    try:
        manifest = read_manifest(folder)
    except PublicationConflict as error:
        return [str(error)]
    # A pointer may have been followed to get here, so the folder is asked for its own name.
    return compared(manifest, folder.resolve().name, {name: found(path) for name, path in files_of(folder).items()})


def found(path: Path) -> Found:
    """Return what there is to a file on this machine."""
    link = path.is_symlink()
    return Found(0 if link else path.stat().st_size, lambda: sha256_of(path), link)


def files_of(folder: Path) -> dict[str, Path]:
    """Return what lies under a version, but for its manifest: POSIX path inside it to path."""
    files = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    there = {path.relative_to(folder).as_posix(): path for path in files}
    there.pop(MANIFEST, None)
    return there
