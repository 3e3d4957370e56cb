"""What came from what, as a Prefect server is told it."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import book
import pytest

from schemas.parameters import GroupParameters, IngestParameters, PublishParameters, SampleParameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.publication import Publication

pytestmark = pytest.mark.usefixtures("prefect_server")

MADE, USED = "prefect.asset.materialization.succeeded", "prefect.asset.referenced"


def run(source: Path, to: Path, name: str, **options: Any) -> Publication:
    from flows.refit import refit

    given: dict[str, Any] = {
        "ingestion": IngestParameters(repeats="keep"),
        "grouping": GroupParameters(features="none", genres="none"),
        "sampling": SampleParameters(draws=600, tune=300),
        "publishing": PublishParameters(figures=False),
    }
    return refit([str(source)], name=name, to=str(to), **(given | options))  # type: ignore[return-value]


def events_of(flow_run_name: str) -> list[Any]:
    """Return the events on assets of the newest flow run of that name, the oldest first."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.events.filters import EventFilter, EventNameFilter, EventOrder, EventRelatedFilter

    with get_client(sync_client=True) as client:
        named = FlowRunFilter(name=FlowRunFilterName(any_=[flow_run_name]))
        newest = client.read_flow_runs(flow_run_filter=named, sort=FlowRunSort.START_TIME_DESC, limit=1)[0]
        related = EventRelatedFilter(id=[f"prefect.flow-run.{newest.id}"])

        def asked(prefix: str) -> list[Any]:
            wanted = EventFilter(event=EventNameFilter(prefix=[prefix]), related=related, order=EventOrder.ASC)
            return list(client.read_events(filter=wanted, limit=100).events)

        # They are sent in the background: the last that the run has to tell of is that it has completed.
        for _ in range(100):
            if asked("prefect.flow-run.Completed") or asked("prefect.flow-run.Nothing new"):
                break
            time.sleep(0.1)
        return asked("prefect.asset.")


def made(events: list[Any]) -> dict[str, tuple[set[str], dict[str, Any]]]:
    """Return what was made: of which other assets, and what is said of it."""
    return {
        event.resource.id: ({one.id for one in event.related if one.role == "asset"}, event.payload)
        for event in events
        if event.event == MADE
    }


def test_the_server_knows_what_came_from_what(write_corpus: Callable[..., Path], tmp_path: Path) -> None:
    tracks = write_corpus("<script> of & 100%.csv", book.tracks())
    publication = run(tracks, tmp_path, "traced")
    events = events_of("refit-traced-terminal")
    found = made(events)
    file = hashlib.sha256(tracks.read_bytes()).hexdigest()
    corpus = f"encore://corpus/{hashlib.sha256(file.encode()).hexdigest()}"
    (ingested,) = [key for key in found if key.startswith("encore://tracks/")]
    (posterior,) = [key for key in found if key.startswith("encore://posterior/")]
    published = "encore://publication/traced"
    assert set(found) == {ingested, posterior, published}
    assert found[ingested][0] == {corpus}
    assert found[posterior][0] == {ingested}
    assert found[published][0] == {ingested, posterior}
    assert found[ingested][1] == {"rows_in": 350, "kept": 350, "repeats": 0, "quarantined": 0}
    assert found[posterior][1]["draws"] == 600
    assert found[published][1]["version"] == publication.version
    assert {event.resource.id for event in events if event.event == USED} == {corpus, ingested, posterior}

    # What is only found again was not made: nothing is told of it.
    assert not run(tracks, tmp_path, "traced").new
    assert events_of("refit-traced-terminal") == []
    # Another publication of the same posterior is made of that.
    run(tracks, tmp_path, "again")
    assert made(events_of("refit-again-terminal")).keys() == {"encore://publication/again"}
    assert made(events_of("refit-again-terminal"))["encore://publication/again"][0] == {ingested, posterior}


def test_what_did_not_pass_is_no_part_of_what_did(write_corpus: Callable[..., Path], tmp_path: Path) -> None:
    tracks = write_corpus("book.csv", book.tracks())
    run(tracks, tmp_path, "rungs", sampling=SampleParameters(draws=30, tune=20))
    found = made(events_of("refit-rungs-terminal"))
    draws = {key: facts["draws"] for key, (_, facts) in found.items() if key.startswith("encore://posterior/")}
    assert sorted(draws.values()) == [30, 1000]
    (passed,) = [key for key, count in draws.items() if count == 1000]
    of, _ = found["encore://publication/rungs"]
    assert {key for key in of if key.startswith("encore://posterior/")} == {passed}
