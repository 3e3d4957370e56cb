"""PyMC3's room is made once, whole or not at all, and what it has compiled is nobody else's at the time."""

from __future__ import annotations

import json
import os
import shlex
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import EngineFailed
from tasks.sample import room as rooms
from tasks.sample.old_python import Machine, OldPython
from tasks.sample.room import CACHE, PINS, cache, ready_room, room_for, split

# Stands for an old Python and for that of the environments it makes, which it copies itself into. What it is asked to
# install is noted; FAILING is what it refuses.
PYTHON = """#!/bin/sh
case "$*" in
  *"${FAILING:-nothing}"*) echo "no route to the index" >&2; exit 1 ;;
  *"-m venv"*) for folder; do :; done; mkdir -p "$folder/bin"; cp "$0" "$folder/bin/python" ;;
  *"-m pip install"*) sleep "${SLOWLY:-0}"; echo "$*" >> "$NOTES" ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine with a Python that only pretends, and no uv."""
    path = tmp_path / "python3.9"
    path.write_text(PYTHON, encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setattr(rooms, "working_uvs", lambda: iter(()))
    return Machine(OldPython(path, "3.9.18", headers=True, pip=True), Path("g++"))


def installed(folder: Path) -> int:
    """Return how often something was installed."""
    notes = folder / "notes"
    return len(notes.read_text(encoding="utf-8").splitlines()) if notes.exists() else 0


def test_it_is_made_once(machine: Machine, tmp_path: Path) -> None:
    room = ready_room(machine)
    assert room.is_ready
    assert room.python.is_file()
    assert installed(tmp_path) == 2  # what comes as wheels, and what has to be built
    assert ready_room(machine) == room
    assert installed(tmp_path) == 2
    assert not list((tmp_path / "cache" / "logs").iterdir())


def test_only_pinned_files_are_installed(machine: Machine, tmp_path: Path) -> None:
    ready_room(machine)
    for line in (tmp_path / "notes").read_text(encoding="utf-8").splitlines():
        assert "--require-hashes --no-deps" in line
        assert "--only-binary=:all:" in line or "--no-build-isolation" in line


@pytest.mark.parametrize("failing", ["-m venv", "wheels.txt", "built.txt", "import pymc3"])
def test_a_half_made_one_is_never_used_and_the_reason_is_shown(
    failing: str, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILING", failing)
    with pytest.raises(EngineFailed) as told:
        ready_room(machine)
    sentence, *said, where = str(told.value).splitlines()
    assert sentence.startswith("--engine pymc3: ")
    assert "run the same command again" in sentence
    assert "  no route to the index" in said
    assert "no route" in Path(where.partition(": ")[2]).read_text(encoding="utf-8")
    home = tmp_path / "cache" / "pymc3"
    assert [path for path in home.iterdir() if path.is_dir()] == []
    monkeypatch.delenv("FAILING")
    assert ready_room(machine).is_ready


def test_what_a_killed_set_up_left_is_removed(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOWLY", "60")
    home = tmp_path / "cache" / "pymc3"
    killed = os.fork()
    if killed == 0:
        ready_room(machine)
        os._exit(0)
    while not list(home.glob(".partial-*/bin/python")):
        time.sleep(0.02)
    os.kill(killed, signal.SIGKILL)
    os.waitpid(killed, 0)
    left = next(home.glob(".partial-*"))
    monkeypatch.delenv("SLOWLY")
    assert ready_room(machine).is_ready
    assert not left.exists()


def test_two_at_once_make_one(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOWLY", "0.5")
    made: list[Any] = []
    threads = [threading.Thread(target=lambda: made.append(ready_room(machine))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 3
    assert installed(tmp_path) == 2


def test_other_pins_or_another_python_have_another_room(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = room_for(machine).folder
    other = Machine(OldPython(machine.python.path, "3.8.18", headers=True, pip=True), Path("g++"))
    assert room_for(other).folder != folder
    pins = tmp_path / "pymc3.txt"
    pins.write_text(PINS.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    monkeypatch.setattr(rooms, "PINS", pins)
    assert room_for(machine).folder != folder


def test_a_damaged_one_is_made_anew(machine: Machine, tmp_path: Path) -> None:
    room = ready_room(machine)
    room.condemn()
    assert not room.is_ready
    assert ready_room(machine).is_ready
    assert installed(tmp_path) == 4


def test_a_cache_that_cannot_be_written_is_a_sentence(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE, str(machine.python.path / "cache"))
    with pytest.raises(EngineFailed, match=rf"cannot be written .* set {CACHE} to another folder"):
        ready_room(machine)


def test_the_cache_is_where_users_and_the_xdg_convention_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    for name, value, folder in (
        (CACHE, str(tmp_path), tmp_path),
        ("XDG_CACHE_HOME", "/caches", Path("/caches/encore")),
        ("XDG_CACHE_HOME", "relative", Path("/home/somebody/.cache/encore")),
        ("XDG_CACHE_HOME", "", Path("/home/somebody/.cache/encore")),
    ):
        for one in (CACHE, "XDG_CACHE_HOME"):
            monkeypatch.setenv(one, value if one == name else "")
        assert cache() == folder


def test_pins_are_split_and_none_is_lost() -> None:
    wheels, built = split(PINS.read_text(encoding="utf-8"))
    assert built.startswith("theano-pymc==1.1.2")
    assert built.count("==") - built.count("'=='") == 1
    assert "pymc3==3.11.6" in wheels
    assert "theano" not in wheels
    assert len(wheels.splitlines()) + len(built.splitlines()) == len(PINS.read_text(encoding="utf-8").splitlines())


def test_what_is_compiled_is_kept_for_the_next_and_never_shared(machine: Machine, tmp_path: Path) -> None:
    room = ready_room(machine)
    with room.compiled(tmp_path / "else") as first, room.compiled(tmp_path / "else") as second:
        assert first.folder != second.folder
        (first.folder / "module.so").touch()
        first.is_sound()
    with room.compiled(tmp_path / "else") as again:
        assert again.folder == first.folder
        assert (again.folder / "module.so").exists()
    # Whoever had it did not end by itself: what it compiled last may be broken.
    with room.compiled(tmp_path / "else") as after:
        assert after.folder == first.folder
        assert list(after.folder.iterdir()) == []


def test_where_files_cannot_be_locked_each_run_compiles_for_itself(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = ready_room(machine)
    monkeypatch.setattr(rooms, "_lock", lambda _file, **_: None)
    with room.compiled(tmp_path / "else") as compiled:
        assert compiled.folder == tmp_path / "else"
        assert compiled.folder.is_dir()
        assert compiled.lock is None


def test_theano_reads_any_path() -> None:
    path = "/home/a, b#c=d 'e'/\u00fc"
    # As its own configuration parser splits them.
    splitter = shlex.shlex(rooms.theano_flags({"base_compiledir": path, "blas__ldflags": "", "cxx": "g++"}), posix=True)
    splitter.whitespace, splitter.whitespace_split = ",", True
    assert dict(word.split("=", 1) for word in splitter) == {"base_compiledir": path, "blas__ldflags": "", "cxx": "g++"}


def test_settings_that_lead_astray_stay_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "THEANO_FLAGS", "PIP_TARGET", "VIRTUAL_ENV", "UV_PYTHON"):
        monkeypatch.setenv(name, "nowhere good")
    monkeypatch.setenv("PIP_INDEX_URL", "kept")
    environment = rooms.clean_environment()
    assert "nowhere good" not in json.dumps(environment)
    assert environment["PIP_INDEX_URL"] == "kept"
    assert environment["PATH"] == os.environ["PATH"]
