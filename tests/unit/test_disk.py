"""A full disk is told from other trouble, and said in a sentence."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from tasks.disk import is_full, no_room

if TYPE_CHECKING:
    from pathlib import Path


def from_another(error: Exception) -> Exception:
    """Return an error that was raised because of one."""
    raised = RuntimeError("the file could not be closed")
    raised.__cause__ = error
    return raised


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), True),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), True),
        (OSError("Unable to flush file (errno = 28, error message = 'No space left on device')"), True),
        (RuntimeError("(sqlite3.OperationalError) database or disk is full"), True),
        (from_another(OSError(errno.ENOSPC, "x")), True),
        (OSError(errno.EIO, os.strerror(errno.EIO)), False),
        (ValueError("28"), False),
    ],
)
def test_told_from_other_trouble(error: Exception, full: bool) -> None:  # noqa: FBT001 - what is expected
    assert is_full(error) is full


def test_the_sentence(tmp_path: Path) -> None:
    from tasks.group import grouping

    try:
        grouping.group_tracks(tmp_path / "none", None, tmp_path)  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001 - whatever it is, it came through the step
        said = str(no_room(error, [tmp_path / "not" / "there"]))
    assert said.startswith("the disk was full while group was at work: ")
    assert " MB free now that what was half-written is gone; make room there or choose another folder" in said
    assert str(no_room(OSError("x"), [tmp_path])).startswith("the disk was full: ")
