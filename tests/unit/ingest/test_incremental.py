"""Only what is new is read, and the result is that of reading everything."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import CorpusRejected
from schemas.parameters import IngestParameters
from schemas.reports import IngestReport
from schemas.tracks import arrow_schema
from tasks.ingest import sifting
from tasks.ingest.incremental import ingest_incrementally
from tasks.ingest.opening import made, read_whole
from tasks.ingest.sources import find_sources
from tasks.storage import Storage, key_of
from tasks.tracks import CHANGES, TRACKS, changes_of, partitions_of, read_tracks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    WriteCsv = Callable[..., Path]

IDS = [f"{number:022}" for number in range(500, 506)]


def ingest_again(folder: Path, work: Path, **parameters: Any) -> tuple[Path, IngestReport]:
    """Ingest a folder as the step does, and return the result."""
    storage, sources = Storage(work), find_sources([str(folder)])
    chosen = IngestParameters(**parameters)
    key = key_of("ingest", [f"{source.name}:{source.sha256}" for source in sources], chosen)
    _, result = read_whole(
        lambda: made(storage, key, lambda here: ingest_incrementally(sources, chosen, here, storage)), storage.open
    )
    return result, IngestReport.model_validate_json((result / "report.json").read_text())


def contents(result: Path) -> list[list[dict[str, Any]]]:
    """Return the tracks of each partition."""
    return [read_tracks(part, arrow_schema().names).to_pylist() for part in partitions_of(result)]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the sources that are read from now on."""
    names: list[str] = []
    real = sifting.open_reader

    def open_reader(source: Any, *rest: Any) -> Any:
        names.append(source.name)
        return real(source, *rest)

    monkeypatch.setattr(sifting, "open_reader", open_reader)
    return names


