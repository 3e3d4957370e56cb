"""Another program, watched: what it tells, how long it may take, and that nothing of it is left when it is over."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_LOOK_EVERY_SECONDS = 0.25
_CHUNK = 1 << 16
# What is longer than this without an end of line is no news.
_LONGEST_LINE = 1 << 20
_OOM_KILLS = Path("/proc/vmstat")


class TookTooLong(Exception):
    """The program did not end in the time that it had."""


class Ended(NamedTuple):
    """How a program ended.

    Parameters
    ----------
    status : int
        Its exit status; below 0, the signal that killed it.
    out_of_memory : bool or None
        Whether the system killed something for want of memory meanwhile; None where the system does not tell.
    """

    status: int
    out_of_memory: bool | None


def watch(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    log: Path,
    folder: Path,
    heard: Callable[[dict[str, Any]], None] = lambda _news: None,
    seconds: float | None = None,
    keep: Sequence[int] = (),
) -> Ended:
    """Run a program to its end.

    It has a session of its own, so that Ctrl-C reaches us alone; whatever ends this function ends the program and all
    that it started. Its standard input is a pipe that closes with this process, however that ends.

    Parameters
    ----------
    command : sequence of str or Path
    environment : mapping
    log : Path
        Where its standard error goes, appended.
    folder : Path
        Where it works.
    heard : callable
        Given each line of its standard output that is a JSON object.
    seconds : float, optional
        How long it may take.
    keep : sequence of int
        Descriptors that it keeps open.

    Returns
    -------
    Ended

    Raises
    ------
    TookTooLong
    """
    kills = _oom_kills()
    with log.open("ab") as errors:
        process = subprocess.Popen(  # noqa: S603 - a list of our own making, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=folder,
            env=environment,
            pass_fds=keep,
            start_new_session=True,
        )
    try:
        status = _listen(process, heard, None if seconds is None else time.monotonic() + seconds)
    finally:
        # The whole session: what the program has started does not outlive it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
    after = _oom_kills()
    return Ended(status, None if kills is None or after is None else after > kills)


def _listen(process: subprocess.Popen[bytes], heard: Callable[[dict[str, Any]], None], deadline: float | None) -> int:
    rest = b""
    with selectors.DefaultSelector() as selector:
        if process.stdout:
            selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if deadline is not None and time.monotonic() > deadline:
                raise TookTooLong
            ready = selector.select(_LOOK_EVERY_SECONDS)
            chunk = os.read(ready[0][0].fd, _CHUNK) if ready else b""
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest if len(rest) <= _LONGEST_LINE else b""
            for line in lines:
                news = _parsed(line)
                if news is not None:
                    heard(news)
            # A process that it has started may hold the pipe open after its own end.
            if not chunk and process.poll() is not None:
                return process.returncode
            if ready and not chunk:  # it has closed its end, and goes on
                selector.unregister(ready[0][0].fileobj)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        news = json.loads(line)
    except ValueError:
        return None
    return news if isinstance(news, dict) else None


def _oom_kills() -> int | None:
    """Return how many processes Linux has killed for want of memory since it started."""
    try:
        lines = _OOM_KILLS.read_text(encoding="ascii").splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)
    except (OSError, ValueError):
        return None


def tail(log: Path, lines: int = 12, longest: int = 16_384) -> list[str]:
    """Return the last lines of a log that are not blank, as far as they can be printed."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - longest))
        said = file.read().decode(errors="replace").splitlines()
        return [line[:300] for line in map(_shown, said) if line][-lines:]
    return []


def printable(text: str) -> str:
    """Return some text on one line, as far as it can be printed."""
    return _shown(" ".join(text.split()))


def _shown(line: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in line.rstrip())
