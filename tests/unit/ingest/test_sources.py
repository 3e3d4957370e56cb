"""From what the user names to files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from schemas.errors import CorpusRejected
from schemas.references import Source
from schemas.reports import IngestReport, LastCorpus, RowCounts
from tasks.ingest.sources import find_sources, news, summary


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.parquet", "C.CSV", ".hidden.csv", "notes.txt"):
        (tmp_path / name).write_text(f"content of {name}")
    (tmp_path / "deeper.csv").mkdir()
    return tmp_path


def names(*given: object) -> list[str]:
    return [source.name for source in find_sources([str(one) for one in given])]


def test_a_folder_gives_its_tables_by_name(folder: Path) -> None:
    assert names(folder) == ["C.CSV", "a.parquet", "b.csv"]


def test_the_given_order_is_kept(folder: Path) -> None:
    assert names(folder / "b.csv", folder / "a.parquet") == ["b.csv", "a.parquet"]
    assert names(folder / "a.parquet", folder / "b.csv") == ["a.parquet", "b.csv"]


def test_a_glob_gives_what_it_matches_by_name(folder: Path) -> None:
    assert names(folder / "[ab].*") == ["a.parquet", "b.csv"]


def test_a_file_with_brackets_in_its_name_is_a_file(folder: Path) -> None:
    (folder / "tracks[1].csv").write_text("x")
    assert names(folder / "tracks[1].csv") == ["tracks[1].csv"]


def test_the_same_file_counts_once_and_the_log_says_so(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "copy.csv").write_text("content of b.csv")
    assert names(folder / "b.csv", folder / "a.parquet", folder / "b.csv", folder / "copy.csv") == [
        "b.csv",
        "a.parquet",
    ]
    assert "copy.csv holds the same as" in caplog.text


def test_a_source_is_known_by_the_hash_of_its_bytes(folder: Path) -> None:
    before = find_sources([str(folder / "b.csv")])[0].sha256
    (folder / "b.csv").write_text("other content")
    assert find_sources([str(folder / "b.csv")])[0].sha256 != before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "no corpus was given"),
        (["{}/none.csv"], "there is no file or folder .*none.csv: check how it is spelt"),
        (["{}/*.none"], "no file matches .*none: check the pattern"),
        (["{}/empty.csv"], "empty.csv is empty"),
        (["{}/deeper.csv"], "has no CSV, .* in it"),
        (["/dev/null"], "/dev/null is not a file"),
    ],
)
def test_what_cannot_be_used_is_rejected_in_a_sentence(folder: Path, given: list[str], said: str) -> None:
    (folder / "empty.csv").touch()
    with pytest.raises(CorpusRejected, match=said):
        find_sources([one.format(folder) for one in given])


def test_finding_sources_imports_nothing_heavy() -> None:
    code = (
        "import sys, tasks.ingest.sources;"
        "print(*{'pyarrow', 'pandas', 'numpy', 'duckdb', 'great_expectations'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_summary_says_where_the_rows_went() -> None:
    report = IngestReport(
        sources=(),
        rows=RowCounts(rows_in=6000, kept=5849, repeats=151, quarantined=0),
        reasons={},
        columns=(),
        conflicts=0,
        mean_popularity=0,
        share_of_zeros=0,
    )
    assert summary(report) == "6,000 rows in: 5,849 kept, 151 repeats, 0 quarantined"


def test_a_name_is_shown_as_far_as_it_can_be_printed(tmp_path: Path) -> None:
    strange = tmp_path / "a\nb\x1b[31m.csv"
    strange.write_bytes(b"track_id,artists,popularity\n1,Ann,101\n")
    (source,) = find_sources([str(strange)])
    assert source.name == "a?b?[31m.csv"
    assert Path(source.path) == strange


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a\udcff.csv").write_bytes(b"track_id,artists,popularity\n1,Ann,50\n")
    with pytest.raises(CorpusRejected, match=r"a\?\.csv has a name that is not UTF-8: rename it"):
        find_sources([str(tmp_path)])


def test_news_tell_new_changed_and_vanished_files_from_those_that_only_have_another_name() -> None:
    def source(name: str, content: str) -> Source:
        """Return a file of that name with some content."""
        return Source(path=f"/corpus/{name}", name=name, sha256=content * 64)

    last = LastCorpus(sources=("a" * 64, "b" * 64, "c" * 64), names=("a.csv", "b.csv", "c.csv"), mean_popularity=40.0)
    same = [source("a.csv", "a"), source("b.csv", "b"), source("c.csv", "c")]
    assert news(same, last) == ""
    assert news([*same[:2], source("renamed.csv", "c")], last) == ""
    found = news([source("a.csv", "a"), source("b.csv", "d"), source("d.csv", "e")], last)
    assert found == ("files since the last corpus: 1 new (d.csv), 1 changed (b.csv), 1 gone (c.csv), 1 unchanged")
    many = news([*same, *(source(f"{number}.csv", f"{number}") for number in range(7))], last)
    assert many == "files since the last corpus: 7 new (0.csv, 1.csv, 2.csv, 3.csv, 4.csv, ...), 3 unchanged"
    assert news(same[:1], last.model_copy(update={"names": ()})) == "", "a publication of before names were kept"
