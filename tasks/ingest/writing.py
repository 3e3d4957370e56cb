"""Partitions of canonical Parquet, written behind whoever makes them, hashed from memory and put on the disk."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from pyarrow import parquet as pq

from tasks.ingest.background import Behind
from tasks.ingest.memory import give_back
from tasks.ingest.notes import notes_of
from tasks.ingest.plain_ids import ROWS_A_PAGE
from tasks.ingest.sums import Sums
from tasks.storage import sync
from tasks.tracks import TRACKS

if TYPE_CHECKING:
    from collections.abc import Buffer
    from pathlib import Path

NOTES = "notes"
# What an id or a length is, is hardly ever said twice: a dictionary of it would be made for nothing, and a page of
# plain values is as small. Of text that does repeat, compression finds that at less cost.
_LOOKED_AT = 4096
_PARTS_BETWEEN = 40  # giving memory back takes a third of a second, most of it when it is taken again
_SPARE = 1.1  # partitions of one source are of one size, about
_FEW = 1024
_PLAIN_TEXT = ("track_id", "track_name", "album_name", "artists")
_COMPRESSED = ("track_name", "album_name", "artists")
_ASKED_FOR = ["source", "row"]


class PartWriter:
    """Writes ``tracks/part-00000.parquet``, ``notes/part-00000.arrow`` and so on into a folder; a context manager.

    Attributes
    ----------
    hashes : dict of str to str
        SHA-256 of each file by its path in the folder; complete when the context has been left, as the next is.
    sums : list of Sums
        Of each partition.
    """

    def __init__(self, folder: Path) -> None:
        (folder / TRACKS).mkdir()
        (folder / NOTES).mkdir()
        self._folder = folder
        self._behind, self._beside = Behind(), Behind()
        self._parts = 0
        self._pieces: list[pa.Table] = []
        self._room: pa.Buffer | None = None
        self.hashes: dict[str, str] = {}
        self.sums: list[Sums] = []

    def __enter__(self) -> Self:
        self._behind.__enter__()
        self._beside.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            self._beside.__exit__(kind, *rest)
        finally:
            self._behind.__exit__(kind, *rest)

    def add(self, tracks: pa.Table) -> None:
        """Have tracks written with the next partition."""
        if tracks.num_rows:
            self._pieces.append(tracks)

    def end(self) -> None:
        """Have the partition written, if it has tracks."""
        if not self._pieces:
            return
        tracks, self._pieces = pa.concat_tables(self._pieces), []
        name = f"part-{self._parts:05}"
        self._parts += 1
        self._behind.submit(lambda: self._put(self._encoded(tracks), f"{TRACKS}/{name}.parquet"))
        self._beside.submit(lambda: self._note(tracks, name))
        if self._parts % _PARTS_BETWEEN == 0:
            give_back()  # so that what lies between what is in use does not grow with the source

    def _note(self, tracks: pa.Table, name: str) -> None:
        self._put(notes_of(tracks), f"{NOTES}/{name}.arrow")
        self.sums.append(Sums.of(tracks))

    def _put(self, data: memoryview, name: str) -> None:
        self.hashes[name] = put(data, self._folder / name)
        sync(self._folder / name)

    def _encoded(self, tracks: pa.Table) -> memoryview:
        """Return a partition as Parquet; what this returned before is lost."""
        if self._room is not None:
            writer = pa.FixedSizeBufferWriter(self._room)
            with contextlib.suppress(OSError):  # it does not fit
                write_tracks(tracks, writer)
                return memoryview(self._room)[: writer.tell()]
        grown = pa.BufferOutputStream()
        write_tracks(tracks, grown)
        data = memoryview(grown.getvalue())
        # Fresh memory costs more than what is written into it, so the next partition is given this again.
        self._room = pa.allocate_buffer(int(len(data) * _SPARE))
        return data


def put(data: Buffer, path: Path) -> str:
    """Write a file; return its SHA-256, as hex, which need not be read for it."""
    with path.open("wb") as file:
        file.write(data)
    return hashlib.sha256(data).hexdigest()


def write_tracks(tracks: pa.Table, where: Path | pa.NativeFile) -> None:
    """Write canonical tracks as Parquet: in the way that is soon written and read, and small enough.

    Parameters
    ----------
    tracks : pyarrow.Table
    where : Path or pyarrow.NativeFile
    """
    names = tracks.schema.names
    paths = {
        name: f"{name}.list.element" if pa.types.is_list(tracks.schema.field(name).type) else name for name in names
    }
    pq.write_table(
        tracks,
        where,
        compression={paths[name]: "snappy" if name in _COMPRESSED else "none" for name in names},
        use_dictionary=[paths[name] for name in names if _repeats(tracks, name)],
        column_encoding={"row": "DELTA_BINARY_PACKED"},
        write_statistics=_ASKED_FOR,
        max_rows_per_page=ROWS_A_PAGE,
    )


def _repeats(tracks: pa.Table, name: str) -> bool:
    """Say whether a column has few distinct values, told from its first ones."""
    kind = tracks.schema.field(name).type
    if name == "row" or name in _PLAIN_TEXT or pa.types.is_boolean(kind):
        return False
    if not pa.types.is_floating(kind):
        return True
    first = tracks[name].slice(0, _LOOKED_AT).to_numpy()
    return len(np.unique(first)) <= _FEW
