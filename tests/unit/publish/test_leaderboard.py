"""The leaderboard in a terminal and in the Prefect UI."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len

from schemas.errors import PublicationConflict
from tasks.publish.leaderboard import leaderboard_markdown, leaderboard_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "0123456789abcdef" * 2


@pytest.fixture
def folder(release: Callable[..., Any], root: Path) -> Path:
    release(KEY)
    return root / "weekly" / "current"


def test_it_has_a_line_an_artist_in_the_order_of_rank(folder: Path) -> None:
    lines = leaderboard_text(folder, 5).splitlines()
    assert re.split(" {2,}", lines[0].strip()) == [
        "rank",
        "artist",
        "tracks",
        "raw mean",
        "posterior mean",
        "90% interval",
    ]
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3", "4", "5"]


def test_columns_line_up_whatever_the_names(folder: Path) -> None:
    lines = leaderboard_text(folder, 100).splitlines()
    assert len(lines) == 31
    assert {cell_len(line) for line in lines} <= set(range(60, 81))
    # Every interval starts in the same column.
    starts = {cell_len(line[: match.start()]) for line in lines[1:] if (match := re.search(r"\S+ to \S+$", line))}
    assert len(starts) == 1


def test_no_name_can_drive_the_terminal(folder: Path) -> None:
    text = leaderboard_text(folder, 100)
    assert "\x1b" not in text
    assert not [letter for letter in text if unicodedata.category(letter) == "Cc" and letter != "\n"]
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", text)
    assert "�[31mred" in text


def test_the_markdown_table_holds_its_shape(folder: Path) -> None:
    lines = leaderboard_markdown(folder, 30).splitlines()
    assert len(lines) == 32
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 7 for line in lines)
    assert not any("<" in line for line in lines)


def test_a_folder_that_is_no_publication_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PublicationConflict, match="is not a publication"):
        leaderboard_text(tmp_path)


def test_a_leaderboard_does_not_wait_for_pandas(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tasks.publish.leaderboard import leaderboard_text;"
        "print(leaderboard_text(Path(sys.argv[1])).count('to '));"
        "print(sorted({'pandas', 'matplotlib', 'xarray', 'scipy', 'arviz'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == ["10", "[]"]
