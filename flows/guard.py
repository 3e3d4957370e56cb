"""One refit of a name at a time."""

from __future__ import annotations

import contextlib
import fcntl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from schemas.errors import AnotherRefit
from schemas.publication import checked_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT_WORK = "at-work"


@contextlib.contextmanager
def only_refit(work: Path, name: str, who: str) -> Iterator[None]:
    """Hold a name for as long as a refit of it is at work.

    The operating system drops the lock when its holder dies, so that a killed run stands in nobody's way.

    Parameters
    ----------
    work : Path
        Where the steps leave their results.
    name : str
        Of the publication.
    who : str
        Who holds it, for whoever comes second.

    Raises
    ------
    AnotherRefit
        If another refit of that name is at work.
    """
    home = work / AT_WORK
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"{checked_name(name)}.lock").open("a+", encoding="utf-8") as file:
        try:
            # flock rather than lockf: it belongs to this opening of the file, so it holds between threads too.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(200).strip() or "started elsewhere"
            message = f"another refit of {name} is at work ({holder}); start this one again when that has ended"
            raise AnotherRefit(message) from None
        file.truncate(0)
        file.write(f"{who}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        file.flush()
        yield
