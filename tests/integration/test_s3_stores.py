"""Publications in a real S3-compatible server on this machine, through a proxy that fails as networks do."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

import buckets
import pytest
import tiny

from schemas.errors import PublicationConflict, StoreUnreachable
from tasks.publish.history import promote, prune
from tasks.retrying import passes
from tasks.stores import objects, open_store
from tasks.stores import remote as remotes
from tasks.stores import store as stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from buckets import Proxy

    from tasks.stores import Store

KEY, OTHER = tiny.KEY, "fedcba9876543210" * 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Start a server, and a proxy before it."""
    folder = tmp_path_factory.mktemp("s3")
    (folder / "music").mkdir()
    with (
        buckets.s3_server(folder) as port,
        buckets.proxied(port) as proxy,
        buckets.pointed_at(proxy.address),
    ):
        yield proxy


@pytest.fixture
def store(server: Proxy, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return an empty store, on a server that does not fail."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENCORE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(objects, "DELAYS", (0.01, 0.02))
        patch.setattr(remotes, "GRACE", 0.0)
        server.fault, server.conditions = (lambda *_: ""), False
        yield open_store(f"s3://music/{abs(hash(request.node.name))}")
        server.fault = lambda *_: ""


def each_first(count: int, fault: str, part: str = "", method: str = "") -> Callable[[int, str, str], str]:
    """Fail the first requests of each kind."""
    seen: Counter[tuple[str, str]] = Counter()

    def fail(_number: int, asked: str, path: str) -> str:
        if part not in path or (method and method != asked):
            return ""
        seen[asked, path] += 1
        return fault if seen[asked, path] <= count else ""

    return fail


def test_publish_list_roll_back_verify_and_prune(store: Store) -> None:
    first, second, third = (tiny.release(store, key=key * 32) for key in "abc")
    assert store.versions("weekly") == [first, second, third]
    assert store.current("weekly") == third
    assert promote(store, "weekly", "previous") == (second, third)
    assert store.pointer("weekly") == stores.Pointer(second, third)
    assert [store.faults("weekly", each) for each in (first, second, third)] == [[], [], []]
    pruned = prune(store, "weekly", 1)
    assert [row.version for row in pruned.removed] == [first]
    assert store.versions("weekly") == [second, third]
    assert (store.current_folder("weekly") / "figures" / "a.png").read_bytes() == b"png"


@pytest.mark.slow
def test_storage_that_fails_twice_and_then_works_is_no_matter(store: Store, server: Proxy) -> None:
    server.fault = each_first(2, "503", "current.json")
    version = tiny.release(store)
    assert store.current("weekly") == version
    assert store.faults("weekly", version) == []


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ("manifest.json", "drop"),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in (
                ("artists.parquet", "503"),
                ("artists.parquet", "drop"),
                ("manifest.json", "503"),
                ("current.json", "503"),
                ("current.json", "drop"),
            )
        ),
    ],
)
def test_storage_that_fails_midway_leaves_nothing_to_see_and_the_next_run_succeeds(
    store: Store, server: Proxy, part: str, fault: str
) -> None:
    first = tiny.release(store)
    server.fault = each_first(10_000, fault, part, "PUT")
    with pytest.raises(StoreUnreachable, match="does not answer as it should") as caught:
        tiny.release(store, key=OTHER)
    assert passes(caught.value)
    server.fault = lambda *_: ""
    assert store.current("weekly") == first
    assert store.faults("weekly", first) == []
    # Once the manifest is there the version is: only the pointer is missing, and the next run of the same moves it.
    whole = [first] if part != "current.json" else [first, store.versions("weekly")[-1]]
    assert store.versions("weekly") == whole
    again = tiny.release(store, key="c" * 32)
    assert store.current("weekly") == again
    left = store._objects.under("weekly")  # type: ignore[attr-defined]
    assert {path.split("/")[1] for path in left if path.startswith("versions/")} == {*whole, again}
    assert not [path for path in left if path.startswith(".publishing")]


