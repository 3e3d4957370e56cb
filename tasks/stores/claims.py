"""One publisher at a time where nothing can be locked: each puts up a claim, and goes on only where it sees no other.

Whoever writes a claim and then lists the claims sees each that was written before. So of two at once, at least one sees
the other; it takes its own down, waits for as long as chance will have it, and tries again. That needs no more of a
store than that what has been written is listed, as S3, Google and Azure promise; no condition and no clock but its own.

A claim is renewed as long as its holder lives. One that is not is a killed publisher's: on the same machine that is
seen at once, elsewhere after `LEASE` seconds.
"""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from schemas.errors import PublicationConflict, StoreUnreachable
from tasks.partials import is_alive
from tasks.stores.store import busy

if TYPE_CHECKING:
    from tasks.stores.objects import Objects

CLAIMS = ".publishing"
LEASE = 120.0  # seconds
RENEWAL = 20.0
_WAITS = (0.1, 0.6)


class Claim:
    """The right to publish under a name.

    Parameters
    ----------
    objects : Objects
    name : str
    patience : float
        Seconds to wait for another.

    Raises
    ------
    PublicationConflict
        If somebody else still publishes after that.
    """

    def __init__(self, objects: Objects, name: str, patience: float) -> None:
        self._objects, self._name, self._folder = objects, name, f"{name}/{CLAIMS}"
        self._path = f"{self._folder}/{uuid.uuid4().hex}.json"
        self._lost = False
        give_up = time.monotonic() + patience
        while True:
            self._renew()
            try:
                alone = not self._others()
            except BaseException:
                self._withdraw()
                raise
            if alone:
                break
            self._withdraw()
            if time.monotonic() >= give_up:
                raise busy(name)
            time.sleep(random.uniform(*_WAITS))  # noqa: S311 - so that two do not meet again
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"claim {name}", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Make sure that the claim still holds.

        Raises
        ------
        PublicationConflict
            If it may have run out, as after a machine slept: somebody else may be publishing by now.
        """
        self._look()
        if self._lost:
            message = (
                f"publishing {self._name!r} took so long without reaching the store that another run may have begun; "
                "nothing was changed, run it again"
            )
            raise PublicationConflict(message)

    def release(self) -> None:
        """Let others publish."""
        self._over.set()
        self._thread.join()
        self._withdraw()

    def _look(self) -> None:
        """Note if the claim has run out; renewing it would not bring back what somebody else may have taken."""
        self._lost = self._lost or time.monotonic() - self._renewed > LEASE - RENEWAL
        self._lost = self._lost or self._objects.size(self._path) is None

    def _renew(self) -> None:
        started = time.monotonic()
        holder = {"host": socket.gethostname(), "process": os.getpid(), "at": time.time()}
        self._objects.write(self._path, json.dumps(holder).encode())
        self._renewed = started

    def _keep(self) -> None:
        while not self._over.wait(RENEWAL):
            try:
                self._look()
                if self._lost:
                    return
                self._renew()
            except (StoreUnreachable, PublicationConflict):  # `check` will tell
                continue

    def _withdraw(self) -> None:
        self._objects.remove([self._path])

    def _others(self) -> list[str]:
        """Return the claims of others that live, having taken those down that do not."""
        paths = [f"{self._folder}/{name}" for name in self._objects.under(self._folder)]
        return [path for path in paths if path != self._path and not self._is_dead(path)]

    def _is_dead(self, path: str) -> bool:
        try:
            holder = json.loads(self._objects.read(path))
            written = self._objects.modified(path)
        except FileNotFoundError:
            return True
        except ValueError:
            holder, written = {}, self._objects.modified(path)
        if not isinstance(holder, dict):
            holder = {}
        if not self._was_killed(holder):
            if written is None:
                age = time.time() - float(holder.get("at", 0))
            else:
                age = (self._objects.modified(self._path) or time.time()) - written
            if age < LEASE:
                return False
        self._objects.remove([path])
        return True

    @staticmethod
    def _was_killed(holder: dict[str, Any]) -> bool:
        process = holder.get("process")
        return holder.get("host") == socket.gethostname() and isinstance(process, int) and not is_alive(process)