def test_only_a_new_file_is_read(
    tmp_path: Path, write_csv: WriteCsv, read: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder, work = tmp_path / "corpus", tmp_path / "work"
    folder.mkdir()
    write_csv(folder / "a.csv", [{"track_id": IDS[0], "popularity": "10"}, {"popularity": "101"}, {}])
    write_csv(folder / "b.csv", [{"track_id": IDS[0], "popularity": "20", "track_genre": "ska"}])
    ingest_again(folder, work, max_bad_share=1)
    assert read == ["a.csv", "b.csv"]
    write_csv(folder / "aa.csv", [{"track_id": IDS[0], "popularity": "30", "track_genre": "dub"}, {"track_id": IDS[1]}])
    result, report = ingest_again(folder, work, max_bad_share=1)
    assert read == ["a.csv", "b.csv", "aa.csv"]
    assert "2 of 3 sources have been folded before" in caplog.text
    assert [source.name for source in report.sources] == ["a.csv", "aa.csv", "b.csv"]
    assert (report.rows.rows_in, report.rows.kept, report.rows.repeats, report.rows.quarantined) == (6, 3, 2, 1)
    assert report.conflicts == 1
    [folded] = [row for part in contents(result) for row in part if row["track_id"] == IDS[0]]
    assert (folded["popularity"], folded["genres"]) == (30, ["dub", "pop", "ska"])


def test_what_was_made_before_stays_as_it_was(tmp_path: Path, write_csv: WriteCsv) -> None:
    folder, work = tmp_path / "corpus", tmp_path / "work"
    folder.mkdir()
    write_csv(folder / "a.csv", [{"track_id": IDS[0]}, {"track_id": IDS[0]}, {"track_id": IDS[1]}])
    first, _ = ingest_again(folder, work)
    before = contents(first)
    assert (first / CHANGES).is_dir()
    write_csv(folder / "b.csv", [{"track_id": one, "popularity": "99"} for one in IDS])
    ingest_again(folder, work)
    assert contents(first) == before
    assert Storage(work).find("ingest", first.name) is not None, "it still has the bytes that it had"


def test_a_file_that_is_gone_is_gone_from_the_corpus(tmp_path: Path, write_csv: WriteCsv, read: list[str]) -> None:
    folder, work = tmp_path / "corpus", tmp_path / "work"
    folder.mkdir()
    write_csv(folder / "a.csv", [{"track_id": IDS[0], "track_genre": "rock"}])
    gone = write_csv(folder / "b.csv", [{"track_id": IDS[0], "popularity": "99", "track_genre": "ska"}])
    ingest_again(folder, work)
    gone.unlink()
    result, report = ingest_again(folder, work)
    assert read == ["a.csv", "b.csv"], "what is left need not be read again"
    [[row]] = contents(result)
    assert (row["popularity"], row["genres"]) == (50, ["rock"])
    assert report.rows.repeats == 0


def test_a_mended_file_is_read_again(tmp_path: Path, write_csv: WriteCsv) -> None:
    folder, work = tmp_path / "corpus", tmp_path / "work"
    folder.mkdir()
    write_csv(folder / "a.csv", [{"popularity": "101"}, {}])
    with pytest.raises(CorpusRejected, match="1 of 2 rows are bad"):
        ingest_again(folder, work)
    write_csv(folder / "a.csv", [{"popularity": "100"}, {}])
    _, report = ingest_again(folder, work)
    assert (report.rows.kept, report.rows.quarantined) == (2, 0)


def test_a_damaged_fold_is_not_gone_on_from(tmp_path: Path, write_csv: WriteCsv) -> None:
    folder, work = tmp_path / "corpus", tmp_path / "work"
    folder.mkdir()
    write_csv(folder / "a.csv", [{"track_id": IDS[0]}, {"track_id": IDS[0]}])
    first, _ = ingest_again(folder, work)
    (first / "folded.json").write_text((first / "folded.json").read_text().replace('"repeats": 1', '"repeats": 7'))
    write_csv(folder / "b.csv", [{"track_id": IDS[1]}])
    _, report = ingest_again(folder, work)
    assert (report.rows.kept, report.rows.repeats) == (2, 1)


def rot(part: Path, change: Callable[[bytearray], None]) -> None:
    """Change a file as a disk does by itself: nothing but its content tells."""
    found, content = part.stat(), bytearray(part.read_bytes())
    change(content)
    part.write_bytes(content)
    os.utime(part, ns=(found.st_atime_ns, found.st_mtime_ns))


def one_bit(content: bytearray) -> None:
    """Change a name, which Parquet does not notice."""
    content[content.index(b"Ann")] ^= 1


def much(content: bytearray) -> None:
    """Leave nothing that can be read."""
    content[4:-8] = bytes(len(content) - 12)


@pytest.mark.parametrize("linked", [True, False], ids=["links", "copies"])
@pytest.mark.parametrize("harm", [one_bit, much])
def test_a_partition_that_rots_is_read_again_in_the_end(
    tmp_path: Path,
    write_csv: WriteCsv,
    read: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    harm: Callable[[bytearray], None],
    *,
    linked: bool,
) -> None:
    if not linked:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    folder, work = tmp_path / "corpus", tmp_path / "work"
    folder.mkdir()
    write_csv(folder / "a.csv", [{}, {}])
    ingest_again(folder, work)
    [sift] = Storage(work).finished("sift")
    rot(sift / TRACKS / "part-00000.parquet", harm)
    write_csv(folder / "b.csv", [{"track_id": IDS[0]}])
    result, report = ingest_again(folder, work)
    assert sorted(read) == ["a.csv", "a.csv", "b.csv"]
    # What a copy was made from is not believed, and read first.
    assert ("has changed since it was written: it is made again" in caplog.text) is linked
    assert report.rows.kept == 3
    assert {name for part in contents(result) for row in part for name in row["artists"]} == {"Ann", "Bob"}


def test_a_partition_that_rots_is_not_believed_where_it_is_written_anew(
    tmp_path: Path, write_csv: WriteCsv, read: list[str]
) -> None:
    folder, work = tmp_path / "corpus", tmp_path / "work"
    folder.mkdir()
    write_csv(folder / "a.csv", [{}])
    ingest_again(folder, work)
    [sift] = Storage(work).finished("sift")
    rot(sift / TRACKS / "part-00000.parquet", one_bit)
    result, _ = ingest_again(folder, work, repeats="recording")
    assert read == ["a.csv"] * 2
    assert contents(result)[0][0]["artists"] == ["Ann", "Bob"]


ROW = st.fixed_dictionaries(
    {
        "track_id": st.sampled_from([*IDS, ""]),
        "popularity": st.sampled_from(["0", "50", "100", "101"]),
        "track_genre": st.sampled_from(["ska", "dub", ""]),
    }
)


@settings(max_examples=6, deadline=None)
@given(
    files=st.lists(st.lists(ROW, min_size=1, max_size=6), min_size=2, max_size=4),
    order=st.randoms(use_true_random=False),
    partition_rows=st.sampled_from([1, 2, 100]),
)
def test_file_by_file_is_the_same_as_all_at_once(
    tmp_path_factory: pytest.TempPathFactory, write_csv: WriteCsv, files: Any, order: Any, partition_rows: int
) -> None:
    home = tmp_path_factory.mktemp("files")
    folder = home / "corpus"
    folder.mkdir()
    rest = list(enumerate(files))
    order.shuffle(rest)
    last = None
    for number, rows in rest:
        write_csv(folder / f"{number}.csv", [*rows, {"track_name": f"file {number}"}])
        last = ingest_again(folder, home / "one-by-one", max_bad_share=1, partition_rows=partition_rows)
    assert last is not None
    whole = ingest_again(folder, home / "at-once", max_bad_share=1, partition_rows=partition_rows)
    assert last[1] == whole[1]
    assert contents(last[0]) == contents(whole[0])
    for part in partitions_of(whole[0]):
        one, other = (changes_of(result / TRACKS / part.name) for result in (last[0], whole[0]))
        assert one.is_file() == other.is_file()
        assert not one.is_file() or one.read_bytes() == other.read_bytes()
