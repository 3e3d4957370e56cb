"""From what the user names to the files that are read. Light: nothing here opens a table."""

from __future__ import annotations

import glob
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import CorpusRejected
from schemas.references import Source
from tasks.storage import sha256_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.reports import IngestReport

ENDINGS = (".csv", ".parquet")
_LISTED = " and ".join(ENDINGS)

_log = logging.getLogger(__name__)


def find_sources(given: Sequence[str]) -> tuple[Source, ...]:
    """Return the files of a corpus.

    Parameters
    ----------
    given : sequence of str
        Files, folders and globs, in the order in which they are to be read. Of a folder every ``.csv`` and
        ``.parquet`` file directly in it is taken, by name; hidden ones are not.

    Returns
    -------
    tuple of Source
        A file with the content of an earlier one is left out, with a note in the log.

    Raises
    ------
    CorpusRejected
        If something named is not there, is not a file of tracks, or is empty.
    """
    if not given:
        message = f"no corpus was given: name a file, a folder or a pattern of {_LISTED} files"
        raise CorpusRejected(message)
    found: dict[str, Source] = {}
    for path in (path for text in given for path in _expanded(text)):
        source = _source(path)
        if source.sha256 in found:
            _log.warning("%s holds the same as %s: it counts once", path, found[source.sha256].path)
        else:
            found[source.sha256] = source
    return tuple(found.values())


def _expanded(text: str) -> list[Path]:
    path = Path(text).expanduser()
    if path.is_dir():
        files = sorted(
            file for file in path.iterdir() if file.suffix.lower() in ENDINGS and not _hidden(file) and file.is_file()
        )
        if not files:
            message = f"the folder {path} has no {_LISTED} files in it: name one that has"
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


def _hidden(path: Path) -> bool:
    return path.name.startswith(".")


def _source(path: Path) -> Source:
    if not path.exists():
        message = f"there is no file or folder {path}: check how it is spelt, and the folder it starts from"
        raise CorpusRejected(message)
    if not path.is_file():
        message = f"{path} is not a file: name a file, a folder or a pattern of {_LISTED} files"
        raise CorpusRejected(message)
    if path.suffix.lower() not in ENDINGS:
        message = f"{path} cannot be read: Encore reads {_LISTED} files, so convert it or leave it out"
        raise CorpusRejected(message)
    if path.stat().st_size == 0:
        message = f"{path} is empty: fetch it again or leave it out"
        raise CorpusRejected(message)
    try:
        sha256 = sha256_of(path)
    except PermissionError:
        message = f"{path} may not be read by this user: change its permissions"
        raise CorpusRejected(message) from None
    return Source(path=str(path.resolve()), name=path.name, sha256=sha256)


def summary(report: IngestReport) -> str:
    """Return what became of the rows, in a line for the log."""
    rows = report.rows
    return f"{rows.rows_in:,} rows in: {rows.kept:,} kept, {rows.repeats:,} repeats, {rows.quarantined:,} quarantined"
