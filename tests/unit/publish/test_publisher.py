"""Publishing: once, whole, one at a time, the pointer last."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from schemas.errors import NotConverged, PublicationConflict
from tasks.publish import publisher
from tasks.publish.store import current_version, read_manifest, verify
from tasks.stores import open_store
from tasks.stores import store as stores
from tasks.stores.local import LocalPress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.publish.publisher import Inputs

    Release = Callable[..., Any]

KEY = "0123456789abcdef" * 2
OTHER_KEY = "fedcba9876543210" * 2
THIRD_KEY = "aa" * 16


def there(root: Path, name: str = "weekly") -> list[str]:
    return sorted(path.name for path in (root / name / "versions").iterdir())


def test_a_publication_has_all_its_files(release: Release, root: Path) -> None:
    published = release(KEY, figures=True)
    folder = root / "weekly" / "current"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "manifest.json",
        "artists.parquet",
        "artist_means.parquet",
        "design.json",
        "coefficients.parquet",
        "genres.parquet",
        "posterior.nc",
        "quarantine.parquet",
        "report.html",
        "model_card.md",
        "data_docs/index.html",
        "data_docs/static/style.css",
        *(f"figures/{name}.png" for name in ("leaderboard", "shrinkage", "effects", "ranks", "blocks", "predictive")),
    }
    assert set(read_manifest(folder).files) == files - {"manifest.json"}
    assert published.new
    assert published.path == str(root / "weekly" / "versions" / published.version)


def test_the_manifest_says_what_went_in(release: Release, root: Path) -> None:
    release(KEY)
    manifest = read_manifest(root / "weekly" / "current")
    assert manifest.key == KEY
    assert manifest.seed == 7
    assert manifest.parameters == {"sample": {"draws": 100}}
    assert manifest.artists == 30
    assert manifest.genres == ("rock", "<b>pop</b>", "classical")
    assert manifest.features == ("danceability", "energy", "loudness", "valence")
    assert manifest.corpus.sources[0].sha256 == "ab" * 32
    assert manifest.verdict.passed
    assert manifest.scales["sigma"]["mean"] == pytest.approx(14, abs=0.2)
    assert set(manifest.scales) == {
        "mu",
        "sigma",
        "tau",
        "tau_genre",
        "tau_block[energy]",
        "tau_block[mood]",
        "tau_block[rhythm]",
    }
    assert manifest.previous == ""
    assert "pyarrow" in manifest.packages
    assert manifest.code["version"]


@pytest.mark.usefixtures("clock")
def test_versions_are_named_by_time_and_key(release: Release, root: Path) -> None:
    assert release(KEY).version == "20261122T160501Z-0123456789ab"
    assert (root / "weekly" / "current").readlink().as_posix() == "versions/20261122T160501Z-0123456789ab"


def test_the_same_inputs_give_the_same_bytes(
    release: Release, root: Path, make_inputs: Callable[..., Inputs], tmp_path: Path
) -> None:
    first = release(KEY, figures=True)
    again = release(KEY, make_inputs(tmp_path / "again"), figures=True, name="again")
    one, other = (read_manifest(root / each.name / "current").files for each in (first, again))
    # The name of a publication stands in these two; nothing else may differ, so it is published under it once more.
    assert {name for name in one if one[name] != other[name]} == {"report.html", "model_card.md"}
    forced = release(KEY, figures=True, force=True)
    assert forced.version != first.version
    assert read_manifest(root / "weekly" / "current").files == one


def test_published_once_it_is_not_published_again(release: Release, root: Path) -> None:
    first = release(KEY)
    again = release(KEY)
    assert not again.new
    assert again.version == first.version
    assert there(root) == [first.version]


def test_force_makes_another_version(release: Release, root: Path) -> None:
    first, second = release(KEY), release(KEY, force=True)
    assert second.new
    assert there(root) == [first.version, second.version]
    assert current_version(root, "weekly") == second.version
    assert not release(KEY).new


@pytest.mark.usefixtures("clock")
def test_versions_of_one_second_get_one_each(release: Release, root: Path) -> None:
    made = [release(key).version for key in (OTHER_KEY, KEY, THIRD_KEY)]
    assert [version[:16] for version in made] == ["20261122T160501Z", "20261122T160502Z", "20261122T160503Z"]
    assert current_version(root, "weekly") == made[-1]


def test_a_clock_that_goes_backwards_does_not_reorder_versions(release: Release, root: Path, clock: Any) -> None:
    first = release(OTHER_KEY).version
    clock.time -= timedelta(days=3)
    second = release(KEY).version
    assert second == "20261122T160502Z-0123456789ab"
    assert there(root) == [first, second]


def test_going_back_to_earlier_inputs_publishes_them_anew(release: Release, other_inputs: Inputs, root: Path) -> None:
    first, second = release(KEY), release(OTHER_KEY, other_inputs)
    third = release(KEY)
    assert third.new
    assert there(root) == [first.version, second.version, third.version]
    assert current_version(root, "weekly") == third.version
    assert read_manifest(root / "weekly" / "current").previous == second.version


def test_a_run_killed_before_the_pointer_moved_is_finished(
    release: Release, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = release(OTHER_KEY)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LocalPress, "point", killed)
        with pytest.raises(KeyboardInterrupt):
            release(KEY)
    assert current_version(root, "weekly") == first.version
    left = there(root)[-1]
    finished = release(KEY)
    assert finished.new
    assert finished.version == left
    assert current_version(root, "weekly") == left
    assert there(root) == [first.version, left]


def test_a_run_that_fails_half_way_leaves_nothing(
    release: Release, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = release(OTHER_KEY)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(publisher, "_hashes", full)
        with pytest.raises(OSError, match="No space left"):
            release(KEY)
    assert current_version(root, "weekly") == first.version
    assert there(root) == [first.version]
    assert list((root / ".work" / "publish").iterdir()) == []
    assert release(KEY).new


def test_what_a_killed_process_left_is_swept(release: Release, root: Path) -> None:
    dead = 2**22 + 1  # above the largest process id of Linux
    left = root / ".work" / "publish" / f".partial-01234567-{socket.gethostname()}-{dead}-abcdef01"
    left.mkdir(parents=True)
    (left / "artists.parquet").write_text("half", encoding="utf-8")
    release(KEY)
    assert not left.exists()


def test_a_damaged_version_is_left_alone_and_published_anew(release: Release, root: Path) -> None:
    damaged = root / "weekly" / "versions" / release(KEY).version
    (damaged / "artists.parquet").write_bytes(b"damaged")
    again = release(KEY)
    assert again.new
    assert again.version > damaged.name
    assert (damaged / "artists.parquet").read_bytes() == b"damaged"
    assert verify(root / "weekly" / "current") == []


def test_a_damaged_current_version_does_not_hide_behind_an_older_twin(release: Release, root: Path) -> None:
    release(KEY)
    damaged = root / "weekly" / "versions" / release(KEY, force=True).version
    (damaged / "report.html").unlink()
    again = release(KEY)
    assert again.version > damaged.name
    assert verify(root / "weekly" / "current") == []


def test_a_posterior_that_did_not_pass_is_never_published(
    release: Release, root: Path, make_inputs: Callable[..., Inputs], tmp_path: Path
) -> None:
    with pytest.raises(NotConverged, match=r"gate did not pass this posterior; draw more"):
        release(KEY, make_inputs(tmp_path / "bad", passed=False))
    assert current_version(root, "weekly") is None


def test_another_publisher_is_waited_for_and_then_a_conflict(
    release: Release, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "PATIENCE", 0.2)
    with (
        open_store(root).press("weekly"),
        pytest.raises(PublicationConflict, match="another run is publishing 'weekly'"),
    ):
        release(KEY)
    assert release(KEY).new


def test_two_names_do_not_wait_for_each_other(release: Release, root: Path) -> None:
    with open_store(root).press("weekly"):
        assert release(KEY, name="daily").new


def test_publishers_at_once_take_turns(release: Release, other_inputs: Inputs, root: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(release, KEY) for _ in range(2)]
        jobs += [pool.submit(release, OTHER_KEY, other_inputs, force=True) for _ in range(2)]
        made = [job.result() for job in jobs]
    assert all(verify(root / "weekly" / "versions" / version) == [] for version in there(root))
    assert current_version(root, "weekly") == there(root)[-1]
    assert {each.version for each in made} == set(there(root))
    assert list((root / ".work" / "publish").iterdir()) == []


def test_readers_never_find_the_pointer_gone(release: Release, root: Path) -> None:
    release(KEY)
    stop, seen = threading.Event(), set()

    def read() -> int:
        times = 0
        while not stop.is_set():
            seen.add(read_manifest(root / "weekly" / "current").version)
            times += 1
        return times

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        made = [release(KEY, force=True).version for _ in range(5)]
        stop.set()
        assert reader.result() > 5
    assert seen <= set(there(root))
    assert current_version(root, "weekly") == made[-1]


def test_something_else_in_the_place_of_the_pointer_is_kept(release: Release, root: Path) -> None:
    precious = root / "weekly" / "current" / "thesis.tex"
    precious.parent.mkdir(parents=True)
    precious.write_text("years of work", encoding="utf-8")
    with pytest.raises(PublicationConflict, match="move it away"):
        release(KEY)
    assert precious.read_text(encoding="utf-8") == "years of work"
