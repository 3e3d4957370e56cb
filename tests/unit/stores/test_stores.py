"""What holds of every store: versions are whole, the pointer moves last, one publishes at a time."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tiny

from schemas.errors import InvalidParameter, PublicationConflict, StoreUnreachable
from tasks.stores import objects, open_store
from tasks.stores import remote as remotes
from tasks.stores import store as stores
from tasks.stores.store import Pointer

if TYPE_CHECKING:
    from tasks.stores import Store

KEY, OTHER = tiny.KEY, "fedcba9876543210" * 2


def spoil(store: Store, version: str, path: str, content: bytes | None) -> None:
    """Change a file of a version behind everybody's back, or remove it."""
    place = f"weekly/versions/{version}/{path}"
    if not store.distant:
        file: Path = store.beside / place
        _ = file.unlink() if content is None else file.write_bytes(content)
    else:
        system: Any = store._objects._system  # type: ignore[attr-defined]
        at = f"{store._objects._base}/{place}"  # type: ignore[attr-defined]
        _ = system.rm_file(at) if content is None else system.pipe_file(at, content)


def test_an_empty_store_has_nothing(store: Store) -> None:
    assert store.names() == []
    assert store.versions("weekly") == []
    assert store.pointer("weekly") is None
    assert store.current("weekly") is None
    with pytest.raises(PublicationConflict, match=r"there is no publication weekly in .*; make one with encore refit"):
        store.current_folder("weekly")


def test_what_was_published_is_found_whole(store: Store) -> None:
    version = tiny.release(store)
    assert store.names() == ["weekly"]
    assert store.versions("weekly") == [version]
    assert store.pointer("weekly") == Pointer(version)
    assert store.faults("weekly", version) == []
    assert store.manifest("weekly", version).key == KEY
    folder = store.current_folder("weekly")
    assert folder.name == version
    assert (folder / "figures" / "a.png").read_bytes() == b"png"


def test_versions_come_in_order_and_the_pointer_goes_where_it_is_sent(store: Store) -> None:
    first, second = tiny.release(store), tiny.release(store, key=OTHER)
    assert store.versions("weekly") == [first, second]
    assert store.current("weekly") == second
    with store.press("weekly") as press:
        press.point(first, newest=second)
    assert store.pointer("weekly") == Pointer(first, second)
    with store.press("weekly") as press:
        press.point(second)
    assert store.pointer("weekly") == Pointer(second)


def test_a_version_that_was_not_pointed_to_is_there_and_not_current(store: Store) -> None:
    first = tiny.release(store)
    with store.press("weekly") as press:
        later = stores.next_version(store, "weekly", OTHER)
        tiny.put(press, "weekly", later, OTHER, {"a": b"1"})
    assert store.versions("weekly") == [first, later]
    assert store.current("weekly") == first


def test_only_what_is_wanted_is_fetched(store: Store) -> None:
    tiny.release(store)
    folder = store.current_folder("weekly", ["figures"])
    assert (folder / "figures" / "a.png").exists()
    assert (folder / "artists.parquet").exists() is not store.distant
    assert (store.current_folder("weekly", ["artists.parquet"]) / "artists.parquet").read_bytes() == b"A" * 100


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("figures/a.png", b"gnp", "figures/a.png has changed since it was published"),
        ("figures/a.png", None, "figures/a.png is missing"),
        ("notes.txt", b"x", "notes.txt is not in the manifest"),
    ],
)
def test_damage_is_told(store: Store, path: str, content: bytes | None, said: str) -> None:
    version = tiny.release(store)
    spoil(store, version, path, content)
    assert store.faults("weekly", version) == [said]


def test_without_its_manifest_a_version_is_no_version(store: Store) -> None:
    version = tiny.release(store)
    spoil(store, version, "manifest.json", None)
    assert len(store.faults("weekly", version)) == 1
    with pytest.raises(PublicationConflict):
        store.manifest("weekly", version)


