"""`encore publications`, `diff`, `promote`, `verify` and `prune`."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
import tiny
from typer.testing import CliRunner

from flows.cli import app, main
from flows.terminal import print_line
from schemas.errors import EncoreError, InvalidParameter, PublicationConflict
from tasks.stores import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

HOSTILE = (
    "<script>alert(1)</script>",
    "\x1b[2J\x1b[31mred\nline\tTab\r",
    "\u202egnp.exe",
    "A" * 5000,
    "../../etc",
    " ",
)
KEYS = ("a1" * 16, "b2" * 16)


@pytest.fixture
def made(tmp_path: Path) -> list[str]:
    """Publish two versions; artists of both have names that somebody chose to do harm."""
    store = open_store(tmp_path)
    one = tiny.artists(*((name, 2, 50.0 - place, 2.0) for place, name in enumerate(HOSTILE)), ("Ann", 1, 20.0, 1.0))
    other = tiny.artists(*((name, 3, 45.0 + place, 2.0) for place, name in enumerate(HOSTILE)), ("Bob", 1, 20.0, 1.0))
    return [
        tiny.release(store, key=key, files={"artists.parquet": artists})
        for key, artists in zip(KEYS, (one, other), strict=True)
    ]


def encore(*words: str, to: Path) -> Result:
    return CliRunner().invoke(app, [*words, "--to", str(to)])


def refused(*words: str, to: Path) -> EncoreError:
    result = encore(*words, to=to)
    assert isinstance(result.exception, EncoreError), result.output
    return result.exception


def test_publications_and_their_versions_are_listed(made: list[str], tmp_path: Path) -> None:
    said = encore("publications", to=tmp_path).output
    assert f"weekly         2  {made[1]}" in said
    said = encore("publications", "weekly", to=tmp_path).output.splitlines()
    assert said[1].startswith(f"*  {made[1]}")
    assert said[2].startswith(f"   {made[0]}")
    listed = json.loads(encore("publications", "weekly", "--json", to=tmp_path).output)
    assert [(row["version"], row["current"]) for row in listed] == [(made[1], True), (made[0], False)]
    assert list(json.loads(encore("publications", "--json", to=tmp_path).output)) == ["weekly"]


def test_of_none_there_is_a_sentence(tmp_path: Path) -> None:
    assert f"nothing is published in {tmp_path}; make something" in encore("publications", to=tmp_path).output
    assert "there is no publication weekly" in str(refused("publications", "weekly", to=tmp_path))


def test_a_difference_is_told_from_the_version_before_to_the_current_one(made: list[str], tmp_path: Path) -> None:
    said = encore("diff", "weekly", to=tmp_path).output
    assert said.startswith(f"weekly, from {made[0]} to {made[1]}\n6 artists in both, 1 came, 1 went; ")
    assert "\ncame\n" in said
    assert "\nwent\n" in said
    back = encore("diff", "weekly", made[1], made[0][:16], "--top", "1", to=tmp_path).output
    assert back.startswith(f"weekly, from {made[1]} to {made[0]}\n")


@pytest.mark.parametrize("words", [("diff", "weekly"), ("show", "weekly")])
@pytest.mark.usefixtures("made")
def test_names_of_strangers_do_not_drive_a_terminal(tmp_path: Path, words: tuple[str, ...]) -> None:
    said = encore(*words, to=tmp_path).output
    assert all(letter.isprintable() or letter == "\n" for letter in said)
    assert "<script>alert(1)</script>" in said or "<script>alert(1)</scri" in said
    assert max(len(line) for line in said.splitlines()) < 200


def test_every_artist_can_be_had_as_csv_and_as_json(made: list[str], tmp_path: Path) -> None:
    path = tmp_path / "diff.csv"
    assert "8 artists in" in encore("diff", "weekly", "--csv", str(path), to=tmp_path).output
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["artist"] for row in rows} == {*HOSTILE, "Ann", "Bob"}
    assert [row["status"] for row in rows] == ["stayed"] * 6 + ["came", "went"]
    found = json.loads(encore("diff", "weekly", "--json", to=tmp_path).output)
    assert (found["before"], found["after"]) == tuple(made)
    assert [row["artist"] for row in found["came"]] == ["Bob"]
    assert {row["artist"] for row in found["stayed"]} == set(HOSTILE)
    assert "cannot write" in str(refused("diff", "weekly", "--csv", str(tmp_path / "no" / "x.csv"), to=tmp_path))


def test_rolling_back_and_forward(made: list[str], tmp_path: Path) -> None:
    assert encore("promote", "weekly", "a1", to=tmp_path).output == (
        f"weekly: {made[0]} is current now, {made[1]} was\n"
    )
    assert "is current already" in encore("promote", "weekly", made[0], to=tmp_path).output
    assert (
        f"{made[1]} is there, but this one was chosen with encore promote"
        in encore("show", "weekly", to=tmp_path).output
    )
    assert f"{made[1]} is current now" in encore("promote", "weekly", "newest", to=tmp_path).output


def test_every_version_is_verified(made: list[str], tmp_path: Path) -> None:
    assert encore("verify", "weekly", to=tmp_path).output == f"weekly {made[1]}: 1 files, each as it was published\n"
    (tmp_path / "weekly" / "versions" / made[0] / "artists.parquet").write_bytes(b"x")
    assert encore("verify", "weekly", to=tmp_path).exit_code == 0
    result = encore("verify", "weekly", "--all", to=tmp_path)
    assert isinstance(result.exception, PublicationConflict)
    assert str(result.exception) == "1 of 2 versions of weekly are damaged"
    assert f"weekly {made[0]} is damaged: artists.parquet has changed" in result.output
    assert "is damaged: artists.parquet has changed" in str(refused("verify", "weekly", "previous", to=tmp_path))


def test_pruning_says_what_goes(made: list[str], tmp_path: Path) -> None:
    said = encore("prune", "weekly", "--keep", "1", "--dry-run", to=tmp_path).output
    assert said.startswith(f"would remove weekly {made[0]}, ")
    assert "1 version of weekly kept" in said
    assert open_store(tmp_path).versions("weekly") == made
    assert encore("prune", "weekly", "--keep", "1", to=tmp_path).output.startswith(f"removed weekly {made[0]}, ")
    assert open_store(tmp_path).versions("weekly") == made[1:]
    assert "0 results in" in encore("prune", "--work", to=tmp_path).output


@pytest.mark.parametrize("words", [("prune", "weekly"), ("prune", "weekly", "--keep", "0"), ("prune", "--keep", "2")])
def test_pruning_wants_to_know_what(made: list[str], tmp_path: Path, words: tuple[str, ...]) -> None:
    assert isinstance(refused(*words, to=tmp_path), InvalidParameter)
    assert open_store(tmp_path).versions("weekly") == made


def test_nothing_printed_drives_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    print_line("one\x1b[31m\rred\n\u202etwo\x07")
    folder = str(tmp_path / "\x1b]0;title\x07")
    monkeypatch.setattr("sys.argv", ["encore", "verify", "weekly", "\x1b[2Jx", "--to", folder])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 5
    said = capsys.readouterr()
    assert said.out.replace("\N{REPLACEMENT CHARACTER}", "?") == "one?[31m?red\n?two?\n"
    assert all(letter.isprintable() or letter == "\n" for letter in said.err)
