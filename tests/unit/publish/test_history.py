"""What has been published over time: listed, compared, rolled back, and taken away."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
import tiny

from schemas.errors import InvalidParameter, PublicationConflict
from tasks.leftovers import tidy
from tasks.partials import partial_name
from tasks.publish.comparing import difference
from tasks.publish.history import promote, prune, rows_of
from tasks.storage import CONTENTS, Storage
from tasks.stores import Store, open_store
from tasks.stores import store as stores
from tasks.stores.choosing import resolved
from tasks.stores.holding import Hold

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.publish.publisher import Inputs

KEYS = ("a1" * 16, "a2" * 16, "b3" * 16)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "publications")


@pytest.fixture
def made(store: Store) -> list[str]:
    return [tiny.release(store, key=key) for key in KEYS]


def test_versions_are_listed_the_newest_first(store: Store, made: list[str]) -> None:
    rows = rows_of(store, "weekly")
    assert [row.version for row in rows] == made[::-1]
    assert [row.current for row in rows] == [True, False, False]
    assert rows[0].size == 103
    with pytest.raises(PublicationConflict, match=r"there is no publication weakly in .*; there is weekly; make one"):
        rows_of(store, "weakly")


def test_a_version_that_cannot_be_read_is_listed_all_the_same(store: Store, made: list[str]) -> None:
    (store.folder("weekly", made[0]) / "manifest.json").write_text("{", encoding="utf-8")
    assert rows_of(store, "weekly")[-1].manifest is None


def test_versions_are_found_by_what_tells_them_apart(store: Store, made: list[str]) -> None:
    assert resolved(store, "weekly", made[0]) == made[0]
    assert resolved(store, "weekly", made[1][:16]) == made[1]
    assert resolved(store, "weekly", "a1a1") == made[0]
    assert resolved(store, "weekly", "current") == resolved(store, "weekly", "newest") == made[2]
    assert resolved(store, "weekly", "previous") == made[1]
    promote(store, "weekly", "a1")
    assert resolved(store, "weekly", "current") == made[0]
    assert resolved(store, "weekly", "newest") == made[2]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("2", InvalidParameter, r"3 versions of weekly start with 2: .*, .*, .*; give more of the one you mean"),
        ("a", InvalidParameter, r"2 versions of weekly start with a"),
        ("ffff", PublicationConflict, r"weekly has no version 'ffff'; it has \d{8}T\d{6}Z-b3b3b3b3b3b3, "),
        ("", PublicationConflict, "weekly has no version ''"),
        ("../x", PublicationConflict, r"weekly has no version '\.\./x'"),
    ],
)
@pytest.mark.usefixtures("made")
def test_what_is_not_clear_is_a_sentence(store: Store, text: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        resolved(store, "weekly", text)


def test_there_is_nothing_before_the_first(store: Store) -> None:
    only = tiny.release(store)
    with pytest.raises(PublicationConflict, match=f"no version before the current one, {only}"):
        resolved(store, "weekly", "previous")


def test_only_the_pointer_moves(store: Store, made: list[str], tmp_path: Path) -> None:
    def all_else() -> dict[str, tuple[int, bytes]]:
        files = (path for path in (tmp_path / "publications" / "weekly" / "versions").rglob("*") if path.is_file())
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    before = all_else()
    assert promote(store, "weekly", "previous") == (made[1], made[2])
    assert store.current("weekly") == made[1]
    assert promote(store, "weekly", made[2]) == (made[2], made[1])
    assert promote(store, "weekly", "current") == (made[2], made[2])
    assert all_else() == before


def test_a_damaged_version_is_not_promoted(store: Store, made: list[str]) -> None:
    (store.folder("weekly", made[0]) / "artists.parquet").write_bytes(b"B" * 100)
    with pytest.raises(
        PublicationConflict, match=r"damaged \(artists\.parquet has changed .*; 'current' has not moved"
    ):
        promote(store, "weekly", made[0])
    assert store.current("weekly") == made[2]


def test_old_versions_go_and_the_current_one_stays(store: Store, made: list[str]) -> None:
    promote(store, "weekly", made[0])
    would = prune(store, "weekly", 1, dry_run=True)
    assert [row.version for row in would.removed] == [made[1]]
    assert store.versions("weekly") == made
    pruned = prune(store, "weekly", 1)
    assert (pruned.kept, pruned.freed) == (2, 103)
    assert store.versions("weekly") == [made[0], made[2]]
    assert prune(store, "weekly", 1).removed == ()
    assert store.current("weekly") == made[0]
    assert list((store.work / "publish").iterdir()) == []


@pytest.mark.parametrize("keep", [0, -1])
def test_something_has_to_be_kept(store: Store, made: list[str], keep: int) -> None:
    with pytest.raises(InvalidParameter, match=f"--keep {keep}: keep at least 1"):
        prune(store, "weekly", keep)
    assert store.versions("weekly") == made


def test_what_is_being_read_stays(store: Store, made: list[str]) -> None:
    hold, again = (Hold(store.folder("weekly", made[0])) for _ in range(2))
    pruned = prune(store, "weekly", 1)
    assert [row.version for row in pruned.held] == [made[0]]
    assert store.faults("weekly", made[0]) == []
    hold.release()
    assert prune(store, "weekly", 1).held
    del again
    assert prune(store, "weekly", 1).held == ()
    with pytest.raises(FileNotFoundError):
        Hold(store.beside / "weekly" / "versions" / made[0])


def test_nobody_prunes_while_somebody_publishes(store: Store, made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "PATIENCE", 0.1)
    with store.press("weekly"):
        for change in (lambda: prune(store, "weekly", 1), lambda: promote(store, "weekly", made[0])):
            with pytest.raises(PublicationConflict, match="another run is publishing"):
                change()
    assert store.versions("weekly") == made


def test_who_moved_who_came_and_who_went(store: Store) -> None:
    files = {"artists.parquet": tiny.artists(("Ann", 5, 50.0, 2.0), ("Bob", 1, 40.0, 8.0), ("Cy", 2, 30.0, 4.0))}
    other = {"artists.parquet": tiny.artists(("Bob", 3, 44.0, 5.0), ("Ann", 5, 45.0, 2.0), ("Di", 1, 99.0, 9.0))}
    before = tiny.release(store, key=KEYS[0], files=files)
    scales = {"mu": {"mean": 48.0, "sd": 1.0}, "tau": {"mean": 9.0, "sd": 1.0}}
    after = tiny.release(store, key=KEYS[1], files=other, scales=scales)
    found = difference(store, "weekly", before, after)
    rows = {row["artist"]: row for row in found.artists.to_pylist()}
    assert list(rows) == ["Ann", "Bob", "Di", "Cy"]
    assert rows["Ann"] | {"rank_before": 1, "rank_after": 2, "change": -5.0, "sds": -2.5} == rows["Ann"]
    assert rows["Bob"] | {"tracks_before": 1, "tracks_after": 3, "change": 4.0, "sds": 0.5} == rows["Bob"]
    assert rows["Di"] | {"status": "came", "mean_before": None, "mean_after": 99.0, "sds": None} == rows["Di"]
    assert rows["Cy"] | {"status": "went", "mean_before": 30.0, "rank_after": None} == rows["Cy"]
    assert found.within(1) == 1
    assert [(scale.name, scale.before, scale.after, scale.sds) for scale in found.scales] == [
        ("mu", 50.0, 48.0, -2.0),
        ("tau", None, 9.0, None),
    ]
    (store.folder("weekly", before) / "artists.parquet").write_bytes(b"")
    with pytest.raises(PublicationConflict, match="missing or not what was published"):
        difference(store, "weekly", before, after)


@pytest.mark.parametrize("key", ["0123456789abcdef" * 2, "fedcba9876543210" * 2])
def test_a_choice_by_hand_is_not_taken_back_by_a_refit_that_finds_nothing_new(
    release: Callable[..., Any], other_inputs: Inputs, root: Path, key: str
) -> None:
    first, second = release(), release("fedcba9876543210" * 2, other_inputs)
    promote(open_store(root), "weekly", first.version)
    again = release(key, other_inputs if key.startswith("f") else None)
    assert not again.new
    assert open_store(root).current("weekly") == first.version
    assert ("chosen with encore promote" in again.held_back) is (again.version == second.version)
    third = release("c" * 32, other_inputs)
    assert open_store(root).pointer("weekly") == stores.Pointer(third.version)


def result(storage: Storage, key: str, days: float, content: str = "x" * 10) -> Path:
    """Leave a result that was used last some days ago."""

    def build(folder: Path) -> None:
        (folder / "a").write_text(content, encoding="utf-8")

    folder = storage.root / "sift" / storage.run("sift", key, build).key
    age(folder / CONTENTS, days)
    return folder


def age(path: Path, days: float) -> None:
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


def test_what_nobody_has_used_for_long_goes(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    old, fresh = result(storage, "old", 8), result(storage, "fresh", 6)
    reference = storage.find("sift", "used") or storage.run("sift", "used", lambda folder: (folder / "a").touch())
    age(tmp_path / "sift" / "used" / CONTENTS, 30)
    storage.open(reference)  # a run works with it
    place = tmp_path / "places" / ("ab" * 32)
    place.parent.mkdir()
    place.write_bytes(b"fetched")
    age(place, 9)
    assert {one.path for one in tidy(tmp_path, 7, dry_run=True)} == {old, place}
    assert old.is_dir()
    gone = tidy(tmp_path, 7)
    assert [one.path for one in gone] == [place, old]
    assert gone[0].size == 7
    assert (old.exists(), place.exists(), fresh.exists()) == (False, False, True)
    assert storage.find("sift", "used") == reference
    assert tidy(tmp_path, 7) == []
    assert tidy(tmp_path / "none", 7) == []


def test_half_written_results_go_if_nobody_writes_them(tmp_path: Path) -> None:
    mine, dead = tmp_path / "sift" / partial_name("k"), tmp_path / "sift" / ".partial-12345678-elsewhere-7-abcdef01"
    for path in (mine, dead):
        path.mkdir(parents=True)
        age(path, 30)
    assert [one.path for one in tidy(tmp_path, 7)] == [dead]
    assert mine.is_dir()


def test_shared_files_are_counted_once(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    one, other = result(storage, "one", 8), result(storage, "other", 9)
    (other / "a").unlink()
    os.link(one / "a", other / "a")
    gone = {found.path: found.size for found in tidy(tmp_path, 7, dry_run=True)}
    contents = {path: (path / CONTENTS).stat().st_size for path in (one, other)}
    assert gone == {other: contents[other], one: contents[one] + 10}


def test_a_result_that_is_used_at_that_moment_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks import leftovers

    storage = Storage(tmp_path)
    old = result(storage, "old", 8)
    real = leftovers.set_aside

    def used_first(folder: Path) -> Path | None:
        with contextlib.suppress(OSError):
            os.utime(folder / CONTENTS)
        return real(folder)

    monkeypatch.setattr(leftovers, "set_aside", used_first)
    assert tidy(tmp_path, 7) == []
    assert storage.find("sift", "old") is not None
    assert old.is_dir()
