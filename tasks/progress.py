"""Says how far long work is: to the log every few seconds, and beside it to a bar and to an artifact in the UI."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOGGER = logging.getLogger("encore")
# Not below it: what a terminal draws several times a second is nothing to keep in the log of a run.
BAR = logging.getLogger("encore-bar")
BAR.propagate = False
_EVERY_SECONDS = 5.0
_DRAWN_EVERY_SECONDS = 0.2


@dataclass(frozen=True)
class Done:
    """How far a step is; records of the log carry it as ``progress``, for who draws it instead."""

    step: str
    unit: str
    done: int
    of: int | None
    rate: float

    @property
    def sentence(self) -> str:
        """What is done, of how much, and how fast."""
        share = f" of {self.of:,} ({self.done / self.of:.0%})" if self.of else ""
        return f"{self.done:,}{share} {self.unit}, {self.rate:,.0f} a second"


class Progress:
    """Progress of one step.

    Parameters
    ----------
    step : str
        Its name.
    unit : str
        What is counted: rows, partitions, iterations.
    create : callable, optional
        Makes something that shows progress elsewhere, from ``progress`` in percent, ``key`` and ``description``, and
        returns its id.
    update : callable, optional
        Changes it, by that id.
    """

    def __init__(
        self,
        step: str,
        unit: str,
        create: Callable[..., object] | None = None,
        update: Callable[..., object] | None = None,
    ) -> None:
        self.step, self.unit = step, unit
        self.started = self._last = self._drawn = time.monotonic()
        self._create, self._update = create, update
        self._shown: object = None

    def begin(self) -> None:
        """Say that there is work to do, and that it starts now."""
        self.started = self._last = self._drawn = time.monotonic()
        if self._create:
            self._shown = self._told(self._create, 0.0, "begins", key=f"{self.step}-progress")

    def __call__(self, done: int, of: int | None = None) -> None:
        """Say that `done` (of `of`, if that is known) are done, unless something was said just now."""
        now = time.monotonic()
        if now - self._drawn < _DRAWN_EVERY_SECONDS:
            return
        self._drawn = now
        said = Done(self.step, self.unit, done, of, done / max(now - self.started, 1e-9))
        BAR.info("%s", said.sentence, extra={"progress": said})
        if now - self._last < _EVERY_SECONDS:
            return
        self._last = now
        LOGGER.info("%-7s %s", self.step, said.sentence, extra={"progress": said})
        if self._update and self._shown:
            percent = 100 * min(done / of, 1.0) if of else 0.0
            self._told(self._update, percent, said.sentence, artifact_id=self._shown)

    def finish(self, sentence: str) -> None:
        """Say what came of it, and how long it took."""
        if self._update and self._shown:
            self._told(self._update, 100.0, sentence, artifact_id=self._shown)
        LOGGER.info("%-7s %s (%.1f s)", self.step, sentence, time.monotonic() - self.started)

    def _told(self, tell: Callable[..., object], percent: float, sentence: str, **which: object) -> object:
        try:
            return tell(progress=percent, description=f"{self.step}: {sentence}", **which)
        except Exception as error:  # noqa: BLE001 - whatever fails there, the work itself goes on
            LOGGER.debug("%-7s its progress cannot be shown any more: %s", self.step, error)
            self._create = self._update = None
            return None
