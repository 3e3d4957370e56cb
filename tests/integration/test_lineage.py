"""What came from what, as a Prefect server is told it."""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import TYPE_CHECKING, Any

import book
import pytest

from schemas.parameters import GroupParameters, IngestParameters, PublishParameters, SampleParameters

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from schemas.publication import Publication

pytestmark = pytest.mark.usefixtures("prefect_server")

MADE, USED = "prefect.asset.materialization.succeeded", "prefect.asset.referenced"


def refitted(source: Path, to: Path, name: str, **options: Any) -> Publication:
    from flows.refit import refit

    given: dict[str, Any] = {
        "ingestion": IngestParameters(repeats="keep"),
        "grouping": GroupParameters(features="none", genres="none"),
        "sampling": SampleParameters(draws=600, tune=300),
        "publishing": PublishParameters(figures=False),
    }
    return refit([str(source)], name=name, to=str(to), **(given | options))  # type: ignore[return-value]


def events_of(*flow_run_names: str) -> list[list[Any]]:
    """Return the events on assets of all flow runs of these names, in the order they ran; of each, the oldest first."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.events import emit_event
    from prefect.events.filters import EventFilter, EventNameFilter, EventOrder, EventRelatedFilter

    with get_client(sync_client=True) as client:
        # They are sent in the background, one after the other: what is sent now comes after them.
        mark = f"test.mark.{uuid.uuid4()}"
        emit_event(mark, resource={"prefect.resource.id": mark})
        for _ in range(300):
            if client.read_events(filter=EventFilter(event=EventNameFilter(name=[mark])), limit=1).events:
                break
            time.sleep(0.1)
        else:
            pytest.fail("the server does not keep events")
        named = FlowRunFilter(name=FlowRunFilterName(any_=list(flow_run_names)))
        found = []
        for run in client.read_flow_runs(flow_run_filter=named, sort=FlowRunSort.START_TIME_ASC):
            wanted = EventFilter(
                event=EventNameFilter(prefix=["prefect.asset."]),
                related=EventRelatedFilter(id=[f"prefect.flow-run.{run.id}"]),
                order=EventOrder.ASC,
            )
            found.append(list(client.read_events(filter=wanted, limit=50).events))
        return found


def made(events: list[Any]) -> dict[str, tuple[set[str], dict[str, Any]]]:
    """Return what was made: of which other assets, and what is said of it."""
    return {
        event.resource.id: ({one.id for one in event.related if one.role == "asset"}, event.payload)
        for event in events
        if event.event == MADE
    }


def test_the_server_knows_what_came_from_what(write_corpus: Callable[..., Path], tmp_path: Path) -> None:
    tracks = write_corpus("<script> of & 100%.csv", book.tracks())
    publication = refitted(tracks, tmp_path, "traced")
    assert not refitted(tracks, tmp_path, "traced").new
    assert refitted(tracks, tmp_path, "again").new
    events, repeated, again = events_of("refit-traced-terminal", "refit-again-terminal")
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

    # What is only found again was not made: nothing is told of it. Another publication of the same posterior is made of
    # that.
    assert repeated == []
    assert {key: of for key, (of, _) in made(again).items()} == {"encore://publication/again": {ingested, posterior}}


@pytest.mark.slow
def test_what_did_not_pass_is_no_part_of_what_did(write_corpus: Callable[..., Path], tmp_path: Path) -> None:
    tracks = write_corpus("book.csv", book.tracks())
    refitted(tracks, tmp_path, "rungs", sampling=SampleParameters(draws=30, tune=20))
    (events,) = events_of("refit-rungs-terminal")
    found = made(events)
    draws = {key: facts["draws"] for key, (_, facts) in found.items() if key.startswith("encore://posterior/")}
    assert sorted(draws.values()) == [30, 1000]
    (passed,) = [key for key, count in draws.items() if count == 1000]
    of, _ = found["encore://publication/rungs"]
    assert {key for key in of if key.startswith("encore://posterior/")} == {passed}
