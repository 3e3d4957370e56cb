"""Reading publications: what is current, what is whole."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from schemas.errors import InvalidParameter, PublicationConflict
from tasks.publish.store import current_version, find_version, read_manifest, verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "0123456789abcdef" * 2


@pytest.fixture
def version(release: Callable[..., Any], root: Path) -> Path:
    return root / "weekly" / "versions" / release(KEY).version


def test_nothing_is_current_before_the_first(tmp_path: Path) -> None:
    assert current_version(tmp_path, "weekly") is None
    assert find_version(tmp_path, "weekly", KEY) is None


def test_a_published_version_is_whole_and_current(version: Path, root: Path) -> None:
    assert verify(version) == []
    assert verify(root / "weekly" / "current") == []
    assert current_version(root, "weekly") == version.name
    assert find_version(root, "weekly", KEY) == version.name
    assert find_version(root, "weekly", "f" * 32) is None


def test_a_key_that_only_starts_the_same_is_another(version: Path, root: Path) -> None:
    assert version.name.endswith(KEY[:12])
    assert find_version(root, "weekly", KEY[:12] + "0" * 20) is None


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (lambda folder: (folder / "genres.parquet").unlink(), "genres.parquet is missing"),
        (lambda folder: (folder / "report.html").write_text("x"), "report.html has changed since it was published"),
        (lambda folder: (folder / "notes.txt").write_text("x"), "notes.txt is not in the manifest"),
        (lambda folder: (folder / "data_docs" / "more").write_text(""), "data_docs/more is not in the manifest"),
    ],
)
def test_verify_says_what_is_wrong(version: Path, root: Path, harm: Callable[[Path], Any], sentence: str) -> None:
    harm(version)
    assert verify(version) == [sentence]
    assert find_version(root, "weekly", KEY) is None


def test_a_change_that_keeps_the_size_is_seen(version: Path) -> None:
    path = version / "posterior.nc"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert verify(version) == ["posterior.nc has changed since it was published"]


def test_a_link_is_no_published_file(version: Path, tmp_path: Path) -> None:
    elsewhere = shutil.copy(version / "report.html", tmp_path / "elsewhere.html")
    (version / "report.html").unlink()
    (version / "report.html").symlink_to(elsewhere)
    assert verify(version) == ["report.html is a link, not a file"]


def test_a_manifest_cannot_send_us_out_of_its_folder(version: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    manifest = json.loads((version / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["../../../../secret"] = {"sha256": "0" * 64, "size": 1}
    (version / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert verify(version) == ["../../../../secret is missing"]


def test_a_version_that_was_renamed_is_not_trusted(version: Path) -> None:
    moved = version.rename(version.with_name("20200101T000000Z-0123456789ab"))
    assert len(verify(moved)) == 1
    assert version.name in verify(moved)[0]


def test_a_folder_without_a_manifest_is_no_publication(tmp_path: Path) -> None:
    with pytest.raises(PublicationConflict, match=r"is not a publication.*give a folder"):
        read_manifest(tmp_path)
    assert len(verify(tmp_path)) == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "weekly"}', "\0"])
def test_a_broken_manifest_is_a_sentence(version: Path, text: str) -> None:
    (version / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(PublicationConflict, match=r"manifest\.json is not a manifest"):
        read_manifest(version)
    assert len(verify(version)) == 1


def test_a_pointer_to_a_folder_that_is_gone_is_not_current(version: Path, root: Path) -> None:
    shutil.rmtree(version)
    assert current_version(root, "weekly") is None


@pytest.mark.parametrize("target", ["/etc", "../elsewhere", "versions/../..", "versions/latest"])
def test_a_pointer_that_is_not_ours_is_refused(version: Path, root: Path, target: str) -> None:
    pointer = root / "weekly" / "current"
    pointer.unlink()
    pointer.symlink_to(target)
    with pytest.raises(PublicationConflict, match="no version of ours"):
        current_version(root, "weekly")
    assert version.is_dir()


def test_a_folder_in_place_of_the_pointer_is_refused(version: Path, root: Path) -> None:
    pointer = root / "weekly" / "current"
    pointer.unlink()
    pointer.mkdir()
    with pytest.raises(PublicationConflict, match="not a pointer"):
        current_version(root, "weekly")
    assert version.is_dir()


@pytest.mark.parametrize("name", ["", "..", "../weekly", "Weekly", "a/b", ".work", "a..b", "x" * 65])
def test_names_that_could_be_paths_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidParameter):
        current_version(tmp_path, name)
    with pytest.raises(InvalidParameter):
        find_version(tmp_path, name, KEY)
