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
import pyarrow as pa
import pytest

from schemas.expectations import Rule
from tasks.ingest.extremes import Extremes
from tasks.ingest.inspection import Inspection
from tasks.ingest.tallies import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
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
        ("fa-times", "all-rows"),  # a third of the rows is in quarantine
        ("fa-times", "all-rows"),
    ]


BETWEEN = Rule("between", "energy", "energy: outside", low=0, high=1)
NOT_NULL = Rule("not_null", "energy", "energy: missing")


@pytest.fixture(scope="module")
def inspection() -> Iterator[Inspection]:
    with Inspection() as one:
        yield one


def rows_of(energy: Sequence[float | None], rules: Sequence[Rule], inspection: Inspection) -> dict[str, list[int]]:
    """Return the rows that break each rule, numbered from 7."""
    values = pa.table({"energy": pa.array(energy, pa.float64())})
    unreadable = pa.table({"energy": pa.repeat(pa.scalar(value=False), len(energy))})
    rows = np.arange(7, 7 + len(energy))
    kept, tally = Extremes(), Tally()
    found = inspection.inspect(rules, values, unreadable, rows, tally, kept)
    inspection.confirm(rules, kept, tally)
    return {rule.reason: broken.tolist() for rule, broken in found}


def test_every_bad_row_is_found_however_many_there_are(inspection: Inspection) -> None:
    # Great Expectations lists 200 values, and must not be asked for those.
    everyone = list(range(7, 50_007))
    assert rows_of([7.0] * 50_000, [BETWEEN, NOT_NULL], inspection) == {"energy: outside": everyone}
    assert rows_of([None] * 50_000, [BETWEEN, NOT_NULL], inspection) == {"energy: missing": everyone}


def test_good_rows_break_no_rule(inspection: Inspection) -> None:
    assert rows_of([0.0, 1.0, None], [BETWEEN], inspection) == {}
    assert rows_of([0.0, 1.0], [BETWEEN, NOT_NULL], inspection) == {}


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_one_bad_row_is_enough_wherever_it_is(position: int, inspection: Inspection) -> None:
    for bad, reason in ((-0.1, "energy: outside"), (1.1, "energy: outside"), (None, "energy: missing")):
        energy: list[float | None] = [0.5] * 4
        energy[position] = bad
        assert rows_of(energy, [BETWEEN, NOT_NULL], inspection) == {reason: [7 + position]}


def test_an_expectation_that_crashes_is_a_bug_and_not_bad_data(inspection: Inspection) -> None:
    with pytest.raises(RuntimeError, match="could not evaluate between of energy"):
        inspection.validate([BETWEEN], pd.DataFrame({"tempo": [1.0]}))
    with pytest.raises(RuntimeError, match="could not evaluate between of energy"):
        inspection.validate([BETWEEN], pd.DataFrame({"energy": ["a"]}))


def test_nothing_is_printed(inspection: Inspection, capfd: pytest.CaptureFixture[str]) -> None:
    inspection.validate([BETWEEN], pd.DataFrame({"energy": [7.0]}, index=[1]))
    assert capfd.readouterr() == ("", "")
