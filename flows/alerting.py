"""Automations from files: what the server does when something happens, or fails to."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.events.schemas.automations import Automation, AutomationCore
from pydantic import SecretStr

from schemas.errors import InvalidParameter
from schemas.publication import checked_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefect.client.orchestration import SyncPrefectClient

FOLDER = Path(__file__).resolve().parents[1] / "automations"
BLOCK = "encore-alerts"
LOST = "run-lost"
ALERTS = ("refit-failed", "refit-overdue")
# Prefect's, for what looks for things that did not happen.
_LEAST_SECONDS = 10
_ALONE = re.compile(r"\$\{(\w+)\}")


def make_alerts(webhook: str, name: str, hours: float) -> list[str]:
    """Have the server call a webhook when a refit has failed, and when none has completed for some hours.

    Made again, they replace what was made before under the same name.

    Parameters
    ----------
    webhook : str
        Address that is sent JSON. It is kept as a secret, in a block of Prefect.
    name : str
        Of the one publication that it is about; empty for all.
    hours : float

    Returns
    -------
    list of str
        The names of the automations.

    Raises
    ------
    InvalidParameter
        If the webhook is no address of HTTP, or no publication can have that name.
    """
    if name:
        checked_name(name)
    if not webhook.startswith(("http://", "https://")):
        message = f"--webhook {webhook[:40]}: write an address that begins with https:// or http://"
        raise InvalidParameter(message)
    block = Webhook(url=SecretStr(webhook)).save(BLOCK, overwrite=True)
    with get_client(sync_client=True) as client:
        values: dict[str, object] = {
            "webhook": str(block),
            # A run that ends before it has a name of ours may be of any publication, and says so too.
            "failing": [f"refit-{name}-*" if name else "refit-*", "!refit-*"],
            "completing": [f"refit-{name}-{what}" for what in _starters(client)] if name else ["refit-*"],
            "name": name,
            "of_name": f" ({name})" if name else "",
            "of": f" of {name}" if name else "",
            "hours": f"{hours:.3g}",
            "seconds": max(round(hours * 3600), _LEAST_SECONDS),
        }
        return [make_automation(client, file, values) for file in ALERTS]


def _starters(client: SyncPrefectClient) -> list[str]:
    """Return what starts refits: it is the end of their names.

    In full, for a pattern would take what label-remixes has published for a refit of label.
    """
    deployments = client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=["refit"])))
    return ["terminal", *sorted(deployment.name for deployment in deployments)]


def make_automation(client: SyncPrefectClient, file: str, values: Mapping[str, object]) -> str:
    """Make the automation of a file, or bring the one of that name up to date; return its name."""
    read = yaml.safe_load((FOLDER / f"{file}.yaml").read_text(encoding="utf-8"))
    wanted = AutomationCore.model_validate(_filled_in(read, values))
    body = wanted.model_dump(mode="json", exclude={"owner_resource"})  # the server's to say
    there = client.request("POST", "/automations/filter", json={"automations": {"name": {"any_": [wanted.name]}}})
    found = [Automation.model_validate(one) for one in there.raise_for_status().json()]
    if found:
        client.request("PUT", "/automations/{id}", path_params={"id": found[0].id}, json=body).raise_for_status()
    else:
        client.request("POST", "/automations/", json=body).raise_for_status()
    return wanted.name


def _filled_in(value: Any, values: Mapping[str, object]) -> Any:
    """Put values where ``${...}`` stands in the texts of a file; where nothing else stands there, as what they are."""
    if isinstance(value, str):
        if (alone := _ALONE.fullmatch(value)) and alone[1] in values:
            return values[alone[1]]
        # Not substitute: what belongs to the server's own templates stays.
        return string.Template(value).safe_substitute(values)
    if isinstance(value, dict):
        return {key: _filled_in(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled_in(one, values) for one in value]
    return value
