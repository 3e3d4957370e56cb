"""Write the lists of pins from the ranges in ``pyproject.toml``: every package one version, every file a hash.

``lock.py`` keeps what is pinned where it still fits; ``lock.py --upgrade`` takes the newest that fits. uv does the
work; where there is none, one is fetched for this once. ``setup.sh lock`` finds the Python to start this with.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from bootstrap import ROOT, SetUpFailed, base_python, guarded, say, succeeds, working_uv

sys.path.append(str(ROOT))
from schemas.errors import InvalidParameter
from tasks.sample.old_python import VERSIONS, find_python

PYMC3 = "requirements/pymc3.txt"
HEADER = """\
# Written by `make lock` from pyproject.toml: what Encore is tested with, on Python 3.12 and 3.13.
# A file is known by its hash, wherever it was downloaded from.
"""


def uv_of_our_own(python: Path, folder: Path) -> Path:
    """Return a uv installed for this once into an environment in `folder`, which must not exist."""
    made = succeeds([python, "-I", "-m", "venv", folder])
    pip = ["-I", "-m", "pip", "install", "--quiet", "--no-input", "--only-binary=:all:", "uv"]
    if made and succeeds([folder / "bin" / "python", *pip]):
        return folder / "bin" / "uv"
    message = "`make lock` needs uv, which is not here and could not be installed (the reason is above): install uv"
    raise SetUpFailed(message)


def lock(root: Path, python: Path, *, upgrade: bool) -> None:
    """Write the lists for running, testing, PyMC3 and the benchmarks' peers from ``pyproject.toml``.

    Parameters
    ----------
    root : Path
        The repository.
    python : Path
        The interpreter to work with.
    upgrade : bool
        Take the newest versions that fit; otherwise versions stay as they are where they still fit.

    Raises
    ------
    SetUpFailed
        If no versions fit together, or a list would hold an address.
    """
    with tempfile.TemporaryDirectory() as scratch:
        uv = working_uv() or uv_of_our_own(python, Path(scratch, "uv"))
        # One list for every platform and every Python it is for, of files that need no building.
        command: list[str | Path] = [uv, "pip", "compile", "--quiet", "--universal"]
        command += ["--only-binary", ":all:", "--generate-hashes", "--no-config"]
        command += ["--no-emit-index-url", "--no-annotate", "--no-header", *(["--upgrade"] if upgrade else [])]
        current: list[str | Path] = ["--python-version", "3.12", "--python", python]
        within = [*current, "--constraint", Path(scratch, "run.txt")]
        groups: dict[str, list[str | Path]] = {
            "requirements/run.txt": [*current, "--group", "build", "pyproject.toml"],
            "requirements/dev.txt": [*within, "--group", "build", "--group", "dev", "pyproject.toml"],
            # What Encore shares with them has one version: methods are compared, not releases.
            "benchmarks/requirements-peers.txt": [*within, "--group", "peers"],
        }
        try:
            # theano-pymc has no wheel, and says what it needs on an old Python alone.
            old: list[str | Path] = ["--python-version", VERSIONS[-1], "--python", find_python().path]
            groups[PYMC3] = [*old, "--no-binary", "theano-pymc", "--group", "pymc3"]
        except InvalidParameter as missing:
            say(f"{PYMC3} stays as it is: {missing}")
        for name, options in groups.items():
            pinned, draft = root / name, Path(scratch, Path(name).name)
            if pinned.exists():
                shutil.copyfile(pinned, draft)  # uv keeps the versions it finds where it is to write
            complete: list[str | Path] = [*command, *options, "--output-file", draft]
            # What this machine has beside the public index must not get into everybody's list.
            if not succeeds(complete, without=("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")):
                message = f"pyproject.toml allows no {draft.name} (the reason is above): change a range there"
                raise SetUpFailed(message)
            if "://" in draft.read_text(encoding="utf-8"):
                message = (
                    f"{draft.name} would hold a download address: ask for a version in pyproject.toml, not a place"
                )
                raise SetUpFailed(message)
        for name in groups:
            header = header_of(name)
            pins = Path(scratch, Path(name).name).read_text(encoding="utf-8").removeprefix(header)
            (root / name).write_text(header + pins, encoding="utf-8")
            count = sum(line[0].isalnum() for line in pins.splitlines())
            say(f"{name} pins {count} packages")


def header_of(name: str) -> str:
    """Return what stands at the top of a list."""
    if name == PYMC3:
        return HEADER.replace("what Encore is tested with, on Python 3.12 and 3.13", "PyMC3, on Python 3.8 and 3.9")
    return HEADER.replace("tested with", "measured against") if "peers" in name else HEADER


def main(arguments: list[str]) -> int:
    """Do what the arguments ask for and return the exit status."""
    if arguments not in ([], ["--upgrade"]):
        say("usage: sh scripts/setup.sh lock [--upgrade]")
        return 2
    return guarded(lambda: lock(ROOT, base_python(), upgrade=bool(arguments)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
