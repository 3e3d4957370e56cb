"""Copies of what was fetched from a store: versions never change, so a copy that matches its hash stays good."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from schemas.errors import PublicationConflict
from schemas.publication import MANIFEST
from tasks.storage import sha256_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from schemas.publication import Manifest, PublishedFile
    from tasks.stores.objects import Objects

_FORGOTTEN = 30 * 86_400.0  # seconds


class Mirror:
    """A folder of copies.

    Parameters
    ----------
    home : Path
        Made when something is fetched.
    objects : Objects
    """

    def __init__(self, home: Path, objects: Objects) -> None:
        self._home, self._objects = home, objects

    def folder(self, key: str, manifest: Manifest, files: Collection[str] | None) -> Path:
        """Return the folder of a version, having fetched what is wanted of it and not there yet.

        Parameters
        ----------
        key : str
            Where it lies in the store.
        manifest : Manifest
        files : collection of str, optional
            Paths in it, or folders of it; all unless given. What it does not have is left out.

        Raises
        ------
        PublicationConflict
            If something is gone there, or not what was published.
        """
        folder = self._home / key
        folder.mkdir(parents=True, exist_ok=True)
        for name, expected in sorted(manifest.files.items()):
            if files is None or any(name == one or name.startswith(f"{one}/") for one in files):
                self._have(key, name, expected, folder)
        with self._beside(folder / MANIFEST) as fresh:
            fresh.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        self._forget(folder)
        return folder

    def _have(self, key: str, name: str, expected: PublishedFile, folder: Path) -> None:
        inside = PurePosixPath(name)
        # A manifest is somebody's word: it must not send us out of the folder.
        if inside.is_absolute() or ".." in inside.parts or inside.as_posix() != name:
            message = (
                f"{self._objects.where}/{key} lists a file {name!r}, which can be none of its own; do not trust it"
            )
            raise PublicationConflict(message)
        path = folder / inside
        if path.is_file() and path.stat().st_size == expected.size and sha256_of(path) == expected.sha256:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        place = f"{self._objects.where}/{key}/{name}"
        with self._beside(path) as fresh:
            try:
                sha256 = self._objects.fetch(f"{key}/{name}", fresh)
            except FileNotFoundError:
                message = f"{place} is missing; publish it again with encore refit"
                raise PublicationConflict(message) from None
            if sha256 != expected.sha256:
                message = f"{place} is not what was published; publish it again with encore refit"
                raise PublicationConflict(message)

    @staticmethod
    @contextlib.contextmanager
    def _beside(path: Path) -> Iterator[Path]:
        """Give a path to write; what is there at the end takes the place of `path` at once, or not at all."""
        fresh = path.with_name(f".{path.name}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
        try:
            yield fresh
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)

    def _forget(self, used: Path) -> None:
        """Remove copies of versions that nobody has asked for in a month."""
        for folder in used.parent.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if folder != used and time.time() - (folder / MANIFEST).stat().st_mtime > _FORGOTTEN:
                    shutil.rmtree(folder, ignore_errors=True)
