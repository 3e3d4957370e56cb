"""One publisher at a time where nothing can be locked."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING

import pytest

from schemas.errors import PublicationConflict
from tasks.stores import claims
from tasks.stores.claims import Claim
from tasks.stores.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Iterator

DEAD = 2**22 + 1  # above the largest process id of Linux


@pytest.fixture
def objects() -> Iterator[Objects]:
    from fsspec.implementations.memory import MemoryFileSystem

    system = MemoryFileSystem()
    yield Objects(system, "/claims", "memory://claims", "memory")
    system.store.clear()


def other(objects: Objects, **said: object) -> str:
    """Put up the claim of another publisher."""
    path = "weekly/.publishing/other.json"
    objects.write(path, json.dumps({"host": "elsewhere", "process": 1, "at": time.time()} | said).encode())
    return path


def test_a_claim_keeps_others_away_until_it_is_released(objects: Objects) -> None:
    claim = Claim(objects, "weekly", 0)
    with pytest.raises(PublicationConflict, match="another run is publishing"):
        Claim(objects, "weekly", 0)
    claim.check()
    claim.release()
    Claim(objects, "weekly", 0).release()
    assert objects.under("weekly") == {}


def test_a_living_claim_of_another_machine_counts(objects: Objects) -> None:
    path = other(objects)
    with pytest.raises(PublicationConflict):
        Claim(objects, "weekly", 0)
    assert list(objects.under("weekly/.publishing")) == [path.rpartition("/")[2]]


def test_the_claim_of_a_process_that_was_killed_here_does_not(objects: Objects) -> None:
    other(objects, host=socket.gethostname(), process=DEAD)
    Claim(objects, "weekly", 0).release()


def test_one_that_was_not_renewed_for_long_does_not(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    other(objects)
    monkeypatch.setattr(claims, "LEASE", -1.0)
    Claim(objects, "weekly", 0)._withdraw()


def test_a_claim_is_renewed_as_long_as_it_is_held(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RENEWAL", 0.01)
    claim = Claim(objects, "weekly", 0)
    before = claim._renewed
    give_up = time.monotonic() + 20
    while claim._renewed == before and time.monotonic() < give_up:
        time.sleep(0.01)
    claim.release()
    assert claim._renewed > before


def test_a_claim_that_was_taken_down_does_not_hold_and_does_not_come_back(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "RENEWAL", 0.01)
    claim = Claim(objects, "weekly", 0)
    objects.remove([claim._path])
    with pytest.raises(PublicationConflict, match="another run may have begun; nothing was changed"):
        claim.check()
    claim._thread.join()
    assert objects.under("weekly/.publishing") == {}
    claim.release()


def test_a_claim_that_nobody_could_renew_for_too_long_does_not_hold(objects: Objects) -> None:
    claim = Claim(objects, "weekly", 0)
    claim._renewed -= claims.LEASE
    with pytest.raises(PublicationConflict, match="took so long"):
        claim.check()
    claim.release()


def test_what_is_no_claim_stands_in_the_way_for_as_long_as_one(objects: Objects) -> None:
    objects.write("weekly/.publishing/x.json", b"{")
    with pytest.raises(PublicationConflict):
        Claim(objects, "weekly", 0)
