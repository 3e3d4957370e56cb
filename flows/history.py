"""`encore history`: what became of a publication's refits, as the Prefect server knows it."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from schemas.errors import PublicationConflict, ServerTrouble
from schemas.publication import checked_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

_PAGE = 200
_LONGEST_REASON = 100
# HTTP's, for who did not say who he is.
_UNKNOWN = 401


@dataclass(frozen=True)
class Line:
    """One refit.

    Parameters
    ----------
    began : str
        UTC, ISO 8601; empty where it has not begun.
    run, state : str
    seconds : float
        At work, or waiting for an answer.
    changed : str
        What it was made from that the publication before was not.
    verdict : str
        What the gate measured, or why there is no publication.
    publication : str
        The version; empty where it has published nothing.
    """

    began: str
    run: str
    state: str
    seconds: float
    changed: str
    verdict: str
    publication: str


def show_history(name: str, home: Path, limit: int, *, as_json: bool) -> None:
    """Print the refits of a publication, the newest last.

    Raises
    ------
    ServerTrouble
        If there is no server to ask.
    PublicationConflict
        If it knows of none.
    """
    from flows.terminal import print_line

    checked_name(name)
    api = api_of(home)
    with answered(api):
        lines = read_history(name, api, limit)
    if as_json:
        print_line(json.dumps([asdict(line) for line in lines], indent=1))
        return
    if not lines:
        message = f"the server knows of no refit of {name}; start one with encore refit or in its UI"
        raise PublicationConflict(message)
    print_line(history_text(lines))


def api_of(home: Path) -> str:
    """Return the address of the server: the one that is set, or else the one that `encore serve` has started."""
    from flows.serving import STATE, answers

    api = os.environ.get("PREFECT_API_URL", "")
    if not api:
        try:
            api = str(json.loads((home / STATE).read_text(encoding="utf-8"))["api"])
        except (OSError, ValueError, KeyError, TypeError):
            message = "there is no server to ask: start encore serve, or set PREFECT_API_URL"
            raise ServerTrouble(message) from None
    if not answers(api):
        message = f"no server answers at {api}: start encore serve, or set PREFECT_API_URL"
        raise ServerTrouble(message)
    return api


@contextlib.contextmanager
def answered(api: str) -> Iterator[None]:
    """Ask a server inside this; what it refuses is a sentence.

    Raises
    ------
    ServerTrouble
    """
    from prefect.exceptions import PrefectHTTPStatusError

    try:
        yield
    except PrefectHTTPStatusError as error:
        code = error.response.status_code
        why = "it asks for a password: set PREFECT_API_AUTH_STRING" if code == _UNKNOWN else "its log may say why"
        message = f"the server at {api} refused to answer (HTTP {code}); {why}"
        raise ServerTrouble(message) from None


def read_history(name: str, api: str, limit: int) -> list[Line]:
    """Return the last refits of a publication, the newest last.

    Parameters
    ----------
    name : str
    api : str
        Address of a Prefect server.
    limit : int
        At most so many.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
        runs = _runs(client, name, limit)
        outcomes = _outcomes(client, [run.id for run in runs])
    return [_line(run, outcomes.get(run.id, {})) for run in reversed(runs)]


def _runs(client: SyncPrefectClient, name: str, limit: int) -> list[FlowRun]:
    """Return the newest refits of a publication; those that are only scheduled are left out."""
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterStartTime
    from prefect.client.schemas.sorting import FlowRunSort

    found: list[FlowRun] = []
    for offset in range(0, 10 * _PAGE, _PAGE):
        page = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=["refit"])),
            flow_run_filter=FlowRunFilter(start_time=FlowRunFilterStartTime(is_null_=False)),
            sort=FlowRunSort.START_TIME_DESC,
            limit=_PAGE,
            offset=offset,
        )
        found += [run for run in page if run.parameters.get("name") == name]
        if len(found) >= limit or len(page) < _PAGE:
            break
    return found[:limit]


def _outcomes(client: SyncPrefectClient, runs: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
    from prefect.client.schemas.sorting import ArtifactSort

    from flows.summary import OUTCOME

    found: dict[UUID, dict[str, Any]] = {}
    for start in range(0, len(runs), _PAGE):
        for artifact in client.read_artifacts(
            artifact_filter=ArtifactFilter(
                key=ArtifactFilterKey(any_=[OUTCOME]),
                flow_run_id=ArtifactFilterFlowRunId(any_=list(runs[start : start + _PAGE])),
            ),
            sort=ArtifactSort.CREATED_DESC,
            limit=_PAGE,
        ):
            rows = json.loads(artifact.data) if isinstance(artifact.data, str) else artifact.data
            if artifact.flow_run_id and isinstance(rows, list) and rows:
                found.setdefault(artifact.flow_run_id, rows[0])
    return found


def _line(run: FlowRun, outcome: Mapping[str, Any]) -> Line:
    began = run.start_time.astimezone(UTC).isoformat(timespec="seconds") if run.start_time else ""
    seconds = run.total_run_time.total_seconds() if run.total_run_time else 0.0
    return Line(
        began=began,
        run=run.name,
        state=run.state_name or "",
        seconds=round(seconds, 1),
        changed=str(outcome.get("changed", "")),
        verdict=str(outcome.get("verdict", "")) or _reason(run),
        publication=str(outcome.get("publication", "")) if outcome.get("new") else "",
    )


def _reason(run: FlowRun) -> str:
    """Return what the state says, without what Prefect puts before an error."""
    message = (run.state.message or "") if run.state else ""
    first = (message.splitlines() or [""])[0].removeprefix("Flow run encountered an exception: ")
    kind, colon, rest = first.partition(": ")
    return rest if colon and kind.isidentifier() else first


def history_text(lines: Sequence[Line]) -> str:
    """Return refits as an aligned table, a line each."""
    from tasks.publish.text import aligned, fitted

    rows = [("began (UTC)", "run", "state", "took", "publication", "changed; verdict")]
    for line in lines:
        began = datetime.fromisoformat(line.began).strftime("%Y-%m-%d %H:%M") if line.began else "-"
        said = "; ".join(filter(None, [line.changed, line.verdict]))
        rows.append(
            (
                began,
                fitted(line.run, 40),
                line.state,
                f"{line.seconds:,.0f} s",
                line.publication or "-",
                fitted(said, _LONGEST_REASON),
            )
        )
    return aligned(rows, left={0, 1, 2, 4, 5})
