"""Results are there whole or not at all, and are made once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schemas.errors import CorpusRejected, CorruptStep
from schemas.versions import STEPS
from tasks.retrying import passes
from tasks.stamps import STAMPS
from tasks.storage import Storage, key_of

if TYPE_CHECKING:
    from collections.abc import Callable


def write(text: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        (folder / "inner").mkdir()
        (folder / "inner" / "file.txt").write_text(text, encoding="utf-8")

    return build


def refuse(_folder: Path) -> None:
    pytest.fail("built again although nothing had changed")


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "work")


def test_a_result_is_made_once(storage: Storage) -> None:
    first = storage.run("group", "k1", write("a"))
    assert storage.run("group", "k1", refuse) == first
    assert (storage.open(first) / "inner" / "file.txt").read_text(encoding="utf-8") == "a"


def test_the_same_content_has_the_same_name(storage: Storage) -> None:
    assert storage.run("group", "k1", write("a")).content == storage.run("group", "k2", write("a")).content
    assert storage.run("group", "k3", write("b")).content != storage.run("group", "k1", refuse).content


def test_force_makes_it_again(storage: Storage) -> None:
    storage.run("group", "k1", write("a"))
    again = storage.run("group", "k1", write("b"), force=True)
    assert (storage.open(again) / "inner" / "file.txt").read_text(encoding="utf-8") == "b"


def test_a_step_that_fails_leaves_nothing(storage: Storage) -> None:
    def build(folder: Path) -> None:
        (folder / "half").write_text("half", encoding="utf-8")
        message = "the disk is gone"
        raise OSError(message)

    with pytest.raises(OSError, match="the disk is gone"):
        storage.run("group", "k1", build)
    assert storage.find("group", "k1") is None
    assert not [path for path in storage.root.rglob("*") if path.is_file()]


@pytest.mark.parametrize("harm", ["change", "remove", "cut the list"])
def test_a_damaged_result_is_made_again(storage: Storage, harm: str) -> None:
    reference = storage.run("group", "k1", write("a"))
    file = Path(reference.path) / "inner" / "file.txt"
    if harm == "change":
        file.write_text("b", encoding="utf-8")
    elif harm == "remove":
        file.unlink()
    else:
        (Path(reference.path) / "_contents.json").write_text('{"inner', encoding="utf-8")
    with pytest.raises(CorruptStep):
        storage.open(reference)
    assert storage.run("group", "k1", write("a")) == reference


def rot(file: Path, text: str) -> None:
    """Change a file as a disk does by itself: nothing but its content tells."""
    found = file.stat()
    assert len(text) == found.st_size
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))


def run_believing(storage: Storage, build: Callable[[Path], None]) -> Path:
    """Run a step whose files in one folder are believed, and return what it found or made."""
    return Path(storage.run("sift", "k1", build, believed="inner").path) / "inner" / "file.txt"


@pytest.mark.parametrize("harm", ["change", "cut", "replace", "remove", "cut the stamps"])
def test_a_file_that_was_touched_is_not_believed(storage: Storage, harm: str) -> None:
    file = run_believing(storage, write("a"))
    if harm == "replace":
        (file.parent / "other").write_text("b", encoding="utf-8")
        os.utime(file.parent / "other", ns=(0, file.stat().st_mtime_ns))
        (file.parent / "other").rename(file)
    elif harm == "remove":
        file.unlink()
    elif harm == "cut the stamps":
        rot(file, "b")
        (file.parents[1] / STAMPS).write_text('{"inner/file.txt": [1,', encoding="utf-8")
    else:
        file.write_text("b" if harm == "change" else "", encoding="utf-8")
    assert run_believing(storage, write("c")).read_text(encoding="utf-8") == "c"


def test_only_what_lies_in_the_folder_is_believed(storage: Storage) -> None:
    file = run_believing(storage, write("a"))
    rot(file, "b")
    assert run_believing(storage, refuse) == file, "it is not read"
    assert storage.find("sift", "k1") is None, "asked without believing"

    def two(folder: Path) -> None:
        write("a")(folder)
        (folder / "outer.txt").write_text("a", encoding="utf-8")

    run_believing(storage, two)
    rot(file.parents[1] / "outer.txt", "b")
    assert run_believing(storage, write("c")).read_text(encoding="utf-8") == "c"


def test_what_is_found_wrong_where_it_is_shared_is_not_believed_any_more(storage: Storage) -> None:
    file = run_believing(storage, write("a"))

    def shares(folder: Path) -> dict[str, str]:
        os.link(file, folder / "linked.txt")
        return {"linked.txt": hashlib.sha256(b"a").hexdigest()}

    rot(file, "b")
    reference = storage.run("ingest", "k1", shares)
    with pytest.raises(CorruptStep):
        storage.open(reference)
    file = run_believing(storage, write("a"))
    assert file.read_text(encoding="utf-8") == "a"
    assert (storage.open(storage.run("ingest", "k1", shares)) / "linked.txt").read_text(encoding="utf-8") == "a"


def test_what_is_read_and_found_right_is_believed_from_then_on(storage: Storage) -> None:
    file = run_believing(storage, write("a"))
    os.utime(file)
    assert run_believing(storage, refuse) == file
    rot(file, "b")
    assert run_believing(storage, refuse) == file


def test_who_is_to_believe_nothing_makes_it_again(storage: Storage) -> None:
    rot(run_believing(storage, write("a")), "b")
    again = storage.run("sift", "k1", write("a"), force=True, believed="inner")
    assert (storage.open(again) / "inner" / "file.txt").read_text(encoding="utf-8") == "a"


def test_what_a_killed_process_left_is_swept_away(storage: Storage, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from tasks.storage import Storage\n"
        "def build(folder): (folder / 'half').write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "Storage(Path(sys.argv[1])).run('group', 'k1', build)\n"
    )
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path / "work")], env=environment, check=False)
    assert killed.returncode == -9
    assert storage.find("group", "k1") is None
    assert list((tmp_path / "work" / "group").glob(".partial-*"))
    storage.run("group", "k1", write("a"))
    assert not list((tmp_path / "work" / "group").glob(".partial-*"))


def test_a_key_depends_on_everything_that_matters() -> None:
    keys = {
        key_of(step, inputs, parameters)
        for step in ("group", "sample")
        for inputs in (["a"], ["b"], ["a", "b"], ["b", "a"])
        for parameters in ({"x": 1}, {"x": 2})
    }
    assert len(keys) == 2 * 4 * 2
    assert key_of("group", ["a"], {"x": 1, "y": 2}) == key_of("group", ["a"], {"y": 2, "x": 1})


@pytest.mark.parametrize(
    ("error", "worth_another_try"),
    [
        (OSError(5, "Input/output error"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (CorruptStep("changed"), False),
        (FileNotFoundError(), False),
        (PermissionError(), False),
        (CorpusRejected("no popularity"), False),
        (ValueError("a bug"), False),
        (KeyError("a bug"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Exception, *, worth_another_try: bool) -> None:
    assert passes(error) is worth_another_try


def test_a_new_version_of_a_step_has_new_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of("group", ["a"], {})
    monkeypatch.setitem(STEPS, "group", STEPS["group"] + 1)
    assert key_of("group", ["a"], {}) != before
