"""What goes wrong. Each is called in the process it happens to, or on what lies there before that starts."""

from __future__ import annotations

import errno
import os
import signal
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from runs import STEPS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

_CALLS = {"os.rename": 1, "os.mkdir": 0, "os.symlink": 1, "os.link": 1}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_PASSING = (errno.EIO, errno.ENOSPC, errno.ESTALE, errno.ETIMEDOUT)


def on_calls(places: tuple[str, ...], happen: Callable[[int], None]) -> None:
    """Have something happen in this process whenever Python is about to change a file in a place.

    Parameters
    ----------
    places : tuple of str
        Parts of paths.
    happen : callable
        Is given how many such calls there were before. What it raises, the call raises.
    """
    seen = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event == "open":
            if not isinstance(arguments[2], int) or not arguments[2] & _WRITES:
                return
            path = arguments[0]
        elif event in _CALLS:
            path = arguments[_CALLS[event]]
        else:
            return
        if isinstance(path, int) or not any(place in os.fsdecode(path) for place in places):
            return
        seen += 1
        happen(seen - 1)

    sys.addaudithook(hook)


def count(places: tuple[str, ...], into: Path) -> None:
    """Count the calls that `on_calls` would see, as the size of a file."""
    descriptor = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    on_calls(places, lambda _seen: os.write(descriptor, b"."))  # type: ignore[arg-type, return-value]


def killed(places: tuple[str, ...], call: int) -> None:
    """`kill -9` at a call."""

    def happen(seen: int) -> None:
        if seen == call:
            os.kill(os.getpid(), signal.SIGKILL)

    on_calls(places, happen)


def full(places: tuple[str, ...], call: int, into: Path) -> None:
    """No room on the disk, from a call on."""

    def happen(seen: int) -> None:
        if seen >= call:
            into.touch()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    on_calls(places, happen)


def fails_twice(places: tuple[str, ...], call: int, chance: random.Random, into: Path) -> None:
    """Two calls fail, one after the other; then storage works."""
    kind = chance.choice(_PASSING)

    def happen(seen: int) -> None:
        if call <= seen < call + 2:
            into.touch()
            raise OSError(kind, os.strerror(kind))

    on_calls(places, happen)


def clock_jumps(chance: random.Random) -> None:
    """Set the clock elsewhere while publishing: by seconds to ten years, forwards or back."""
    from tasks.stores import store

    away = timedelta(seconds=chance.choice([-1, 1]) * 10 ** chance.uniform(1, 8.5))
    inner = store.now
    store.now = lambda: inner() + away


def corrupt(to: Path, chance: random.Random) -> None:
    """Change a bit of a file that a step has left."""
    step = chance.choice(STEPS[:-1])
    found = (to / ".work" / step).glob("[0-9a-f]*/**/*")
    path = chance.choice(sorted(path for path in found if path.is_file() and path.stat().st_size))
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
