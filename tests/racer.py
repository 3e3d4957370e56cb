"""One of several processes that work on a publication at once: `python racer.py ROLE TO ROUNDS SEED`.

A reader prints how often it read; each of the others how often it did its work. Whatever it should not see, it raises.
"""

from __future__ import annotations

import random
import sys
import time
from typing import TYPE_CHECKING

import tiny

from schemas.errors import PublicationConflict
from tasks.publish.history import promote, prune
from tasks.stores import open_store
from tasks.stores import remote as remotes
from tasks.stores.holding import Hold

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.stores import Store

NAME = "weekly"


def publish(store: Store, chance: random.Random) -> None:
    """Publish something new."""
    tiny.release(
        store, NAME, f"{chance.getrandbits(128):032x}", {"artists.parquet": chance.randbytes(2000), "b/c": b"x"}
    )


def roll(store: Store, chance: random.Random) -> None:
    """Promote any version that is there."""
    promote(store, NAME, chance.choice(store.versions(NAME)))


def clean(store: Store, chance: random.Random) -> None:
    """Prune."""
    prune(store, NAME, chance.randint(1, 3))


def read(store: Store, _chance: random.Random) -> None:
    """Follow the pointer as readers do, and see that what it names is whole and stays so while it is held."""
    version = store.current(NAME)
    for _ in range(50):
        assert version is not None, "current names nothing"
        try:
            hold = Hold(store.folder(NAME, version, ()))
        except (FileNotFoundError, PublicationConflict):
            # It went between our two looks, which only happens to what is no longer current.
            before, version = version, store.current(NAME)
            assert version != before, f"{version} is current and not there"
            continue
        if not store.distant:
            faults = store.faults(NAME, version)
            time.sleep(0.002)
            faults += store.faults(NAME, version)
            assert not faults, faults
        hold.release()
        return
    message = "the pointer never stood still"
    raise AssertionError(message)


ROLES: dict[str, Callable[[Store, random.Random], None]] = {
    "publish": publish,
    "promote": roll,
    "prune": clean,
    "read": read,
}


def main() -> None:
    """Do the work of a role so many times."""
    role, to, rounds, seed = sys.argv[1:]
    remotes.GRACE = 0.0
    store, chance = open_store(to), random.Random(int(seed))  # noqa: S311 - repeatable
    done = 0
    for _ in range(int(rounds)):
        try:
            ROLES[role](store, chance)
            done += 1
        except PublicationConflict as error:
            # A version that was pruned between choosing and promoting it, or a place in the queue that took too long.
            if role == "read" or not any(text in str(error) for text in ("has no version", "another run")):
                raise
    sys.stdout.write(f"{done}\n")


if __name__ == "__main__":
    main()
