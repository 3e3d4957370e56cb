"""Make ``.venv`` ready to run or to test Encore; ``setup.sh`` finds the Python to start this with.

``bootstrap.py run`` installs what running needs, ``bootstrap.py dev`` what testing needs on top, both from the lists of
hash-pinned packages in ``requirements/``. uv does the work where there is one that runs, pip elsewhere. A second time
there is nothing to do, and that is found out at once. Only the standard library is used.

What has been set up is noted in ``.venv/.encore.json``. The note says nothing but "unfinished" while work is in
progress, so a set-up that was interrupted is made again from nothing, and one that nobody finished is never used.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("run", "dev")


class SetUpFailed(Exception):
    """Set-up cannot go on; the message says why, and what to do."""


def say(message: str) -> None:
    """Tell the person at the terminal; standard output belongs to the command that the set-up is for."""
    print(f"encore: {message}", file=sys.stderr, flush=True)


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what would make pip or uv install anywhere but where they are told."""
    misleading = {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_PREFIX", "PIP_ROOT", "PIP_TARGET"}
    misleading |= {"UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_BREAK_SYSTEM_PACKAGES"}
    kept = {name: value for name, value in environment.items() if name not in misleading}
    return kept | {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def succeeds(command: Sequence[str | Path], *, quiet: bool = False, without: Collection[str] = ()) -> bool:
    """Run a command in the repository and return whether it could be started and exited with 0.

    Parameters
    ----------
    command : sequence of str or Path
        The program and its arguments.
    quiet : bool
        A failure is no news. Otherwise the end of what a failed command said to standard error is passed on.
    without : collection of str
        Environment variables it must not see.
    """
    import subprocess

    environment = clean_environment(os.environ)
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments of our own making, no shell
            command,
            cwd=ROOT,
            env={name: value for name, value in environment.items() if name not in without},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            close_fds=False,  # see `locked`
        )
    except OSError:
        return False
    if done.returncode and not quiet:
        # pip warns about every index it cannot read: only what comes last tells why it gave up.
        print(*done.stderr.decode(errors="replace").splitlines()[-15:], sep="\n", file=sys.stderr, flush=True)
    return done.returncode == 0


def working_uv() -> Path | None:
    """Return the first uv on ``PATH`` that starts: pyenv leaves one that does not where another version has it."""
    for folder in os.get_exec_path():
        uv = Path(folder, "uv")
        if uv.is_file() and os.access(uv, os.X_OK) and succeeds([uv, "--version"], quiet=True):
            return uv
    return None


class Environment:
    """The virtual environment of a checkout, and the note of what is in it.

    Parameters
    ----------
    root : Path
        The repository.
    python : Path
        The interpreter to make it with.
    version : str
        That interpreter's version, ``"3.12"`` or ``"3.13"``.
    """

    def __init__(self, root: Path, python: Path, version: str) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.base = python
        self.note_file = self.folder / ".encore.json"
        # A virtual environment has its own path written into its scripts: in a moved checkout it is a broken one.
        self.place = f"Python {version} in {self.folder}"

    def digest(self, path: str) -> str:
        """Return the hash of a file of the repository."""
        return sha256((self.root / path).read_bytes()).hexdigest()

    def note(self) -> dict[str, Any]:
        """Return what was noted about the environment; nothing if it was not made here."""
        try:
            found = json.loads(self.note_file.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, **note: object) -> None:
        """Replace the note in one step."""
        draft = self.note_file.with_suffix(".new")
        draft.write_text(json.dumps(note, indent=1), encoding="utf-8")
        draft.replace(self.note_file)

    def is_sound(self) -> bool:
        """Return whether the environment was finished, here, with this Python."""
        return bool(self.note().get("place") == self.place)

    def has_packages(self, kind: str) -> bool:
        """Return whether everything pinned for `kind` is there; what testing needs has all that running needs."""
        note = self.note()
        held = note.get("kind")
        enough = held in KINDS and KINDS.index(held) >= KINDS.index(kind)
        return enough and note.get("packages") == self.digest(f"requirements/{held}.txt")

    def has_project(self) -> bool:
        """Return whether Encore itself is installed as its ``pyproject.toml`` now says."""
        return bool(self.note().get("project") == self.digest("pyproject.toml"))

    def is_ready(self, kind: str) -> bool:
        """Return whether there is nothing left to do."""
        return self.is_sound() and self.has_packages(kind) and self.has_project()

    def prepare(self, kind: str) -> None:
        """Do what is missing, and note it once it is done.

        Raises
        ------
        SetUpFailed
            If something could not be installed, or ``.venv`` is somebody else's.
        """
        uv = working_uv()
        begun = time.monotonic()
        sound = self.is_sound()
        kind = max(kind, str(self.note().get("kind") or kind), key=KINDS.index)
        packages_left = not (sound and self.has_packages(kind))
        if not sound:
            self.remove()
            self.folder.mkdir()
        if packages_left:
            python, tool = self.place.partition(" in ")[0], "uv" if uv else "pip"
            say(f"setting up .venv with {python} and {tool}, once, in a minute or two")
        self.write(unfinished=True)
        if not sound:
            self.create(uv)
        if packages_left:
            # The list is complete. pip, left to look for what packages want, takes an extra of one for another package,
            # finds a newer release of it, and stops because that has no hash.
            self.install(uv, "--require-hashes", "--no-deps", "--only-binary=:all:", "-r", f"requirements/{kind}.txt")
        # Build isolation would fetch setuptools unpinned: the one from the list is there already.
        self.install(uv, "--no-deps", "--no-index", "--no-build-isolation", "--editable", ".")
        self.write(
            place=self.place,
            kind=kind,
            packages=self.digest(f"requirements/{kind}.txt"),
            project=self.digest("pyproject.toml"),
        )
        if packages_left:
            say(f".venv is ready after {time.monotonic() - begun:.0f} s")

    def remove(self) -> None:
        """Remove an environment made here earlier; never one that was not."""
        import shutil

        if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
            message = "something that is no folder stands where .venv should be: remove it, or move it away"
            raise SetUpFailed(message)
        if not self.folder.exists():
            return
        if not self.note_file.exists() and any(self.folder.iterdir()):
            message = (
                ".venv was not made by Encore's set-up, so it is left alone: move it away, or `make clean` removes it"
            )
            raise SetUpFailed(message)
        shutil.rmtree(self.folder)

    def create(self, uv: Path | None) -> None:
        """Make the environment, empty."""
        if uv and succeeds(
            [uv, "venv", "--quiet", "--no-project", "--allow-existing", "--python", self.base, self.folder]
        ):
            return
        if not succeeds([self.base, "-I", "-m", "venv", self.folder]):
            message = (
                f"{self.base} cannot make a virtual environment: install what it lacks "
                "(on Debian and Ubuntu the package python3-venv), or set ENCORE_PYTHON to another Python 3.12 or 3.13"
            )
            raise SetUpFailed(message)

    def install(self, uv: Path | None, *what: str) -> None:
        """Install with uv, or with pip where there is no uv, or where uv does not know the index that pip knows."""
        if uv and succeeds([uv, "pip", "install", "--quiet", "--python", self.python, *what]):
            return
        if uv:
            say("uv could not do it: trying pip")
        pip: list[str | Path] = [self.python, "-I", "-m", "pip"]
        # An environment made by uv comes without pip.
        if not succeeds([*pip, "--version"], quiet=True):
            succeeds([self.python, "-I", "-m", "ensurepip"], quiet=True)
        if not succeeds([*pip, "install", "--quiet", "--no-input", *what]):
            things = "Encore itself" if what[-1] == "." else f"what {what[-1]} lists from the package index"
            message = f"could not install {things}: mend the reason, which is above, and run the same command again"
            raise SetUpFailed(message)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold other set-ups of the same checkout back: ``make -j``, or two terminals."""
    import fcntl

    with (root / "pyproject.toml").open("r+b") as handle:  # for writing, as network file systems want it
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up of this folder is at work: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        os.set_inheritable(handle.fileno(), True)  # noqa: FBT003 - a pip that outlives us, killed, still holds others back
        yield


def base_python() -> Path:
    """Return the interpreter that runs this, or the one its virtual environment was made from."""
    return Path(sys._base_executable)  # type: ignore[attr-defined]  # noqa: SLF001 - there is no public name for it


def guarded(work: Callable[[], None]) -> int:
    """Do the work, and return the exit status: what a person can mend is one sentence, with no traceback."""
    try:
        work()
    except SetUpFailed as problem:
        say(f"{problem}.")
        return 1
    except OSError as problem:
        say(f"set-up stopped at {problem.filename or 'a file'}: {problem.strerror or problem}.")
        return 1
    except KeyboardInterrupt:
        say("set-up interrupted: the same command starts it again.")
        return 130
    return 0


def make_ready(environment: Environment, kind: str) -> None:
    """Do what is left to do, unless somebody else does it while we wait for them."""
    if not environment.is_ready(kind):
        with locked(environment.root):
            if not environment.is_ready(kind):
                environment.prepare(kind)


def main(arguments: list[str]) -> int:
    """Do what the arguments ask for and return the exit status."""
    if len(arguments) != 1 or arguments[0] not in KINDS:
        say("usage: sh scripts/setup.sh run | dev | lock [--upgrade]")
        return 2
    environment = Environment(ROOT, base_python(), "{}.{}".format(*sys.version_info))
    return guarded(lambda: make_ready(environment, arguments[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
