"""Says how far long work is, at most every few seconds: to the terminal and, in a Prefect run, to its log."""

from __future__ import annotations

import logging
import time

LOGGER = logging.getLogger("encore")
_EVERY_SECONDS = 5.0


class Progress:
    """Progress of one step.

    Parameters
    ----------
    step : str
        Its name.
    unit : str
        What is counted: rows, partitions, iterations.
    """

    def __init__(self, step: str, unit: str) -> None:
        self.step, self.unit = step, unit
        self.started = self._last = time.monotonic()

    def __call__(self, done: int, of: int | None = None) -> None:
        """Say that `done` (of `of`, if that is known) are done, unless something was said just now."""
        now = time.monotonic()
        if now - self._last < _EVERY_SECONDS:
            return
        self._last = now
        share = f" of {of:,} ({done / of:.0%})" if of else ""
        rate = done / max(now - self.started, 1e-9)
        LOGGER.info("%-7s %s%s %s, %s a second", self.step, f"{done:,}", share, self.unit, f"{rate:,.0f}")

    def finish(self, sentence: str) -> None:
        """Say what came of it, and how long it took."""
        LOGGER.info("%-7s %s (%.1f s)", self.step, sentence, time.monotonic() - self.started)
