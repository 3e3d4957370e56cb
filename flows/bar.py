"""What the steps log, in a terminal: one line a step, and a bar while it is at work.

The bar is one line that is written over. Rich's live display would start a thread and take the cursor away, and neither
survives a run that is killed or that logs from other threads.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tasks.progress import Done

_WIDTH = 30
_LEAST_WIDTH = 5
_CLEAR = "\r\x1b[K"


class StepHandler(logging.StreamHandler[TextIO]):
    """Writes lines, and draws the bar of those that say how far a step is.

    Parameters
    ----------
    stream : file
    bars : bool
        Whether to draw; where not, or where the stream is no terminal, such lines are lines like all others.
    """

    def __init__(self, stream: TextIO, *, bars: bool = True) -> None:
        super().__init__(stream)
        self.draws = bars and stream.isatty()
        self._drawn = False

    def emit(self, record: logging.LogRecord) -> None:
        """Draw or write a record."""
        done: Done | None = getattr(record, "progress", None)
        if done is not None and self.draws:
            try:
                self.stream.write(_CLEAR + self._bar(done))
                self.flush()
            except Exception:  # noqa: BLE001 - as logging's own handlers do
                self.handleError(record)
            self._drawn = True
            return
        if self._drawn:
            self.stream.write(_CLEAR)
            self._drawn = False
        super().emit(record)

    def _bar(self, done: Done) -> str:
        from rich.console import Console
        from rich.progress_bar import ProgressBar

        console = Console(file=self.stream)
        room = console.width - len(done.step) - 4  # a line that wraps is not written over
        width = max(_LEAST_WIDTH, min(_WIDTH, room - len(done.sentence)))
        with console.capture() as captured:
            bar = ProgressBar(done.of, min(done.done, done.of or done.done), width=width)
            console.print(f"{done.step:<7} ", bar, end="", sep="", soft_wrap=True)
        drawn = captured.get().replace("\n", "")
        return f"{drawn} {done.sentence[: max(0, room - width)]}"
