"""`encore quarantine` says for what its options are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.quarantining import find
from schemas.errors import InvalidParameter
from schemas.quarantine import QUARANTINE, quarantine_schema

if TYPE_CHECKING:
    from pathlib import Path


def explained(command: str, option: str) -> str:
    """Return what the help of a command says of an option."""
    said = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).output
    plain = re.sub(r"[\s│]+", " ", re.sub(r"\x1b\[[\d;]*m", "", said))
    return plain.partition(f"{option} CANONICAL=THEIRS ")[2].partition(" --")[0].partition(" ╰")[0]


def test_columns_are_explained_as_for_a_refit() -> None:
    assert explained("refit", "--column").startswith("Which of the corpus's columns is which, where")
    assert explained("quarantine", "--column") == explained("refit", "--column")


def test_columns_of_what_has_been_read_are_no_matter_of_choice(tmp_path: Path) -> None:
    pq.write_table(quarantine_schema().empty_table(), tmp_path / QUARANTINE)
    assert find(str(tmp_path / "to"), str(tmp_path)).table.num_rows == 0
    with pytest.raises(InvalidParameter, match=r"--column is for files of tracks, and .* has been read already: leave"):
        find(str(tmp_path / "to"), str(tmp_path), ["popularity=score"])
