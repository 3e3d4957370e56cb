"""Make what `encore serve` needs on a server: work pool, deployments, and a watch over runs that are lost.

The server is the one that PREFECT_API_URL names.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists

from flows.alerting import LOST, make_automation

POOL = "encore"
REPOSITORY = Path(__file__).resolve().parents[1]


def deploy() -> None:
    """Make what is missing, and bring up to date what is there."""
    with get_client(sync_client=True) as client:
        with contextlib.suppress(ObjectAlreadyExists):
            client.create_work_pool(
                WorkPoolCreate(name=POOL, type="process", description="Encore's runs, as processes.")
            )
        make_automation(client, LOST, {})
    subprocess.run([sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"], cwd=REPOSITORY, check=True)


if __name__ == "__main__":
    deploy()
