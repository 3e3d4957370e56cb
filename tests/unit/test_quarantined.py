"""Getting rows out of quarantine, mended, and back in."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from flows.cli import app
from schemas.errors import CorpusRejected, EncoreError, InvalidParameter, PublicationConflict
from schemas.parameters import IngestParameters
from schemas.quarantine import QUARANTINE, quarantine_schema
from tasks.ingest.corpus import ingest_corpus
from tasks.ingest.rejected import forget_rejected, keep_rejected
from tasks.ingest.sources import find_sources
from tasks.quarantined import TOLD, by_reason, chosen, json_lines, read_quarantine, write_csv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLUMNS = ("track_id", "artists", "track_name", "popularity", "energy", "track_genre")
GOOD = dict(zip(COLUMNS, ("", "Ann;Bob", "Song, the 1st", "50", "0.5", "pop"), strict=True))


def write(path: Path, rows: Sequence[Mapping[str, str]], tail: str = "") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(GOOD | {"track_id": f"{number:022}"} | row for number, row in enumerate(rows, 1))
        file.write(tail)
    return path


def ingest(folder: Path, *files: Path) -> Any:
    folder.mkdir()
    return ingest_corpus(find_sources([str(file) for file in files]), IngestParameters(max_bad_share=1), folder)


BAD = [{}, {"energy": "7"}, {"popularity": " x\n", "energy": "7", "track_name": "=1+1"}, {"artists": "NA"}, {}]


@pytest.fixture
def quarantine(tmp_path: Path) -> pa.Table:
    ingest(tmp_path / "first", write(tmp_path / "x.csv", BAD, 'torn,"in two"\n'))
    return read_quarantine(tmp_path / "first" / QUARANTINE)


def test_reasons_are_counted_with_the_first_row_of_each(quarantine: pa.Table) -> None:
    found = {one.reason: (one.rows, one.source, one.row) for one in by_reason(quarantine)}
    assert found == {
        "energy: outside 0..1 share": (2, "x.csv", 2),
        "artists: missing": (1, "x.csv", 4),
        "popularity: cannot read as a number": (1, "x.csv", 3),
        "row: not as many fields as the header": (1, "x.csv", 6),
    }
    assert next(iter(found)) == "energy: outside 0..1 share"


def test_rows_are_chosen_by_reason_and_file(quarantine: pa.Table) -> None:
    assert chosen(quarantine, "ENERGY: outside")["row"].to_pylist() == [2, 3]
    assert chosen(quarantine, "artists", "x.csv")["row"].to_pylist() == [4]
    with pytest.raises(InvalidParameter, match="no row is there for that; there are `energy: "):
        chosen(quarantine, "tempo")
    with pytest.raises(InvalidParameter, match=r"there are rows of x\.csv"):
        chosen(quarantine, "", "y.csv")


def test_rows_come_out_as_they_came_in(quarantine: pa.Table) -> None:
    file = io.StringIO(newline="")
    write_csv(quarantine, file)
    text = file.getvalue()
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == [*TOLD, *COLUMNS]
    assert rows[1] == [
        "x.csv",
        "3",
        "popularity: cannot read as a number; energy: outside 0..1 share",
        f"{3:022}",
        "Ann;Bob",
        "=1+1",  # what a spreadsheet would run is what the file had
        " x\n",
        "7",
        "pop",
    ]
    assert text.endswith('x.csv,6,row: not as many fields as the header,torn,"in two"\n')


def test_json_has_the_cells(quarantine: pa.Table) -> None:
    rows = [json.loads(line) for line in json_lines(quarantine)]
    assert [row["row"] for row in rows] == [2, 3, 4, 6]
    assert rows[1]["raw"]["popularity"] == " x\n"
    assert rows[1]["line"] is None
    assert rows[3]["raw"].rstrip() == 'torn,"in two"'


def test_a_row_that_was_mended_is_picked_up(tmp_path: Path, quarantine: pa.Table) -> None:
    # In the file it came from ...
    mended = [*BAD]
    mended[1] = {"energy": "0.7"}
    report = ingest(tmp_path / "again", write(tmp_path / "mended in place.csv", mended))
    assert (report.rows.kept, report.rows.quarantined) == (3, 2)
    # ... or in the file that the quarantine was written to, fed beside the first.
    out = tmp_path / "mended.csv"
    with out.open("w", newline="", encoding="utf-8") as file:
        write_csv(chosen(quarantine, "energy"), file)
    out.write_text(out.read_text(encoding="utf-8").replace(",7,pop", ",0.7,pop"), encoding="utf-8")
    both = ingest(tmp_path / "both", tmp_path / "x.csv", out)
    assert (both.rows.rows_in, both.rows.kept, both.rows.quarantined) == (8, 3, 5)
    # Row 2 is in now; row 3 has another fault yet.
    assert both.reasons["energy: outside 0..1 share"] == 2
    assert both.reasons["popularity: cannot read as a number"] == 2


def test_rows_of_different_columns_make_no_one_table() -> None:
    rows = [("a.csv", '{"x": "1"}'), ("b.csv", '{"y": "1"}'), ("b.csv", "{torn"), ("b.csv", '"text"')]
    table = pa.table(
        [[one for one, _ in rows], [1, 2, 3, 4], [None] * 4, [["r"]] * 4, [raw for _, raw in rows]],
        schema=quarantine_schema(),
    )
    with pytest.raises(InvalidParameter, match=r"rows of a\.csv and b\.csv have different columns.*--source"):
        write_csv(table, io.StringIO())
    file = io.StringIO()
    write_csv(chosen(table, source="b.csv"), file)
    assert file.getvalue() == (
        'encore_source,encore_row,encore_reasons,y\nb.csv,2,r,1\nb.csv,3,r,{torn\nb.csv,4,r,"text"\n'
    )


def test_what_is_no_quarantine_says_so(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("x", encoding="utf-8")
    with pytest.raises(PublicationConflict, match="is no quarantine"):
        read_quarantine(tmp_path / "text.parquet")
    pa.parquet.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(PublicationConflict, match="it has the columns a"):
        read_quarantine(tmp_path / "other.parquet")


def test_one_written_before_lines_were_known_is_read(tmp_path: Path, quarantine: pa.Table) -> None:
    pa.parquet.write_table(quarantine.drop_columns(["line"]), tmp_path / "old.parquet")
    assert read_quarantine(tmp_path / "old.parquet").equals(quarantine)


def keep(tmp_path: Path, rows: Sequence[Mapping[str, str]]) -> CorpusRejected:
    """Ingest a corpus that is rejected, as the door does."""
    made = tmp_path / "made"
    made.mkdir()
    sources = find_sources([str(write(tmp_path / "y.csv", rows))])
    with pytest.raises(CorpusRejected) as caught:
        ingest_corpus(sources, IngestParameters(), made)
    return keep_rejected(made, tmp_path / "to" / "label" / "rejected", sources, caught.value)


def test_the_quarantine_of_a_rejected_corpus_can_be_looked_at(tmp_path: Path) -> None:
    place = tmp_path / "to" / "label" / "rejected"
    error = keep(tmp_path, [{"energy": "7"}, {}, {}])
    assert str(error).endswith(f"; the rows are in {place}, see encore quarantine label")
    result = CliRunner().invoke(app, ["quarantine", "label", "--to", str(tmp_path / "to")])
    assert result.exit_code == 0
    assert "1 of 3 rows are bad, more than the allowed 10%" in result.output
    assert "label, the corpus that was rejected last: 1 rows in quarantine" in result.output
    assert "energy: outside 0..1 share  y.csv:1" in result.output
    assert sorted(path.name for path in place.iterdir()) == ["quarantine.parquet", "rejected.json"]
    forget_rejected(place)
    assert not place.exists()


def test_what_was_rejected_before_gives_way(tmp_path: Path) -> None:
    place = tmp_path / "to" / "label" / "rejected"
    place.mkdir(parents=True)
    (place / "old").touch()
    keep(tmp_path, [{"energy": "7"}, {}, {}])
    assert not (place / "old").exists()
    assert [path.name for path in place.parent.iterdir()] == ["rejected"]


def test_a_corpus_that_was_rejected_without_bad_rows_leaves_nothing(tmp_path: Path) -> None:
    error = keep(tmp_path, [])
    assert "the rows are in" not in str(error)
    assert not (tmp_path / "to").exists()


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["quarantine", *map(str, arguments)])
    if isinstance(result.exception, EncoreError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_files_of_tracks_are_checked_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "here"
    work.mkdir()
    monkeypatch.chdir(work)
    path = write(tmp_path / "x.csv", BAD)
    told = run(path)
    assert f"{path}: 3 of 5 rows in quarantine" in told
    assert "     2  40.0%  energy: outside 0..1 share           x.csv:2" in told
    assert "warning: only 2 tracks were kept" in told
    assert list(work.iterdir()) == []
    assert "rows in quarantine" in run(write(tmp_path / "all bad.csv", [{"energy": "7"}] * 2))
    with pytest.raises(CorpusRejected, match="there are no rows"):
        run(write(tmp_path / "none.csv", []))


def test_files_of_tracks_are_read_by_the_columns_they_are_said_to_have(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("artist,hits\nA,7\nB,700\n", encoding="utf-8")
    with pytest.raises(CorpusRejected, match="popularity=NAME"):
        run(path)
    assert "1 of 2 rows in quarantine" in run(path, "--column", "popularity=hits")
    with pytest.raises(InvalidParameter, match="--column"):
        run(path, "--column", "hits")


def test_a_folder_of_a_step_is_read(tmp_path: Path, quarantine: pa.Table) -> None:
    assert quarantine.num_rows == 4
    for path in (tmp_path / "first", tmp_path / "first" / QUARANTINE):
        assert "4 of 6 rows in quarantine" in run(path)


def test_rows_are_written_and_printed(tmp_path: Path, quarantine: pa.Table) -> None:
    assert quarantine.num_rows == 4
    out = tmp_path / "rows.csv"
    assert "2 rows in" in run(tmp_path / "first", "--reason", "energy", "--csv", out)
    assert len(out.read_text(encoding="utf-8").splitlines()) == 4  # a header, and two rows, of which one has two lines
    lines = run(tmp_path / "first", "--json").splitlines()
    assert [json.loads(line)["row"] for line in lines] == [2, 3, 4, 6]
    with pytest.raises(InvalidParameter, match="cannot write"):
        run(tmp_path / "first", "--csv", tmp_path / "no" / "folder.csv")


def test_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(PublicationConflict, match="no publication label in"):
        run("label", "--to", tmp_path)
    with pytest.raises(CorpusRejected, match="no file or folder"):
        run(tmp_path / "nothing.csv")
