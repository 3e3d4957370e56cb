"""Prefect's embedded servers whose run was killed.

A run without a server of its own starts one as a child. `kill -9` gives the run no chance to stop it, and it would stay
for good; so each run marks its server with its own process id, and stops those whose run is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

OWNER = "ENCORE_SERVER_OWNER"
_EPHEMERAL = "PREFECT__SERVER_EPHEMERAL=1"


PROCESSES = Path("/proc")


def stop_orphans() -> list[int]:
    """Stop embedded servers of this user's killed runs, and mark the one this run may start.

    Returns
    -------
    list of int
        The process ids of those that were told to end; none where the system has no ``/proc``.
    """
    stopped = _stop_servers(lambda owner: not (PROCESSES / owner).exists())
    os.environ[OWNER] = str(os.getpid())
    return stopped


def stop_own() -> list[int]:
    """Stop the embedded server that this run has started, and return its process id."""
    own = str(os.getpid())
    return _stop_servers(lambda owner: owner == own)


def _stop_servers(is_theirs: Callable[[str], bool]) -> list[int]:
    stopped = []
    for folder in PROCESSES.glob("[0-9]*"):
        # Other users' processes cannot be read, and any may end while we look.
        with contextlib.suppress(OSError):
            environment = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
            owner = next((entry.partition("=")[2] for entry in environment if entry.startswith(f"{OWNER}=")), "")
            if _EPHEMERAL in environment and owner.isdigit() and is_theirs(owner):
                os.kill(int(folder.name), signal.SIGTERM)
                stopped.append(int(folder.name))
    return stopped
