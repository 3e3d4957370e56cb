"""The environment of what `encore serve` starts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flows import pages
from flows.databases import DATABASE
from flows.supervising import OWNER

if TYPE_CHECKING:
    from pathlib import Path

    from flows.serving import Serving


def environment_of(home: Path, what: Serving, port: int, read: pages.Pages, mark: str) -> dict[str, str]:
    """Return what all processes are told; what the user set of logging stays, the database is the server's alone.

    Parameters
    ----------
    home : Path
    what : Serving
    port : int
        Of the UI.
    read : Pages
    mark : str
        Tells whose the processes are.
    """
    left_out = {"PREFECT_PROFILE", "PYTHONPATH", *DATABASE}
    ours = {name: value for name, value in os.environ.items() if name not in left_out}
    api = f"http://{pages.url_host(what.host)}:{port}/api"
    defaults = {
        # Prefect waits ten seconds between looks for work; a person who pressed Run would wonder.
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        # Signs of life, which automations/run-lost.yaml waits for.
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        # The server may be away for a while: a run waits for it rather than fail.
        "PREFECT_CLIENT_MAX_RETRIES": "10",
    }
    fixed = {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_API_URL": api,
        "PREFECT_UI_URL": api.removesuffix("/api"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "encore",
        "ENCORE_PUBLICATIONS": what.to if "://" in what.to else str(read.root),
        pages.ROOT: str(read.root),
        pages.URL: read.url,
        OWNER: mark,
    }
    if not pages.is_loopback(what.host):
        # Others know this machine by names that we do not; links bear them.
        fixed |= {name: os.environ[name] for name in ("PREFECT_UI_URL", pages.URL) if os.environ.get(name)}
    return {**defaults, **ours, **fixed}
