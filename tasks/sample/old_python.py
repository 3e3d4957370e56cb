"""What PyMC3 wants of the machine: Python 3.9 or 3.8 with its C headers, and a C++ compiler.

Nothing is installed or downloaded here. Only the standard library is used: `make lock` looks for a Python with it too.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHOSEN = "ENCORE_PYMC3_PYTHON"
# The best first. PyMC3 3.11.6 needs a NumPy that newer ones have no wheels of.
VERSIONS = ("3.9", "3.8")
_COMPILERS = ("g++", "clang++", "c++")
_SECONDS = 30.0
_ELSE = "or use --engine rows, which samples the same model in PyMC 6"
# That a name is on PATH proves nothing: pyenv has names for versions it will not start. Nor has every Python its
# headers, or what installs pip into a new environment.
_PROBE = """
import importlib.util, json, os, platform, sys, sysconfig
print(json.dumps({
    "path": getattr(sys, "_base_executable", None) or sys.executable,
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "headers": os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")),
    "pip": importlib.util.find_spec("ensurepip") is not None,
}))
"""


@dataclass(frozen=True)
class OldPython:
    """An interpreter that PyMC3 can live on.

    Parameters
    ----------
    path : Path
    version : str
        ``3.9.18``.
    headers : bool
        Whether C extensions can be compiled for it.
    pip : bool
        Whether it can install pip into an environment.
    """

    path: Path
    version: str
    headers: bool
    pip: bool


@dataclass(frozen=True)
class Machine:
    """What PyMC3 uses of this machine."""

    python: OldPython
    compiler: Path


def check_machine() -> Machine:
    """Find what PyMC3 needs.

    Returns
    -------
    Machine

    Raises
    ------
    InvalidParameter
        If something is missing: what, and how to get it.
    """
    return Machine(find_python(), find_compiler())


def find_python() -> OldPython:
    """Return a Python for PyMC3: one on ``PATH`` that really starts, one of pyenv's, or one that uv knows.

    Raises
    ------
    InvalidParameter
        If there is none.
    """
    if chosen := os.environ.get(CHOSEN):
        found = probe(Path(chosen))
        if found is None:
            message = f"{CHOSEN} is {chosen}, which does not start or is no CPython {' or '.join(VERSIONS)}"
            raise InvalidParameter(message)
        return _with_headers([found])
    seen = {}
    without_headers = []
    for version in VERSIONS:
        for place in _places(version):
            if place not in seen:
                seen[place] = probe(place)
            found = seen[place]
            if found is None or not found.version.startswith(f"{version}."):
                continue
            if found.headers:
                return found
            without_headers.append(found)
    return _with_headers(without_headers)


def _with_headers(found: Sequence[OldPython]) -> OldPython:
    if not found:
        message = (
            "--engine pymc3 needs Python 3.9 (or 3.8), for PyMC3 runs on nothing newer, and there is none here: "
            f"install one ('uv python install 3.9' or 'pyenv install 3.9'), set {CHOSEN} to where it is, {_ELSE}"
        )
        raise InvalidParameter(message)
    if not found[0].headers:
        package = f"python{'.'.join(found[0].version.split('.')[:2])}-dev"
        message = (
            f"--engine pymc3 compiles C++ for Python, and {found[0].path} lacks its headers (Python.h): install them "
            f"(on Debian and Ubuntu the package {package}), set {CHOSEN} to another Python, {_ELSE}"
        )
        raise InvalidParameter(message)
    return found[0]


def find_compiler() -> Path:
    """Return the first C++ compiler on ``PATH`` that starts.

    Raises
    ------
    InvalidParameter
        If there is none.
    """
    for name in _COMPILERS:
        for path in _on_path(name):
            if _output([path, "--version"]) is not None:
                return path
    message = (
        "--engine pymc3 needs a C++ compiler, and there is none here: install g++ (on Debian and Ubuntu the package "
        f"g++, on a Mac xcode-select --install), {_ELSE}"
    )
    raise InvalidParameter(message)


def working_uvs() -> Iterator[Path]:
    """Yield every uv on ``PATH`` that starts."""
    return (uv for uv in _on_path("uv") if _output([uv, "--version"]) is not None)


def probe(path: Path) -> OldPython | None:
    """Ask an interpreter what it is; None if it does not start or PyMC3 cannot live on it."""
    try:
        told = json.loads(_output([path, "-I", "-c", _PROBE]) or "")
        python = OldPython(Path(told["path"]), told["version"], headers=told["headers"], pip=told["pip"])
    except (ValueError, KeyError, TypeError):
        return None
    fits = told["implementation"] == "CPython" and python.version.startswith(tuple(f"{one}." for one in VERSIONS))
    return python if fits else None


def _places(version: str) -> Iterator[Path]:
    yield from _on_path(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path("~/.pyenv").expanduser())
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    for name in ("python3", "python"):
        yield from _on_path(name)
    for uv in working_uvs():
        if found := _output([uv, "python", "find", "--no-project", version]):
            yield Path(found.strip())


def _on_path(name: str) -> Iterator[Path]:
    for folder in os.get_exec_path():
        path = Path(folder, name)
        if path.is_file() and os.access(path, os.X_OK):
            yield path


def _output(command: Sequence[str | Path]) -> str | None:
    """Return what a program says, or None if it cannot be started or fails."""
    try:
        done = subprocess.run(  # noqa: S603 - a list of our own making, no shell
            command,
            env=os.environ | {"UV_PYTHON_DOWNLOADS": "never"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
