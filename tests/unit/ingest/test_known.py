"""Files that are known are not read again, and nothing is taken for known that may have changed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tasks.ingest import sources
from tasks.ingest.known import NOTE
from tasks.ingest.sources import find_sources

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of files as they are read, to tell their hash."""
    names: list[str] = []
    real = sources._examined

    def examined(path: Path) -> tuple[str, bool]:
        names.append(path.name)
        return real(path)

    monkeypatch.setattr(sources, "_examined", examined)
    return names


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files been left alone for a while."""
    monkeypatch.setattr(sources, "now", lambda: time.time_ns() + 10**10)


def folder_of(path: Path) -> Path:
    folder = path / "corpus"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.csv").write_text(f"artist,popularity\n{name},1\n")
    return folder


@pytest.mark.usefixtures("later")
def test_what_was_not_touched_is_not_read_again(tmp_path: Path, reads: list[str]) -> None:
    folder = folder_of(tmp_path)
    first = find_sources([str(folder)], tmp_path / "cache")
    assert reads == ["a.csv", "b.csv"]
    (folder / "c.csv").write_text("artist,popularity\nc,1\n")
    assert find_sources([str(folder)], tmp_path / "cache")[:2] == first
    assert reads == ["a.csv", "b.csv", "c.csv"]
    assert find_sources([str(folder)], tmp_path / "cache", anew=True)[:2] == first
    assert reads[3:] == ["a.csv", "b.csv", "c.csv"]


@pytest.mark.usefixtures("later")
def test_a_file_that_hides_its_change_is_read_again(tmp_path: Path, reads: list[str]) -> None:
    folder = folder_of(tmp_path)
    before, _ = find_sources([str(folder)], tmp_path / "cache")
    file = folder / "a.csv"
    times = file.stat()
    file.write_text(file.read_text().replace("a,1", "a,2"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    after, _ = find_sources([str(folder)], tmp_path / "cache")
    assert after.sha256 != before.sha256
    assert reads == ["a.csv", "b.csv", "a.csv"]


def test_what_has_just_been_written_is_read_again(tmp_path: Path, reads: list[str]) -> None:
    folder = folder_of(tmp_path)
    find_sources([str(folder)], tmp_path / "cache")
    find_sources([str(folder)], tmp_path / "cache")
    assert reads == ["a.csv", "b.csv", "a.csv", "b.csv"]


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("note", ["", "[]", "{", '{"x": 1}', "\0"])
def test_a_damaged_note_is_no_note(note: str, tmp_path: Path, reads: list[str]) -> None:
    folder = folder_of(tmp_path)
    first = find_sources([str(folder)], tmp_path / "cache")
    (tmp_path / "cache" / NOTE).write_text(note)
    assert find_sources([str(folder)], tmp_path / "cache") == first
    assert reads == ["a.csv", "b.csv", "a.csv", "b.csv"]