@pytest.mark.parametrize("conditions", [pytest.param(False, marks=pytest.mark.slow), True])
def test_answers_that_are_lost_do_not_matter(store: Store, server: Proxy, *, conditions: bool) -> None:
    # The server did as it was told, and the client cannot know: under a condition, its second try is refused.
    server.conditions = conditions
    first = tiny.release(store)
    server.fault = each_first(1, "lose")
    second = tiny.release(store, key=OTHER)
    assert store.current("weekly") == second
    assert store.versions("weekly") == [first, second]


@pytest.mark.slow
def test_slow_storage_is_waited_for(store: Store, server: Proxy) -> None:
    server.fault = each_first(1, "slow", "music")
    assert store.current("weekly") is None
    assert tiny.release(store) == store.current("weekly")


def test_a_publisher_that_lost_its_turn_is_found_out_where_the_store_knows_conditions(
    store: Store, server: Proxy
) -> None:
    server.conditions = True
    first = tiny.release(store)
    with store.press("weekly") as late:
        version = stores.next_version(store, "weekly", OTHER)
        tiny.put(late, "weekly", version, OTHER, {"a": b"1"})
        _take_over(store, late)
        second = tiny.release(store, key="c" * 32)
        late._claim.check = lambda: None  # type: ignore[attr-defined]  # it has not noticed
        with pytest.raises(PublicationConflict, match="another run is publishing"):
            late.point(version)
        # Nor when it looks just before the other writes.
        state = late._state()  # type: ignore[attr-defined]
        late._state = lambda: (late._seen, state[1])  # type: ignore[attr-defined]
        with pytest.raises(PublicationConflict, match="another run is publishing"):
            late.point(version)
    assert first < store.current("weekly") == second


def test_it_is_found_out_by_its_claim_where_the_store_knows_none(store: Store) -> None:
    with store.press("weekly") as late:
        _take_over(store, late)
        second = tiny.release(store, key="c" * 32)
        with pytest.raises(PublicationConflict, match="another run may have begun"):
            tiny.put(late, "weekly", "20991122T160501Z-0123456789ab", OTHER, {"a": b"1"})
    assert store.versions("weekly") == [second]


def _take_over(store: Store, late: object) -> None:
    """Do what another publisher does that finds a claim not renewed for long."""
    store._objects.remove([late._claim._path])  # type: ignore[attr-defined]


@pytest.mark.slow
def test_two_at_once_where_nothing_is_yet(store: Store, server: Proxy) -> None:
    server.conditions = True
    with store.press("weekly") as late:
        tiny.put(late, "weekly", "20991122T160501Z-0123456789ab", OTHER, {"a": b"1"})
        _take_over(store, late)
        second = tiny.release(store, key="c" * 32)
        late._claim.check = lambda: None  # type: ignore[attr-defined]
        with pytest.raises(PublicationConflict, match="another run is publishing"):
            late.point("20991122T160501Z-0123456789ab")
    assert store.current("weekly") == second


def test_wrong_credentials_are_refused_without_being_told(
    store: Store, server: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    tiny.release(store)
    with caplog.at_level(logging.DEBUG, logger="encore"), buckets.pointed_at(server.address, "another-secret-key"):
        address = store.where
        with pytest.raises(PublicationConflict, match=r"may not be read or written .*check the credentials") as caught:
            open_store(address).names()
        with pytest.raises(PublicationConflict) as also:
            tiny.release(open_store(address))
    told = caplog.text + str(caught.value) + str(also.value) + repr(caught.value.__cause__)
    assert "secret-key" not in told
    assert "hush" not in told


def test_secrets_in_an_address_are_shown_nowhere(store: Store) -> None:
    with_secret = open_store(store.where.replace("s3://", "s3://ann:hush-1@"))
    assert "hush" not in with_secret.where + with_secret.address("weekly", "x") + str(with_secret.work)


def test_a_bucket_that_is_not_there_is_a_sentence(store: Store) -> None:
    del store
    with pytest.raises(PublicationConflict, match="s3://none/here is nowhere: make the bucket first"):
        tiny.release(open_store("s3://none/here"))
