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
    """Write ``requirements/run.txt``, ``requirements/dev.txt`` and the benchmarks' peers from ``pyproject.toml``.

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
        # One list for every platform and both Pythons, of files that need no building.
        command: list[str | Path] = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.12"]
        command += ["--python", python, "--only-binary", ":all:", "--generate-hashes", "--no-config"]
        command += ["--no-emit-index-url", "--no-annotate", "--no-header", *(["--upgrade"] if upgrade else [])]
        run = Path(scratch, "run.txt")
        groups: dict[str, list[str | Path]] = {
            "requirements/run.txt": ["--group", "build", "pyproject.toml"],
            "requirements/dev.txt": ["--group", "build", "--group", "dev", "--constraint", run, "pyproject.toml"],
            # What Encore shares with them has one version: methods are compared, not releases.
            "benchmarks/requirements-peers.txt": ["--group", "peers", "--constraint", run],
        }
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
            header = HEADER.replace("tested with", "measured against") if "peers" in name else HEADER
            pins = Path(scratch, Path(name).name).read_text(encoding="utf-8").removeprefix(header)
            (root / name).write_text(header + pins, encoding="utf-8")
            count = sum(line[0].isalnum() for line in pins.splitlines())
            say(f"{name} pins {count} packages")


def main(arguments: list[str]) -> int:
    """Do what the arguments ask for and return the exit status."""
    if arguments not in ([], ["--upgrade"]):
        say("usage: sh scripts/setup.sh lock [--upgrade]")
        return 2
    return guarded(lambda: lock(ROOT, base_python(), upgrade=bool(arguments)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
