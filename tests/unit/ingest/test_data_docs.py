"""Great Expectations: its verdicts are complete, its pages safe and the same every time."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from schemas.expectations import Rule
from tasks.ingest.inspection import Inspection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Ingest = Callable[..., Any]
    WriteCsv = Callable[..., Path]

EVIL = "<script>alert(1)</script>"


def tree(folder: Path) -> dict[str, str]:
    """Return every file of a folder with its hash."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def evil(tmp_path: Path, write_csv: WriteCsv) -> Path:
    """Return a corpus with a script wherever text can be."""
    rows = [dict.fromkeys(["track_id", "artists", "popularity", "key", "explicit", "track_genre"], EVIL), {}]
    rows += [{"track_id": EVIL}, {"track_id": "&" * 10_000}, {"track_genre": EVIL, "artists": EVIL, "energy": "7"}]
    return write_csv(tmp_path / "<script>alert(1)<script>.csv", rows)


def test_no_text_of_strangers_is_markup_in_the_pages(tmp_path: Path, ingest: Ingest, evil: Path) -> None:
    done = ingest(tmp_path / "out", evil, max_bad_share=1)
    assert done.report.rows.quarantined == 4
    pages = [page.read_text() for page in (done.folder / "data_docs").rglob("*.html")]
    assert len(pages) == 5
    assert not [page for page in pages if "<script>alert" in page]
    assert [page for page in pages if "&lt;script&gt;alert(1)" in page], "the value should be shown, but as text"
    assert not [page for page in pages if "&amp;" * 200 in page]
    for path in done.folder.rglob("*"):
        assert "script" not in path.name


def test_the_same_corpus_gives_the_same_bytes_in_any_process_and_time_zone(
    tmp_path: Path, ingest: Ingest, evil: Path, write_csv: WriteCsv
) -> None:
    files = [evil, write_csv(tmp_path / "a.csv", [{}, {"energy": "x"}, {}, {"track_id": "0" * 22}])]
    here = ingest(tmp_path / "here", *files, max_bad_share=1, partition_rows=3)
    code = """
import sys, pathlib
from schemas.parameters import IngestParameters
from tasks.ingest.corpus import ingest_corpus
from tasks.ingest.sources import find_sources
folder = pathlib.Path(sys.argv[1])
folder.mkdir()
ingest_corpus(find_sources(sys.argv[2:]), IngestParameters(max_bad_share=1, partition_rows=3), folder)
"""
    there = tmp_path / "elsewhere" / "there"
    there.parent.mkdir()
    subprocess.run(
        [sys.executable, "-c", code, there, *files],
        env=os.environ | {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"},
        check=True,
    )
    assert tree(there) == tree(here.folder)
    assert len(tree(there)) > 10


def test_the_pages_are_small_and_lead_to_each_other(sample: Any) -> None:
    docs = sample.folder / "data_docs"
    assert sum(path.stat().st_size for path in docs.rglob("*") if path.is_file()) < 500_000
    for page in docs.rglob("*.html"):
        for link in re.findall(r'<a[^>]* href="(\.[^"#?]+)', page.read_text()):
            assert (page.parent / link).resolve().is_file(), f"{page} leads to {link}"
    index = (docs / "index.html").read_text()
    for page in (docs / "validations").rglob("*.html"):
        assert page.relative_to(docs).as_posix() in index


def test_the_pages_ask_nobody_for_anything(tmp_path: Path, ingest: Ingest, evil: Path) -> None:
    done = ingest(tmp_path / "out", evil, max_bad_share=1)
    pages = sorted((done.folder / "data_docs").rglob("*"))
    assert {page.suffix for page in pages if page.is_file()} == {".html"}
    for page in pages:
        if page.is_file():
            text = page.read_text(encoding="utf-8")
            assert not re.findall(r"(?i)(?:\bsrc\s*=|<link\b|<script\b|<iframe\b|@import|url\()", text)
            assert not re.findall(r"(?i)https?://", text)
            # Were there a way that these words miss, the browser is told not to take it.
            assert "default-src 'none'" in text
            assert text.count("<style>") == 1


def test_the_index_says_what_passed(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    corpus = write_csv(tmp_path / "x.csv", [{}, {}, {"energy": "7"}])
    done = ingest(tmp_path / "out", corpus, max_bad_share=1, partition_rows=2, min_tracks=0)
    index = (done.folder / "data_docs" / "index.html").read_text(encoding="utf-8")
    marks = re.findall(r'<i class="fas ([\w-]+) .*?>([\w-]+)</a></td></tr>', index)
    assert marks == [
        ("fa-check-circle", "rows-1-to-2"),
        ("fa-times", "rows-3-to-3"),
        ("fa-times", "whole"),  # a third of the rows is in quarantine
    ]


@pytest.fixture(scope="module")
def inspection() -> Inspection:
    inspection = Inspection()
    inspection.add_suite("between", [Rule("between", "energy", "energy: outside", low=0, high=1)])
    inspection.add_suite("not-null", [Rule("not_null", "energy", "energy: missing")])
    return inspection


def test_every_bad_row_is_found_however_many_there_are(inspection: Inspection) -> None:
    # Great Expectations lists 200 values, and must not be asked for those.
    rows = np.arange(7, 50_007)
    frame = pd.DataFrame({"energy": np.full(len(rows), 7.0)}, index=rows)
    [(rule, found)] = inspection.inspect("between", "many", frame)
    assert rule.reason == "energy: outside"
    assert np.array_equal(found, rows)
    frame["energy"] = np.nan
    [(_, found)] = inspection.inspect("not-null", "none", frame)
    assert np.array_equal(found, rows)


def test_good_rows_break_no_rule(inspection: Inspection) -> None:
    assert inspection.inspect("between", "good", pd.DataFrame({"energy": [0.0, 1.0, np.nan]}, index=[1, 2, 3])) == []


def test_an_expectation_that_crashes_is_a_bug_and_not_bad_data(inspection: Inspection) -> None:
    with pytest.raises(RuntimeError, match="could not evaluate between of energy"):
        inspection.inspect("between", "absent", pd.DataFrame({"tempo": [1.0]}))
    with pytest.raises(RuntimeError, match="could not evaluate between of energy"):
        inspection.inspect("between", "text", pd.DataFrame({"energy": ["a"]}))


def test_nothing_is_printed(inspection: Inspection, capfd: pytest.CaptureFixture[str]) -> None:
    inspection.inspect("between", "quiet", pd.DataFrame({"energy": [7.0]}, index=[1]))
    assert capfd.readouterr() == ("", "")