def test_a_version_that_is_removed_is_gone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remotes, "GRACE", 0.0)
    first, second = tiny.release(store), tiny.release(store, key=OTHER)
    with store.press("weekly") as press:
        press.remove(first)
    assert store.versions("weekly") == [second]
    assert not store.exists("weekly", first)
    with pytest.raises(PublicationConflict, match="not there"):
        store.folder("weekly", first)


def test_another_publisher_is_waited_for_and_then_a_conflict(store: Store) -> None:
    with (
        store.press("weekly"),
        pytest.raises(PublicationConflict, match="another run is publishing 'weekly'"),
        store.press("weekly", patience=0.2),
    ):
        pass
    with store.press("daily", patience=0), store.press("weekly", patience=0):
        pass


def test_publishers_at_once_take_turns(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: tiny.release(store, key=f"{number:032x}"), range(4)))
    assert store.versions("weekly") == sorted(made)
    assert len(set(made)) == 4
    assert store.current("weekly") == max(made)
    assert all(store.faults("weekly", version) == [] for version in made)


@pytest.mark.parametrize("name", ["", "..", "../weekly", "Weekly", "a/b", ".work", "x" * 65])
def test_names_that_could_be_paths_are_refused(store: Store, name: str) -> None:
    for ask in (store.versions, store.pointer, store.current):
        with pytest.raises(InvalidParameter):
            ask(name)
    with pytest.raises(InvalidParameter), store.press(name):
        pass


@pytest.mark.parametrize("address", ["https://example.org/x", "s3://", "nonsense://x/y", "memory://"])
def test_places_where_nothing_can_be_published_are_refused(address: str) -> None:
    with pytest.raises(InvalidParameter, match=r"nothing can be published at .*: give a folder, or an address such as"):
        open_store(address)


def test_the_address_of_a_folder_is_the_folder(tmp_path: Path) -> None:
    tiny.release(open_store(tmp_path))
    assert open_store(f"file://{tmp_path}").names() == ["weekly"]


# What an object store has to take care of by itself.


def test_what_lies_there_is_as_documented(bucket: remotes.RemoteStore) -> None:
    version = tiny.release(bucket)
    there = bucket._objects.under("")
    assert set(there) == {
        "weekly/current.json",
        f"weekly/versions/{version}/manifest.json",
        f"weekly/versions/{version}/artists.parquet",
        f"weekly/versions/{version}/figures/a.png",
    }
    said = json.loads(bucket._objects.read("weekly/current.json"))
    assert said["version"] == version


