"""From what the user names to the files that are read. Light: nothing here opens a table."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import CorpusRejected
from schemas.parameters import IngestParameters
from schemas.references import Source
from tasks.addresses import is_address, shown
from tasks.ingest.formats import READS, is_table_name, printable
from tasks.ingest.known import KnownFiles, now, settled, stamp
from tasks.ingest.text import Utf8Check
from tasks.ingest.unfolding import is_archive
from tasks.progress import LOGGER
from tasks.storage import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.reports import IngestReport, LastCorpus

# Where a run keeps what it fetched, in its folder of work.
PLACES = "places"

_MUCH = 64 << 20  # worth another thread
_CHUNK = 1 << 16  # stays in the cache: several times as fast as a megabyte
_LONGEST = 200
_SHOWN = 5  # names of files in a line of the log
_MAX_UNFOLD: float = IngestParameters().max_unfold


def find_sources(
    given: Sequence[str], cache: Path | None = None, max_unfold: float = _MAX_UNFOLD, *, anew: bool = False
) -> tuple[Source, ...]:
    """Return the files of a corpus.

    Parameters
    ----------
    given : sequence of str
        Files, folders, globs and addresses, in the order in which they are to be read. Of a folder every file directly
        in it is taken that has the ending of a table, by name; hidden ones are not. Of a zip archive, every table.
    cache : Path, optional
        Folder for what is fetched from an address, and fetched again only if it has changed there; and for a note of
        the hashes of files, which are read again only if they have been touched.
    max_unfold : float
        How many times its size an archive may unfold to.
    anew : bool
        Read every file again, touched or not.

    Returns
    -------
    tuple of Source
        A file with the content of an earlier one is left out, with a note in the log.

    Raises
    ------
    CorpusRejected
        If something named is not there, holds no table, or is empty.
    PlaceUnreachable
        If an address does not answer, which may pass.
    """
    if not given:
        message = f"no corpus was given: name a file, a folder, a pattern or an address of {READS}"
        raise CorpusRejected(message)
    found: dict[str, Source] = {}
    known = KnownFiles(cache, anew=anew)
    for source in (source for text in given for source in _sources(text, cache, max_unfold, known)):
        if source.sha256 in found:
            LOGGER.warning(
                "%-7s %s holds the same as %s: it counts once", "ingest", _whence(source), _whence(found[source.sha256])
            )
        else:
            found[source.sha256] = source
    known.save()
    return tuple(found.values())


def _whence(source: Source) -> str:
    return source.place or (source.name if source.member else source.path)


def _sources(text: str, cache: Path | None, max_unfold: float, known: KnownFiles) -> Iterator[Source]:
    if is_address(text):
        from tasks.ingest.fetching import fetched

        if cache is None:
            message = f"{shown(text)} cannot be fetched without a folder to keep it in"
            raise ValueError(message)
        for copy in fetched(text, cache):
            yield from _of_file(copy.path, copy.name, copy.place, max_unfold, known)
        return
    try:
        for path in _expanded(text):
            yield from _of_file(path, printable(path.name), "", max_unfold, known)
    except PermissionError as error:
        message = f"{error.filename} may not be read by this user: change its permissions"
        raise CorpusRejected(message) from None
    except OSError as error:
        if error.errno not in {errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP}:
            raise
        message = f"{text[:_LONGEST]} cannot be the name of a file: check how it is spelt"
        raise CorpusRejected(message) from None


def _expanded(text: str) -> list[Path]:
    text = text.removeprefix("file://")
    path = Path(text).expanduser()
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if is_table_name(file.name) and file.is_file())
        if not files:
            message = f"the folder {path} has no {READS} in it: name one that has"
            raise CorpusRejected(message)
        return files
    if path.exists() or not glob.has_magic(text):  # a file may well be called tracks[1].csv
        return [path]
    matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob wants relative patterns
    files = [match for match in matches if not match.is_dir()]
    if not files:
        message = f"no file matches {text}: check the pattern, and the folder it starts from"
        raise CorpusRejected(message)
    return files


def _of_file(path: Path, name: str, place: str, max_unfold: float, known: KnownFiles) -> Iterator[Source]:
    """Yield the sources in one file: itself, or the members of an archive."""
    if not path.exists():
        message = f"there is no file or folder {path}: check how it is spelt, and the folder it starts from"
        raise CorpusRejected(message)
    if path != Path(os.fsencode(path).decode("utf-8", "replace")):  # Arrow opens no such file
        message = f"{path} has a name that is not UTF-8: rename it"
        raise CorpusRejected(message)
    if not path.is_file():
        message = f"{path} is not a file: name a file, a folder or a pattern of files"
        raise CorpusRejected(message)
    if path.stat().st_size == 0:
        message = f"{place or path} is empty: fetch it again or leave it out"
        raise CorpusRejected(message)
    whole = path.resolve()
    before = stamp(whole)
    found: dict[str, object] = {"stamp": tuple(before), "settled": settled(before, now())}
    if place:  # a copy of ours is replaced whole, and touched by whoever uses it
        found = {"place": place}
    if is_archive(path):
        from tasks.ingest.archives import members

        for member in members(path, name, max_unfold):
            yield member.model_copy(update=found)
        return
    sha256, utf8 = known.find(whole) or _noted(whole, known)
    yield Source(path=str(whole), name=name, sha256=sha256, utf8=utf8).model_copy(update=found)


def _noted(path: Path, known: KnownFiles) -> tuple[str, bool]:
    """Return what `_examined` does, and have it noted."""
    before, began = stamp(path), now()
    found = _examined(path)
    known.add(path, before, began, found)
    return found


def _examined(path: Path) -> tuple[str, bool]:
    """Return the hash of a file, and whether it is UTF-8 text."""
    if path.stat().st_size > _MUCH:
        with ThreadPoolExecutor(1) as other:
            digest = other.submit(sha256_of, path)
            utf8 = _is_utf8(path)
            return digest.result(), utf8
    hashed, check = hashlib.sha256(), Utf8Check()
    for chunk in _chunks(path):
        hashed.update(chunk)
        check.add(chunk)
    return hashed.hexdigest(), check.clean


def _is_utf8(path: Path) -> bool:
    check = Utf8Check()
    for chunk in _chunks(path):
        check.add(chunk)
    return check.clean


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def summary(report: IngestReport) -> str:
    """Return what became of the rows, in a line for the log."""
    rows = report.rows
    return f"{rows.rows_in:,} rows in: {rows.kept:,} kept, {rows.repeats:,} repeats, {rows.quarantined:,} quarantined"


def news(sources: Sequence[Source], last: LastCorpus) -> str:
    """Return which files are new, changed, gone or as they were since the last corpus of a name, in a line for the log.

    A file is what it holds: one that only has another name is unchanged. One of the name of a file that is gone is that
    file, changed. Empty where nothing is different, or the names of the last ones are not known.
    """
    here = {source.sha256 for source in sources}
    gone = Counter(name for sha256, name in zip(last.sources, last.names, strict=False) if sha256 not in here)
    new: list[str] = []
    changed: list[str] = []
    for source in sources:
        if source.sha256 not in last.sources:
            (changed if gone[source.name] > 0 else new).append(source.name)
            gone[source.name] -= 1
    lost = sorted((+gone).elements())
    if not last.names or not (new or changed or lost):
        return ""
    said = [
        f"{len(names):,} {what} ({', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''})"
        for what, names in (("new", new), ("changed", changed), ("gone", lost))
        if names
    ]
    return f"files since the last corpus: {', '.join(said)}, {len(sources) - len(new) - len(changed):,} unchanged"
