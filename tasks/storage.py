"""Where steps leave their output: a folder a result, named by what it was made from.

A folder is written beside its target and renamed at the end, so that it is there whole or not at all. Its contents
are listed with their hashes; a folder that no longer matches is put aside and made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from schemas.errors import CorruptStep
from schemas.references import Reference
from schemas.versions import STEPS
from tasks import stamps
from tasks.partials import is_partial, partial_name, set_aside, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# Beside the publications, on the same file system, so that a finished version can be renamed into place.
WORK = ".work"
CONTENTS = "_contents.json"
_THREADS = 2

Shared = Mapping[str, str] | None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hashes_of(folder: Path, names: Iterable[str]) -> list[str]:
    """Return the SHA-256 of files in a folder, in order."""
    with ThreadPoolExecutor(_THREADS) as threads:
        return list(threads.map(lambda name: sha256_of(folder / name), names))


def key_of(step: str, inputs: Sequence[str], parameters: BaseModel | Mapping[str, object]) -> str:
    """Return the key of a step's output.

    Parameters
    ----------
    step
        Its version in `schemas.versions` is part of the key.
    inputs
        Content hashes of what it reads, in order.
    parameters
        What else its output depends on.

    Returns
    -------
    str
        32 hex digits.
    """
    plain = parameters.model_dump(mode="json") if isinstance(parameters, BaseModel) else dict(parameters)
    text = json.dumps([step, STEPS[step], list(inputs), plain], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Storage:
    """The results of steps under one root folder.

    Parameters
    ----------
    root : Path
        Made when the first result is written.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def find(self, step: str, key: str, *, believed: str = "") -> Reference | None:
        """Return the reference to a finished, intact output, or None.

        An output whose files do not match their hashes any more is removed, so that the step is run again.

        Parameters
        ----------
        step, key : str
        believed : str
            A folder in it whose files are not read if nobody has written to them since they were. Only for what shares
            all of them: who opens that reads them, and `CorruptStep` makes this read them too.
        """
        folder = self.root / step / key
        if not (folder / CONTENTS).is_file():
            return None
        _mark_used(folder)
        try:
            content = _verify(folder, believed)
        except CorruptStep:
            _discard(folder)
            return None
        return Reference(step=step, key=key, path=str(folder), content=content)

    def open(self, reference: Reference) -> Path:
        """Return the folder of `reference`, having checked that it holds what it held.

        Raises
        ------
        CorruptStep
            If a file is missing or changed.
        """
        folder = self.root / reference.step / reference.key
        _mark_used(folder)
        if _verify(folder) != reference.content:
            message = f"{folder} holds another result than the one referred to; run the refit again"
            raise CorruptStep(message)
        return folder

    def finished(self, step: str) -> list[Path]:
        """Return the folders of all finished outputs of a step, whole or not, the latest first."""
        folders = [path.parent for path in (self.root / step).glob(f"*/{CONTENTS}") if not is_partial(path.parent)]
        return sorted(folders, key=lambda folder: (folder.stat().st_mtime_ns, folder.name), reverse=True)

    def run(
        self, step: str, key: str, build: Callable[[Path], Shared], *, force: bool = False, believed: str = ""
    ) -> Reference:
        """Return the output under `key`, building it if it is not there.

        Parameters
        ----------
        step, key : str
        build : callable
            Fills the empty folder it is given. It may return the hashes, by path in it, of files that are on the disk
            already, such as those that it shares with finished outputs: they are not read again.
        force : bool
            Build even if the output is there, and replace it.
        believed : str
            As for `find`.

        Returns
        -------
        Reference
        """
        if not force and (found := self.find(step, key, believed=believed)):
            return found
        home = self.root / step
        home.mkdir(parents=True, exist_ok=True)
        sweep(home)
        partial = home / partial_name(key)
        partial.mkdir()
        try:
            sealed = _seal(partial, build(partial) or {}, believed)
            target = home / key
            if force:
                _discard(target)
            with contextlib.suppress(OSError):  # another run may have finished the same output first; either will do
                partial.rename(target)
                return Reference(step=step, key=key, path=str(target), content=sealed)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        found = self.find(step, key, believed=believed)
        if found is None:
            message = f"the output of {step} could not be stored in {home}"
            raise CorruptStep(message)
        return found


def is_intact(folder: Path) -> bool:
    """Say whether a folder that a `Storage` wrote holds what it held, without removing it if not."""
    try:
        _verify(folder)
    except CorruptStep:
        return False
    return True


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CONTENTS)


def _digest(hashes: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


def contents_of(folder: Path) -> dict[str, str]:
    """Return the hashes of an output's files, by path in it."""
    hashes: dict[str, str] = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
    return hashes


def _seal(folder: Path, shared: Mapping[str, str], believed: str) -> str:
    hashes = {}
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if name not in shared:
            sync(path)
        hashes[name] = shared.get(name) or sha256_of(path)
    contents = folder / CONTENTS
    contents.write_text(json.dumps(hashes, indent=1, sort_keys=True), encoding="utf-8")
    sync(contents)
    if believed:
        stamps.note(folder, stamps.stamps_of(folder, believed, hashes))
    return _digest(hashes)


def _mark_used(folder: Path) -> None:
    """Note that a result is used: `tasks.leftovers` takes away what has not been for long."""
    with contextlib.suppress(OSError):  # one that is gone, or a disk that may only be read
        os.utime(folder / CONTENTS)


def sync(path: Path) -> None:
    """Have the operating system put a file or folder on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _verify(folder: Path, believed: str = "") -> str:
    """Return the digest of a result, having read what is not believed; what is wrong is not believed any more."""
    try:
        hashes = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        now = stamps.stamps_of(folder, believed, hashes) if believed else {}
        known = stamps.untouched(folder, now) if now else set()
        read = {name: expected for name, expected in hashes.items() if name not in known}
        found = hashes_of(folder, read)
    except (FileNotFoundError, ValueError, AttributeError) as error:
        message = f"{folder} is not whole: {error}"
        raise CorruptStep(message) from None
    wrong = [folder / name for (name, expected), actual in zip(read.items(), found, strict=True) if actual != expected]
    for file in wrong:
        stamps.distrust(file)  # it may lie in other results too
    if wrong:
        message = f"{wrong[0]} has changed since it was written"
        raise CorruptStep(message)
    if len(known) < len(now):
        with contextlib.suppress(OSError):  # a disk that may only be read
            stamps.note(folder, now)
    return _digest(hashes)


def _discard(folder: Path) -> None:
    """Remove a folder so that no reader ever sees a part of it: rename it away first."""
    if away := set_aside(folder):
        shutil.rmtree(away, ignore_errors=True)
