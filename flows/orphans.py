"""Prefect's embedded servers whose run was killed.

A run without a server of its own starts one as a child. `kill -9` gives the run no chance to stop it, and it would stay
for good; so each run marks its server with its own process id, and stops those whose run is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

OWNER = "ENCORE_SERVER_OWNER"
_EPHEMERAL = "PREFECT__SERVER_EPHEMERAL=1"


def stop_orphans(processes: Path = Path("/proc")) -> list[int]:
    """Stop embedded servers of this user's killed runs, and mark the one this run may start.

    Parameters
    ----------
    processes : Path
        Where the system lists processes; where there is no such folder, nothing is done.

    Returns
    -------
    list of int
        The process ids of those that were told to end.
    """
    stopped = []
    for folder in processes.glob("[0-9]*"):
        # Other users' processes cannot be read, and any may end while we look.
        with contextlib.suppress(OSError):
            environment = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
            owner = next((entry.partition("=")[2] for entry in environment if entry.startswith(f"{OWNER}=")), "")
            if _EPHEMERAL in environment and owner.isdigit() and not (processes / owner).exists():
                os.kill(int(folder.name), signal.SIGTERM)
                stopped.append(int(folder.name))
    os.environ[OWNER] = str(os.getpid())
    return stopped
