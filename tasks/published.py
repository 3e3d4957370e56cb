"""What has been published, as readers find it: its manifest, and files that are what they were.

Shared by the step that publishes and by what predicts from a publication.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from schemas.errors import PublicationConflict
from schemas.publication import CURRENT, MANIFEST, Manifest
from tasks.storage import sha256_of

if TYPE_CHECKING:
    from pathlib import Path


def read_manifest(folder: Path) -> Manifest:
    """Read ``manifest.json`` of a version.

    Parameters
    ----------
    folder : Path
        A version, or the pointer to one.

    Raises
    ------
    PublicationConflict
        If there is none, or it is not a manifest.
    """
    path = folder / MANIFEST
    try:
        text = path.read_bytes()
    except OSError:
        message = f"{folder} is not a publication: it has no {MANIFEST} that can be read; give a folder that has one"
        raise PublicationConflict(message) from None
    return parse_manifest(text, str(path))


def parse_manifest(text: bytes, place: str) -> Manifest:
    """Read the text of a manifest.

    Parameters
    ----------
    text : bytes
    place : str
        Where it was found, for the error.

    Raises
    ------
    PublicationConflict
        If it is not a manifest.
    """
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "its text"
        message = f"{place} is not a manifest that this version of Encore can read ({where}: {first['msg']})"
        raise PublicationConflict(message) from None


def version_folder(folder: Path) -> Path:
    """Return the version that a path leads to: itself, or what the pointer in it or at it names right now."""
    pointer = folder / CURRENT
    return (pointer if pointer.is_symlink() else folder).resolve()


def published_file(folder: Path, manifest: Manifest, name: str) -> Path:
    """Return the path of a published file, having compared it with the manifest.

    Parameters
    ----------
    folder : Path
        A version.
    manifest : Manifest
        Of that version.
    name : str
        Path inside the version.

    Raises
    ------
    PublicationConflict
        If the version was published without it, or it is gone or not what was published.
    """
    path = folder / name
    expected = manifest.files.get(name)
    if expected is None:
        message = (
            f"{manifest.name} {manifest.version} was published without {name}, by an older Encore; publish it again "
            "with encore refit"
        )
        raise PublicationConflict(message)
    if not path.is_file() or path.stat().st_size != expected.size or sha256_of(path) != expected.sha256:
        message = f"{path} is missing or not what was published; publish it again with encore refit"
        raise PublicationConflict(message)
    return path
