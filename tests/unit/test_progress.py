"""Progress: what is said, how often, and what happens where nobody can show it."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import pytest

from flows.bar import StepHandler
from tasks import progress as module
from tasks.progress import BAR, LOGGER, Done, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


class Terminal(io.StringIO):
    """A file that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    handler = StepHandler(stream)
    levels = BAR.level, LOGGER.level
    for logger in (BAR, LOGGER):
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield stream
    for logger, level in zip((BAR, LOGGER), levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_the_log_has_a_line_every_few_seconds(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "encore")
    progress = Progress("ingest", "rows")
    progress.begin()
    for second in range(1, 13):
        clock.now = 100.0 + second
        progress(second * 1000, 12_000)
    progress.finish("done")
    assert caplog.messages == [
        "ingest  5,000 of 12,000 (42%) rows, 1,000 a second",
        "ingest  10,000 of 12,000 (83%) rows, 1,000 a second",
        "ingest  done (12.0 s)",
    ]


def test_an_artifact_is_made_once_and_changed_as_seldom(clock: Clock) -> None:
    said: list[tuple[str, dict[str, Any]]] = []

    def create(**what: Any) -> str:
        said.append(("create", what))
        return "id"

    progress = Progress("ingest", "rows", create, lambda **what: said.append(("update", what)))
    progress.begin()
    for second in range(1, 12):
        clock.now = 100.0 + second
        progress(second, 20)
    clock.now = 120.0
    progress(20)  # where nobody knows how many there are
    progress.finish("all")
    assert [(kind, what["progress"]) for kind, what in said] == [
        ("create", 0.0),
        ("update", 25.0),
        ("update", 50.0),
        ("update", 0.0),
        ("update", 100.0),
    ]
    assert said[0][1]["key"] == "ingest-progress"
    assert {what["artifact_id"] for kind, what in said if kind == "update"} == {"id"}
    assert said[1][1]["description"] == "ingest: 5 of 20 (25%) rows, 1 a second"


def test_work_goes_on_where_progress_cannot_be_shown(clock: Clock) -> None:
    told = []

    def fail(**what: Any) -> None:
        told.append(what)
        raise ConnectionError

    progress = Progress("ingest", "rows", lambda **_: "id", fail)
    progress.begin()
    for second in (10, 20, 30):
        clock.now = 100.0 + second
        progress(second, 30)
    progress.finish("all")
    assert len(told) == 1  # and is not tried for ever


def test_nothing_is_shown_of_what_was_not_begun() -> None:
    Progress("ingest", "rows", pytest.fail, pytest.fail).finish("nothing new")


def test_a_terminal_has_one_line_that_is_written_over(clock: Clock, terminal: Terminal) -> None:
    progress = Progress("ingest", "rows")
    progress.begin()
    for tick in range(1, 101):
        clock.now = 100.0 + tick / 10
        progress(tick * 10, 1000)
    LOGGER.info("something else")
    progress.finish("done")
    drawn = terminal.getvalue()
    lines = drawn.split("\r\x1b[K")
    assert drawn.count("\n") == 2
    assert lines[-1] == "something else\ningest  done (10.0 s)\n"
    assert 30 <= len(lines) <= 52  # five a second, and not a hundred
    assert "ingest " in lines[1]
    assert "━" in lines[1]
    assert lines[-2].endswith(" 990 of 1,000 (99%) rows, 100 a second")
    assert not BAR.propagate  # or the log of a run would have all of them


def test_a_file_has_lines_and_no_bar() -> None:
    stream = io.StringIO()
    handler = StepHandler(stream)
    assert not handler.draws
    record = logging.makeLogRecord({"msg": "5 rows", "progress": Done("ingest", "rows", 5, None, 1.0)})
    handler.emit(record)
    assert stream.getvalue() == "5 rows\n"


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_bar_never_wraps(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.text import Text

    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    for of in (None, 10_000_000, 0):
        done = Done("ingest", "rows", 1_234_567, of, 456_789.0)
        StepHandler(stream).emit(logging.makeLogRecord({"msg": "", "progress": done}))
    for line in stream.getvalue().split("\r\x1b[K"):
        assert len(Text.from_ansi(line).plain) <= columns
    assert "\n" not in stream.getvalue()


def test_names_of_strangers_drive_no_terminal(terminal: Terminal) -> None:
    LOGGER.warning("%-7s %s", "ingest", "\x1b]0;title\x07 \u202eevil\nfaked line <script>")
    assert terminal.getvalue().count("\n") == 1
    assert "�]0;title� �evil�faked line <script>" in terminal.getvalue()
