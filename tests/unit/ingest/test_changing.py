"""Nothing is stored of a file that somebody writes to while it is read."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from schemas.errors import CorpusChanging
from schemas.parameters import IngestParameters
from tasks.ingest.incremental import ingest_incrementally
from tasks.ingest.opening import made, read_whole
from tasks.ingest.sources import find_sources
from tasks.retrying import passes
from tasks.storage import Storage, key_of
from tasks.tracks import count_tracks

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.references import Source

    WriteCsv = Callable[..., Path]
    Happens = Callable[[Path], object]


def read_while(happens: Callable[[], object], sources: tuple[Source, ...], work: Path) -> int:
    """Ingest as the step does; something happens when the first row has been read. Return the number of tracks."""
    storage, parameters = Storage(work), IngestParameters(partition_rows=1, max_bad_share=1)

    def progress(done: int, _of: int | None) -> None:
        if done == 1:
            happens()

    def build(folder: Path) -> Any:
        return ingest_incrementally(sources, parameters, folder, storage, progress)

    key = key_of("ingest", [source.sha256 for source in sources], parameters)
    return count_tracks(read_whole(lambda: made(storage, key, build), storage.open)[1])


def written_anew(file: Path) -> None:
    """Write the same again, as a download that is repeated: in between it is half there."""
    content = file.read_bytes()
    file.write_bytes(content[:-5])
    file.write_bytes(content)


def changed_in_secret(file: Path) -> None:
    """Write something else of the same size, and set the time back."""
    found = file.stat()
    file.write_bytes(file.read_bytes().replace(b"Ann", b"Eve"))
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))


def replaced(file: Path) -> None:
    """Put another file in its place."""
    file.with_name(".new").write_bytes(file.read_bytes() + b"\n")
    file.with_name(".new").replace(file)


def appended(file: Path) -> None:
    """Go on writing."""
    with file.open("ab") as open_file:
        open_file.write(b'"')


@pytest.mark.parametrize("happens", [written_anew, changed_in_secret, replaced, appended, Path.unlink])
def test_nothing_of_it_is_stored(tmp_path: Path, write_csv: WriteCsv, happens: Happens) -> None:
    file = write_csv(tmp_path / "x.csv", [{}, {}, {}])
    sources = find_sources([str(file)])
    with pytest.raises(
        CorpusChanging, match=r"x\.csv was changed while it was read, and nothing of it was stored: wait"
    ):
        read_while(lambda: happens(file), sources, tmp_path / "work")
    assert not [path for path in (tmp_path / "work").rglob("*") if path.is_file()]
    write_csv(file, [{}, {}])
    assert read_while(lambda: None, find_sources([str(file)]), tmp_path / "work") == 2


def test_it_is_tried_again() -> None:
    assert passes(CorpusChanging("x.csv was changed"))


def test_what_looks_damaged_since_it_is_half_there_is_not_called_so(tmp_path: Path, write_csv: WriteCsv) -> None:
    file = write_csv(tmp_path / "x.csv", [{}, {}, {}])
    sources = find_sources([str(file)])
    file.write_bytes(b"PAR1")
    with pytest.raises(CorpusChanging):
        read_while(lambda: None, sources, tmp_path / "work")


@pytest.mark.parametrize("happens", [lambda file: file.chmod(0o600), lambda file: os.link(file, file.with_name("y"))])
def test_who_does_not_write_to_it_does_not_matter(tmp_path: Path, write_csv: WriteCsv, happens: Happens) -> None:
    file = write_csv(tmp_path / "x.csv", [{}, {}, {}])
    assert read_while(lambda: happens(file), find_sources([str(file)]), tmp_path / "work") == 3


def packed(archive: Path, *members: Path) -> None:
    """Pack files into an archive."""
    with zipfile.ZipFile(archive, "w") as zipped:
        for member in members:
            zipped.write(member, member.name)


def test_an_archive_that_is_packed_anew_is_noticed(tmp_path: Path, write_csv: WriteCsv) -> None:
    rows = [{"track_id": f"{number:022}"} for number in range(70, 73)]
    inner = [write_csv(tmp_path / "a.csv", rows[:2]), write_csv(tmp_path / "b.csv", rows[2:])]
    archive = tmp_path / "x.zip"
    packed(archive, *inner)
    sources = find_sources([str(archive)])
    with pytest.raises(CorpusChanging, match=r"x\.zip/a\.csv was changed"):
        read_while(lambda: packed(archive, *inner[1:]), sources, tmp_path / "work")
    packed(archive, *inner)
    sources = find_sources([str(archive)])
    assert read_while(lambda: archive.chmod(0o600), sources, tmp_path / "work") == 3
