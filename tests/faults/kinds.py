"""What goes wrong: each returns what a refit is started with, and what is done to it while it runs."""

from __future__ import annotations

import errno
import random
import resource
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from runs import STEPS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from house import Server
    from runs import Run

    Prepare = Callable[[], None] | None
    Meanwhile = Callable[[Run], None] | None


def killed_in(step: str, chance: random.Random, to: Path) -> tuple[Prepare, Meanwhile]:
    """`kill -9` some time after a step has begun to write."""
    delay = chance.uniform(0, 0.25)

    def meanwhile(run: Run) -> None:
        home = to / ".work" / step
        while not run.ended() and not any(home.glob(".partial-*")):
            time.sleep(0.001)
        time.sleep(delay)
        run.kill()

    return None, meanwhile


def killed_at_any_time(chance: random.Random) -> tuple[Prepare, Meanwhile]:
    """`kill -9` at a moment of the whole run."""
    delay = chance.uniform(0.05, 4)

    def meanwhile(run: Run) -> None:
        deadline = time.monotonic() + delay
        while not run.ended() and time.monotonic() < deadline:
            time.sleep(0.005)
        run.kill()

    return None, meanwhile


def server_killed(server: Server, chance: random.Random) -> tuple[Prepare, Meanwhile]:
    """`kill -9` of the server in mid-run; it is back some seconds later."""
    delay, away = chance.uniform(0.2, 2.5), chance.uniform(0.5, 4)

    def meanwhile(run: Run) -> None:
        deadline = time.monotonic() + delay
        while not run.ended() and time.monotonic() < deadline:
            time.sleep(0.005)
        server.kill()
        time.sleep(away)
        server.start()

    return None, meanwhile


def disk_full(chance: random.Random) -> tuple[Prepare, Meanwhile]:
    """No file of the publication may be larger than some bytes, as on a disk that is full by then."""
    limit = chance.choice([0, 100, 1000, 4096, 20_000, 60_000])

    def prepare() -> None:
        from tasks.publish import publisher

        inner = publisher.publish

        def full(*args: Any, **options: Any) -> Any:
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
            try:
                return inner(*args, **options)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

        publisher.publish = full

    return prepare, None


def storage_fails_twice(step: str, chance: random.Random) -> tuple[Prepare, Meanwhile]:
    """The disk gives an error twice while a step is put on it, then works."""
    kind = chance.choice([errno.EIO, errno.ENOSPC, errno.ESTALE, errno.ETIMEDOUT])

    def prepare() -> None:
        from tasks import storage
        from tasks.publish import versions

        left = [2]
        inner = storage.sync

        def failing(path: Path) -> None:
            if left[0] and f"/{step}/" in path.as_posix():
                left[0] -= 1
                raise OSError(kind, "injected", str(path))
            inner(path)

        storage.sync = failing
        versions.sync = failing

    return prepare, None


def corrupt(to: Path, chance: random.Random) -> str:
    """Change a byte of a file that a step has left, before the next run; return which step's."""
    step = chance.choice(STEPS[:-1])
    files = sorted(path for path in (to / ".work" / step).glob("[0-9a-f]*/**/*") if path.is_file() and path.stat().st_size)
    path = chance.choice(files)
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return step


def damage_current(to: Path, name: str, chance: random.Random) -> str:
    """Change a byte of what readers have, or take a file of it away."""
    folder = (to / name / "current").resolve()
    path = chance.choice(sorted(one for one in folder.rglob("*") if one.is_file() and one.stat().st_size))
    if chance.random() < 0.3:
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
    return path.relative_to(folder).as_posix()


def clock_jumps(chance: random.Random) -> tuple[Prepare, Meanwhile]:
    """The clock of the machine is elsewhere from the publication on: hours to years, forwards or back."""
    away = timedelta(seconds=chance.choice([-1, 1]) * 10 ** chance.uniform(1, 8.5))

    def prepare() -> None:
        from tasks.publish import versions

        inner = versions.now
        versions.now = lambda: inner() + away

    return prepare, None
