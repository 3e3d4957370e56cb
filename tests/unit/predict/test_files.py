"""Files of requests in, files of predictions out, and the command line around them."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from flows.cli import app
from schemas.errors import InvalidParameter
from schemas.predictions import predictions_schema
from tasks.predict import Predictor
from tasks.predict.reading import read_columns
from tasks.predict.writing import predictions_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Made

REQUESTS: list[dict[str, Any]] = [
    {"artist": "Eminem", "energy": 0.5, "genres": "pop"},
    {"artist": '"quoted", twice', "energy": None, "genres": None},
    {"artist": "new\nline", "energy": None, "genres": "rock;pop"},
    {"artist": None, "energy": 1.0, "genres": None},
    {"artist": None, "energy": None, "genres": None},
    {"artist": "Eminem", "energy": 0.5, "genres": "pop"},
]


def as_csv(path: Path) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, ["artist", "energy", "genres"])
        writer.writeheader()
        writer.writerows(REQUESTS)
    return path


def as_json(path: Path) -> Path:
    lines = [json.dumps({name: value for name, value in row.items() if value is not None}) for row in REQUESTS]
    path.write_text("\n".join([*lines[:2], "", *lines[2:]]) + "\n", encoding="utf-8")
    return path


def as_parquet(path: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(REQUESTS), path)
    return path


def predicted(made: Made, *arguments: object, stdin: str | None = None) -> Any:
    to = made.folder.parents[2]
    return CliRunner().invoke(app, ["predict", "small", *map(str, arguments), "--to", str(to)], input=stdin)


@pytest.fixture
def answers(made: Made) -> pa.Table:
    return Predictor.open(made.folder).predict(REQUESTS)


def close(table: pa.Table, answers: pa.Table) -> None:
    assert table.column_names == answers.column_names
    for name in ("row", "artist", "tracks", "basis"):
        assert table[name].to_pylist() == answers[name].to_pylist()
    for name in ("mean", "sd", "low", "high", "p_zero", "p_hundred"):
        assert table[name].to_pylist() == pytest.approx(answers[name].to_pylist(), abs=2e-8)


@pytest.mark.parametrize("write", [as_csv, as_json, as_parquet])
@pytest.mark.parametrize("size", [2, 4096])
def test_requests_are_read_from_any_form(
    made: Made,
    answers: pa.Table,
    tmp_path: Path,
    write: Callable[[Path], Path],
    size: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tasks.predict.reading.ROWS", size)
    path = write(tmp_path / {as_csv: "a.csv", as_json: "a.jsonl", as_parquet: "a.parquet"}[write])
    result = predicted(made, "--from", path, "--out", tmp_path / "out.parquet")
    assert result.exit_code == 0, result.exception
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.equals(predictions_schema(), check_metadata=True)
    close(table, answers)
    assert result.stdout == f"6 predictions in {tmp_path}/out.parquet, 2 of them of artists nobody has seen\n"


@pytest.mark.parametrize("write", [as_csv, as_json])
def test_standard_input_is_told_apart(
    made: Made, answers: pa.Table, tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    text = write(tmp_path / "a").read_text(encoding="utf-8")
    result = predicted(made, "--from", "-", "--out", tmp_path / "out.parquet", stdin=text)
    assert result.exit_code == 0, result.exception
    close(pq.read_table(tmp_path / "out.parquet"), answers)


def test_predictions_are_written_in_any_form(made: Made, answers: pa.Table, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "a.csv")
    for ending in ("csv", "json", "jsonl"):
        out = tmp_path / f"out.{ending}"
        assert predicted(made, "--from", path, "--out", out).exit_code == 0
        text = out.read_text(encoding="utf-8")
        if ending == "csv":
            rows = list(csv.DictReader(io.StringIO(text)))
            assert rows[2]["artist"] == "new\nline"
            table = pa.table({name: [row[name] or None for row in rows] for name in answers.column_names})
            table = table.cast(pa.schema([pa.field(field.name, field.type) for field in predictions_schema()]))
        else:
            records = json.loads(text) if ending == "json" else [json.loads(line) for line in text.splitlines()]
            table = pa.Table.from_pylist(records)
        close(table, answers)
    assert {each.name for each in tmp_path.iterdir()} == {"a.csv", "out.csv", "out.json", "out.jsonl"}


@pytest.mark.parametrize(("name", "text"), [("a.csv", "artist,energy\n"), ("a.jsonl", "\n"), ("a.csv", "artist\n\n")])
def test_no_requests_give_no_predictions(made: Made, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    for ending in ("csv", "json", "jsonl", "parquet"):
        result = predicted(made, "--from", tmp_path / name, "--out", tmp_path / f"out.{ending}")
        assert result.exit_code == 0, result.exception
        assert "0 predictions in" in result.stdout
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8")) == []
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines() == [",".join(predictions_schema().names)]
    assert "expected" in predicted(made, "--from", tmp_path / name).stdout


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "a.csv is empty: its first line names the columns"),
        ("a.csv", b"artist,energy\nx,0.5\ny\n", "row 2 of a.csv has 1 fields, and the header 2"),
        ("a.csv", b"artist,energy,energy\n", "a.csv has two columns 'energy'"),
        ("a.csv", b'artist\n"x\n', "a.csv, line 2, cannot be read as CSV"),
        ("a.csv", b"artist\ncaf\xe9\n", "is not UTF-8 text; save it as UTF-8"),
        ("a.csv", b"artist,energy\nx,0.5\ny,2\n", "row 2: energy is 2, and can only be within 0..1 share"),
        ("a.jsonl", b'{"artist": "x"}\n{"artist"\n', "a.jsonl, line 2, is no JSON"),
        ("a.jsonl", b"[1]\n", "a.jsonl, line 1, is no JSON object"),
        ("a.parquet", b"PAR1", "a.parquet is not a whole Parquet file"),
        ("a.xlsx", b"", "ends in .xlsx: requests are read from .csv, .parquet, .jsonl, .ndjson"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_and_nothing_is_written(
    made: Made, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "out.csv").write_text("what was there", encoding="utf-8")
    result = predicted(made, "--from", tmp_path / name, "--out", tmp_path / "out.csv")
    assert isinstance(result.exception, InvalidParameter)
    assert said in str(result.exception)
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "what was there"
    assert {each.name for each in tmp_path.iterdir()} == {name, "out.csv"}


def test_a_large_file_is_read_and_written_some_rows_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_text("artist\n" + "x\n" * 10_000, encoding="utf-8")
    sizes = [len(columns["artist"]) for columns in read_columns(str(path))]
    assert sum(sizes) == 10_000
    assert max(sizes) <= 4096
    written = {name: [0.5] * 3 for name in predictions_schema().names} | {"row": [1, 2, 3], "tracks": [0, 0, 0]}
    written |= {"artist": [None] * 3, "basis": ["x"] * 3, "sd": [float("nan")] * 3}
    for ending in ("csv", "jsonl", "parquet"):
        with predictions_file(tmp_path / f"a.{ending}") as write:
            for _ in range(3):
                write(written)
    assert pq.read_table(tmp_path / "a.parquet")["sd"].null_count == 9
    assert len((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()) == 10
    assert json.loads((tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()[8])["sd"] is None


# --- the command line -------------------------------------------------------------------------------------------------


def test_a_table_has_a_line_an_artist(made: Made) -> None:
    result = predicted(made, "--artist", "Eminem", "--artist", "eminen", "--new", "--artist", "new\nline")
    assert result.exit_code == 0, result.exception
    header, *rows = result.stdout.splitlines()
    assert header.split() == ["artist", "basis", "expected", "90%", "interval", "at", "0", "at", "100"]
    assert [row.split()[0] for row in rows] == ["Eminem", "eminen", "new�line", "(new)"]
    assert rows[1].split()[1:] == rows[3].split()[1:]
    assert result.stderr == "encore: small has seen no artist 'eminen': predicted as a new one; there is 'Eminem'\n"


def test_what_is_said_of_the_track_is_used(made: Made) -> None:
    options = ("--artist", "Eminem", "--feature", "energy=0.9", "--feature", " loudness = -3 ", "--genre", "rock")
    result = predicted(made, *options, "--genre", "hip;hop", "--interval", 0.5)
    (row,) = (
        Predictor.open(made.folder)
        .predict([{"artist": "Eminem", "energy": 0.9, "loudness": -3, "genres": ["rock", "hip;hop"]}], interval=0.5)
        .to_pylist()
    )
    assert f" {row['mean']:.1f} " in result.stdout
    assert f"{row['low']:.1f} to {row['high']:.1f}" in result.stdout
    assert "50% interval" in result.stdout


def test_a_long_table_says_that_there_is_more(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("artist\n" + "Eminem\n" * 50, encoding="utf-8")
    result = predicted(made, "--from", path)
    assert len(result.stdout.splitlines()) == 21
    assert "more rows than these 20" in result.stderr


def test_columns_that_are_not_read_are_named_once(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("track_name,energy,tempo\x1b[31m\n" + "x,0.5,120\n" * 9000, encoding="utf-8")
    result = predicted(made, "--from", path, "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.exception
    assert result.stderr.splitlines() == [
        "encore: columns that predictions do not read: track_name, tempo�[31m",
        "encore: there is no column artist: each row is predicted as one of an artist nobody has seen",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "whose next track? Give --artist NAME, --new for an artist nobody has seen, or --from FILE"),
        (("--from", "a.csv", "--new"), "leave out --artist, --new, --feature and --genre"),
        (("--from", "none.csv"), "cannot read none.csv: No such file"),
        (("--new", "--feature", "energy"), "--feature energy: write a name and a value"),
        (("--new", "--feature", "energy=1", "--feature", "energy=0"), "energy is given twice"),
        (("--new", "--feature", "tempo=120"), "--feature tempo: small has energy, loudness"),
        (("--new", "--feature", "energy=2"), "energy is 2, and can only be within 0..1 share"),
        (("--new", "--genre", "pip"), "the model knows no genre 'pip'; there is 'pop'"),
        (("--new", "--interval", "90"), "interval is 90; give a probability between 0 and 1"),
        (("--new", "--out", "a.xlsx"), "--out a.xlsx: the file has to end in .csv or .parquet or .json or .jsonl"),
        (("--new", "--out", "nowhere/a.csv"), "there is no folder"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(made: Made, arguments: tuple[str, ...], said: str) -> None:
    result = predicted(made, *arguments)
    assert isinstance(result.exception, InvalidParameter)
    assert said in str(result.exception)
    assert "row" not in str(result.exception).partition(":")[0]


def test_draws_are_written_as_arviz_opens_them(made: Made, tmp_path: Path) -> None:
    import xarray as xr

    def drawn(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["draws", "small", *arguments, "--to", str(made.folder.parents[2])])

    out = tmp_path / "draws.nc"
    result = drawn("--artist", "Eminem", "--artist", "東京事変", "--artist", "Eminem", "--out", str(out))
    assert result.exit_code == 0, result.exception
    assert result.stdout == f"draws of 2 artists in {out}\n"
    posterior = xr.load_datatree(out, engine="h5netcdf")["posterior"].to_dataset()
    assert dict(posterior.sizes) == {"chain": 2, "draw": 150, "artist": 2}
    predictor = Predictor.open(made.folder)
    assert (posterior["artist_effect"].sel(artist="東京事変") == predictor.artist_draws(["東京事変"])[..., 0]).all()
    assert (abs(posterior["artist_level"] - predictor.level_draws(["Eminem", "東京事変"])) < 1e-9).all()
    again = tmp_path / "again.nc"
    drawn("--artist", "Eminem", "--artist", "東京事変", "--out", str(again))
    assert again.read_bytes() == out.read_bytes()
    for arguments, said in (
        (("--artist", "eminen", "--out", str(out)), "there is 'Eminem'"),
        (("--artist", "Eminem", "--out", "draws.csv"), "has to end in .nc"),
    ):
        assert said in str(drawn(*arguments).exception)
