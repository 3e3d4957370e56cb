"""Processes that `encore serve` keeps running, and ends with itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OWNER = "ENCORE_SERVE_OWNER"
_PROCESSES = Path("/proc")
_LOG_BYTES = 5_000_000
_LONGEST_PAUSE = 60.0
# One that has run for this long is not one that cannot start.
_STEADY_SECONDS = 60.0


@dataclass
class Child:
    """A process that is started again when it ends by itself.

    Parameters
    ----------
    name : str
    command : sequence of str
    environment : mapping
    folder : Path
        Where it runs.
    log : Path
        What it says goes here; the last run's stays beside it once it is large.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _started: float = field(default=0.0, init=False)
    _pause: float = field(default=1.0, init=False)
    _again: float = field(default=0.0, init=False)

    def start(self) -> None:
        """Start it, in a session of its own: a terminal's Ctrl-C is for us, and we tell it in turn."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
                self.command,
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started = time.monotonic()

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def look_after(self) -> str:
        """Start it again if it has ended, later and later if it keeps ending; return what there is to say."""
        if self.running:
            return ""
        now = time.monotonic()
        if not self._again:
            steady = now - self._started > _STEADY_SECONDS
            self._pause = 1.0 if steady else min(2 * self._pause, _LONGEST_PAUSE)
            self._again = now + self._pause
            code = self.process.returncode if self.process else None
            return (
                f"the {self.name} has ended ({_ending(code)}); it is started again in {self._pause:.0f} s: {self.log}"
            )
        if now < self._again:
            return ""
        self._again = 0.0
        self.start()
        return f"the {self.name} runs again"

    def stop(self, seconds: float) -> None:
        """Ask it to end, and end it and what it started if it has not done so in time."""
        if self.process is None:
            return
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"exit code {code}"


def owned(by: str) -> list[int]:
    """Return the ids of processes that were started, at whatever remove, by the `encore serve` that is marked `by`.

    None where the system has no ``/proc``.
    """
    mark = f"{OWNER}={by}".encode()
    return [process for process, environment in _environments() if mark in environment]


def orphaned() -> list[int]:
    """Return the ids of processes whose `encore serve` has been killed."""
    found = []
    for process, environment in _environments():
        owner = next((entry for entry in environment if entry.startswith(f"{OWNER}=".encode())), b"")
        number = owner.partition(b"=")[2].partition(b"-")[0].decode(errors="replace")
        if number.isdigit() and not (_PROCESSES / number).exists():
            found.append(process)
    return found


def _environments() -> Iterable[tuple[int, list[bytes]]]:
    for folder in _PROCESSES.glob("[0-9]*"):
        # Other users' processes cannot be read, and any may end while we look.
        with contextlib.suppress(OSError):
            if int(folder.name) != os.getpid():
                yield int(folder.name), (folder / "environ").read_bytes().split(b"\0")


def end(processes: Sequence[int], seconds: float = 10.0) -> None:
    """End processes that are not our children: asked first, then killed."""
    for each in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(each, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    left = list(processes)
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = [each for each in left if (_PROCESSES / str(each)).exists() and not _is_zombie(each)]
    for each in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(each, signal.SIGKILL)


def _is_zombie(process: int) -> bool:
    try:
        return (_PROCESSES / str(process) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