def test_the_manifest_is_sent_last_and_the_pointer_after_it(
    bucket: remotes.RemoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, order = bucket._objects._system, list[str]()
    for method in ("pipe_file", "put_file"):
        real = getattr(system, method)

        def noting(*arguments: Any, real: Any = real, **named: Any) -> Any:
            order.append(str(arguments[0] if real.__name__ == "pipe_file" else arguments[1]).rpartition("/")[2])
            return real(*arguments, **named)

        monkeypatch.setattr(system, method, noting)
    tiny.release(bucket)
    assert [name for name in order if len(name) < 30] == [
        "artists.parquet",
        "a.png",
        "manifest.json",
        "current.json",
    ]


def test_a_publisher_that_was_killed_midway_leaves_nothing_visible_and_is_tidied_up(
    bucket: remotes.RemoteStore,
) -> None:
    first = tiny.release(bucket)
    left = f"weekly/versions/20261122T160509Z-{KEY[:12]}/artists.parquet"
    bucket._objects.write(left, b"half")
    assert bucket.versions("weekly") == [first]
    tiny.release(bucket, key=OTHER)
    assert bucket._objects.size(left) is None


def test_a_manifest_cannot_send_copies_out_of_their_folder(bucket: remotes.RemoteStore, tmp_path: Path) -> None:
    version = tiny.release(bucket)
    manifest = bucket.manifest("weekly", version).model_dump()
    manifest["files"]["../../../../secret"] = manifest["files"]["artists.parquet"]
    bucket._objects.write(f"weekly/versions/{version}/manifest.json", json.dumps(manifest).encode())
    with pytest.raises(PublicationConflict, match="can be none of its own"):
        bucket.folder("weekly", version)
    assert not list(tmp_path.rglob("secret"))


def test_a_copy_that_is_damaged_is_fetched_again(bucket: remotes.RemoteStore) -> None:
    version = tiny.release(bucket)
    copy = bucket.folder("weekly", version) / "artists.parquet"
    copy.write_bytes(b"B" * 100)
    assert (bucket.folder("weekly", version) / "artists.parquet").read_bytes() == b"A" * 100


def test_what_is_damaged_there_is_not_handed_out(bucket: remotes.RemoteStore) -> None:
    version = tiny.release(bucket)
    spoil(bucket, version, "artists.parquet", b"B" * 100)
    with pytest.raises(PublicationConflict, match=r"artists\.parquet is not what was published"):
        bucket.folder("weekly", version)
    spoil(bucket, version, "artists.parquet", None)
    with pytest.raises(PublicationConflict, match=r"artists\.parquet is missing"):
        bucket.folder("weekly", version)


def test_what_was_current_so_lately_stays(bucket: remotes.RemoteStore) -> None:
    first, _ = tiny.release(bucket), tiny.release(bucket, key=OTHER)
    with bucket.press("weekly") as press, pytest.raises(stores.InUse):
        press.remove(first)
    assert bucket.faults("weekly", first) == []


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"version": "../x"}', b"\xff"])
def test_a_pointer_that_is_none_is_a_sentence(bucket: remotes.RemoteStore, text: bytes) -> None:
    bucket._objects.write("weekly/current.json", text)
    with pytest.raises(PublicationConflict, match="is not a pointer to a version"):
        bucket.pointer("weekly")


def test_storage_that_fails_twice_and_then_works_is_no_matter(
    bucket: remotes.RemoteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(objects, "DELAYS", (0.0, 0.0))
    system, failed = bucket._objects._system, dict[str, int]()
    for method in ("pipe_file", "put_file", "cat_file", "find", "rm_file"):
        real = getattr(system, method)

        def flaky(*arguments: Any, real: Any = real, method: str = method, **named: Any) -> Any:
            failed[method] = failed.get(method, 0) + 1
            if failed[method] <= 2:
                message = "key=hush://ann:hush@example.org/?signature=hush is away"
                raise TimeoutError(message)
            return real(*arguments, **named)

        monkeypatch.setattr(system, method, flaky)
    version = tiny.release(bucket)
    assert bucket.faults("weekly", version) == []
    assert min(failed.values()) > 2
    assert "trying again" in caplog.text
    assert "ann" not in caplog.text
    assert "signature" not in caplog.text


def test_storage_that_stays_away_is_a_sentence(bucket: remotes.RemoteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "DELAYS", (0.0, 0.0))
    version = tiny.release(bucket)

    def away(*_: object, **__: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(bucket._objects._system, "put_file", away)
    with pytest.raises(
        StoreUnreachable, match=r"does not answer as it should .ConnectionResetError.: check the address"
    ):
        tiny.release(bucket, key=OTHER)
    assert bucket.versions("weekly") == [version]
    assert bucket._objects.under("weekly/.publishing") == {}


def test_a_file_that_arrives_cut_is_no_version(bucket: remotes.RemoteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    system = bucket._objects._system

    def cut(file: str, path: str) -> None:
        system.pipe_file(path, Path(file).read_bytes()[:-1])

    monkeypatch.setattr(system, "put_file", cut)
    with pytest.raises(StoreUnreachable, match="does not hold what was sent there"):
        tiny.release(bucket)
    assert bucket.versions("weekly") == []
