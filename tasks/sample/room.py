"""PyMC3's room: an environment of its own, made once for each user, from pins with hashes.

It is made beside its place and renamed at the end, so that a half-made one is never used; who comes second waits
for who came first. Where it is there already, no network is needed. `ENCORE_CACHE` says where it is kept.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shlex
import shutil
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import EngineFailed
from tasks.partials import partial_name, sweep
from tasks.sample.old_python import working_uvs
from tasks.sample.watched import tail, watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO

    from tasks.sample.old_python import Machine

CACHE = "ENCORE_CACHE"
PINS = Path(__file__).resolve().parents[2] / "requirements" / "pymc3.txt"
_LOGGER = logging.getLogger("encore")
# Raise it when a room is made in another way.
_MADE_AS = 1
# It has no wheel: what it is built with is installed before it, from the same pins.
_BUILT = "theano-pymc"
_DONE = "room.txt"
# Programs that know nothing of us end with us all the same, where the system lets them ask for it.
_ENDS_WITH_US = (
    "import ctypes, os, sys\n"
    "sys.platform == 'linux' and ctypes.CDLL(None).prctl(1, 9)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)
_LOGS_KEPT = 20


@dataclass(frozen=True)
class Room:
    """A place where PyMC3 lives.

    Parameters
    ----------
    folder : Path
    machine : Machine
        What it was made with.
    """

    folder: Path
    machine: Machine

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def is_ready(self) -> bool:
        """Whether it is there, whole."""
        return (self.folder / _DONE).is_file()

    def condemn(self) -> None:
        """Have the next run make it anew."""
        (self.folder / _DONE).unlink(missing_ok=True)

    @contextlib.contextmanager
    def compiled(self, otherwise: Path) -> Iterator[Compiled]:
        """Lend a folder of what Theano has compiled before, to be used by nobody else at the time.

        Parameters
        ----------
        otherwise : Path
            To be used where files cannot be locked; it begins empty.
        """
        home = cache() / "pymc3" / f"compiled-{self.folder.name}"
        home.mkdir(parents=True, exist_ok=True)
        number = 0
        while True:
            with (home / f"{number}.lock").open("a") as lock:
                held = _lock(lock, wait=False)
                if held is not False:
                    yield Compiled(home / str(number), lock.fileno()) if held else Compiled(otherwise, None)
                    return
            number += 1


class Compiled:
    """What Theano has compiled; whoever was killed while it compiled may have left it broken, and it begins anew."""

    def __init__(self, folder: Path, lock: int | None) -> None:
        self.folder, self.lock = folder, lock
        self._in_use = folder.with_name(f"{folder.name}.used")
        if self._in_use.exists():
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        self._in_use.touch()

    def is_sound(self) -> None:
        """Say that nothing is being compiled any more."""
        self._in_use.unlink(missing_ok=True)


def cache() -> Path:
    """Return the folder where this user keeps what can be made again."""
    chosen = os.environ.get(CACHE)
    if chosen:
        return Path(chosen).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification wants relative paths ignored.
    return (Path(base) if Path(base).is_absolute() else Path("~/.cache").expanduser()) / "encore"


def new_log(what: str) -> Path:
    """Return the path of a log to be written; of old ones a few are kept."""
    folder = cache() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("*.log"), key=lambda path: path.name)[: -_LOGS_KEPT + 1]:
        old.unlink(missing_ok=True)
    return folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{what}-{os.getpid()}.log"


def clean_environment() -> dict[str, str]:
    """Return the environment without what would lead another Python, pip or Theano astray."""
    misleading = re.compile(r"PYTHON|VIRTUAL_ENV|THEANO|PIP_(PREFIX|ROOT|TARGET|USER)|UV_(PYTHON|SYSTEM|BREAK|PROJECT)")
    kept = {name: value for name, value in os.environ.items() if not misleading.match(name)}
    return kept | {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def theano_flags(flags: Mapping[str, object]) -> str:
    """Return settings as Theano reads them, whatever letters are in a path."""
    return ",".join(f"{name}={shlex.quote(str(value))}" for name, value in flags.items())


def room_for(machine: Machine) -> Room:
    """Return the room that fits the pins and the machine, made or not."""
    python = machine.python
    told = f"{_MADE_AS}\n{python.path}\n{python.version}\n{os.uname().machine}\n".encode()
    digest = sha256(told + PINS.read_bytes()).hexdigest()[:16]
    return Room(cache() / "pymc3" / f"room-{python.version}-{digest}", machine)


def ready_room(machine: Machine) -> Room:
    """Return the room, made if it is not there.

    Raises
    ------
    EngineFailed
        If it cannot be made, with the end of what the installer said.
    """
    room = room_for(machine)
    if room.is_ready:
        return room
    home = room.folder.parent
    try:
        home.mkdir(parents=True, exist_ok=True)
        with (home / f"{room.folder.name}.lock").open("a") as lock:
            if _lock(lock, wait=False) is False:
                _LOGGER.info("%-7s another run is setting PyMC3's environment up: waiting for it", "sample")
                _lock(lock, wait=True)
            if not room.is_ready:
                sweep(home)
                _make(room)
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        message = f"--engine pymc3: {home} cannot be written ({error}): mend that, or set {CACHE} to another folder"
        raise EngineFailed(message) from None
    return room


def _make(room: Room) -> None:
    python = room.machine.python
    uv = next(working_uvs(), None)
    begun = time.monotonic()
    told = "sample", python.version, "uv" if uv else "pip"
    _LOGGER.info("%-7s setting PyMC3 up with Python %s and %s, once, in a minute or two", *told)
    partial = room.folder.with_name(partial_name(room.folder.name.rpartition("-")[2]))
    partial.mkdir()
    log = new_log("pymc3-set-up")
    try:
        _Making(partial, room.machine, log).make(uv)
        (partial / _DONE).write_text("finished\n", encoding="ascii")
        shutil.rmtree(room.folder, ignore_errors=True)  # it has no note that it is whole
        partial.rename(room.folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    log.unlink(missing_ok=True)
    _LOGGER.info("%-7s PyMC3 is set up in %s (%.0f s)", "sample", room.folder, time.monotonic() - begun)


@dataclass(frozen=True)
class _Making:
    """A room in the making, in a folder that will be renamed."""

    folder: Path
    machine: Machine
    log: Path

    @property
    def _python(self) -> Path:
        return self.folder / "bin" / "python"

    def make(self, uv: Path | None) -> None:
        base = self.machine.python
        without = ["--without-pip"] if uv else []
        if not self._does([base.path, "-I", "-m", "venv", *without, self.folder]):
            message = f"{base.path} cannot make a virtual environment for PyMC3"
            if not base.pip:
                message += " (on Debian and Ubuntu it lacks the package python3-venv)"
            raise self._failed(message)
        wheels, built = (self.folder / name for name in ("wheels.txt", "built.txt"))
        for path, pins in zip((wheels, built), split(PINS.read_text(encoding="utf-8")), strict=True):
            path.write_text(pins, encoding="utf-8")
        steps: list[list[str | Path]] = [
            ["--only-binary=:all:", "-r", wheels],
            ["--no-build-isolation", "-r", built],  # with what has just been installed
        ]
        for options in steps:
            if not (uv and self._does([uv, "pip", "install", "--quiet", "--python", self._python, *_STRICT, *options])):
                self._with_pip(options)
        if not self._does([self._python, "-I", "-c", "import pymc3"]):
            message = "PyMC3 was installed and does not start"
            raise self._failed(message)

    def _with_pip(self, options: Sequence[str | Path]) -> None:
        pip: list[str | Path] = [self._python, "-I", "-m", "pip"]
        # An environment made for uv comes without pip.
        there = self._does([*pip, "--version"]) or self._does([self._python, "-I", "-m", "ensurepip"])
        if not (there and self._does([*pip, "install", "--quiet", "--no-input", *_STRICT, *options])):
            message = f"could not install what {PINS.parent.name}/{PINS.name} lists from the package index"
            raise self._failed(message)

    def _does(self, command: Sequence[str | Path]) -> bool:
        guarded = [sys.executable, "-I", "-c", _ENDS_WITH_US, *command]
        flags = theano_flags({"base_compiledir": self.folder / "theano", "cxx": ""})
        environment = clean_environment() | {"THEANO_FLAGS": flags}
        return watch(guarded, environment=environment, log=self.log, folder=self.folder).status == 0

    def _failed(self, message: str) -> EngineFailed:
        said = "".join(f"\n  {line}" for line in tail(self.log))
        return EngineFailed(
            f"--engine pymc3: {message}: mend the reason, and run the same command again{said}\n  all of it: {self.log}"
        )


_STRICT = ("--require-hashes", "--no-deps")


def split(pins: str) -> tuple[str, str]:
    """Split a list of pins into what comes as wheels and what has to be built."""
    entries = re.split(r"(?m)^(?=[A-Za-z])", pins)
    built = [entry for entry in entries if entry.startswith(f"{_BUILT}==")]
    return "".join(entry for entry in entries if entry not in built), "".join(built)


def _lock(file: IO[str], *, wait: bool) -> bool | None:
    """Take a lock that the system drops with its holder: True if we have it, None where files cannot be locked."""
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
