"""Zip archives: which of their members are tables. Their names are shown, and never become a path."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

from schemas.errors import CorpusRejected
from schemas.references import Source
from tasks.ingest.formats import READS, is_table_name, printable
from tasks.ingest.unfolding import most_bytes, too_much, unfolded
from tasks.progress import LOGGER

if TYPE_CHECKING:
    from pathlib import Path

_MOST_MEMBERS = 10_000
_LONGEST_NAME = 200
_ENCRYPTED = 0x1
_WORKBOOKS = {"[Content_Types].xml": "an Excel workbook", "mimetype": "a spreadsheet"}


def members(path: Path, name: str, max_unfold: float) -> list[Source]:
    """Return the tables in a zip archive, each a source of its own, by name.

    Parameters
    ----------
    path : Path
    name : str
        As it is shown.
    max_unfold : float
        How many times its size it may unfold to.

    Returns
    -------
    list of Source
        A member's hash is that of what it unfolds to: the same table is the same, packed with others or not.

    Raises
    ------
    CorpusRejected
        If it has no tables, is a workbook, damaged or encrypted, holds archives, or would unfold to too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            listed = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        message = f"{name} is not a whole zip archive ({str(error)[:100]}): fetch it again"
        raise CorpusRejected(message) from None
    tables = _tables(name, listed)
    size = path.stat().st_size
    most = most_bytes(size, max_unfold)
    # zipfile hands out no more of a member than it says it has.
    if sum(info.file_size for info in tables) > most:
        raise too_much(name, most)
    found = []
    for info in tables:
        inner = _shown(info.filename)
        source = Source(path=str(path.resolve()), name=f"{name}/{inner}", sha256="", member=info.filename)
        found.append(source.model_copy(update={"sha256": hash_of(source, max_unfold)}))
    return found


def hash_of(source: Source, max_unfold: float) -> str:
    """Return the SHA-256 of what a member unfolds to; raises as `members` does."""
    digest = hashlib.sha256()
    with unfolded(source, max_unfold) as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _tables(name: str, listed: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    names = {info.filename for info in listed}
    for mark, what in _WORKBOOKS.items():
        if mark in names:
            message = f"{name} is {what}, not a table of tracks: save it as CSV"
            raise CorpusRejected(message)
    files = [info for info in listed if not info.is_dir()]
    if len(files) > _MOST_MEMBERS:
        message = (
            f"{name} holds {len(files):,} files, more than {_MOST_MEMBERS:,}: unpack it and name those with tracks"
        )
        raise CorpusRejected(message)
    tables = sorted((info for info in files if is_table_name(info.filename)), key=lambda info: info.filename)
    if len({info.filename for info in tables}) < len(tables):
        message = f"{name} holds two files of one name: pack it anew"
        raise CorpusRejected(message)
    for info in tables:
        if info.filename.lower().endswith(".zip"):
            message = f"{name} holds another archive, {_shown(info.filename)}: unpack it first"
            raise CorpusRejected(message)
        if info.flag_bits & _ENCRYPTED:
            message = f"{name} is encrypted: unpack it with its password, and name what was in it"
            raise CorpusRejected(message)
    if not tables:
        message = f"{name} holds no table ({READS} are read): unpack it and name the files with tracks"
        raise CorpusRejected(message)
    if ignored := len(files) - len(tables):
        LOGGER.warning("%-7s %s: %d of its files are no tables and are left out", "ingest", name, ignored)
    return [info for info in tables if info.file_size] or tables


def _shown(member: str) -> str:
    clean = printable(member)
    return clean if len(clean) <= _LONGEST_NAME else "..." + clean[3 - _LONGEST_NAME :]
