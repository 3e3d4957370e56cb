"""What Encore is compared with, installed by the benchmark and not by the project: into ``benchmarks/.peers``.

``make lock`` pins it in ``benchmarks/requirements-peers.txt``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from typing import TYPE_CHECKING

from processes import BENCHMARKS, REPOSITORY, say

sys.path.append(str(REPOSITORY / "scripts"))
import bootstrap

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = BENCHMARKS / ".peers"
PYTHON = FOLDER / "venv" / "bin" / "python"
PINS = BENCHMARKS / "requirements-peers.txt"


def python_peers() -> Path:
    """Return the interpreter of the peers' environment, made once for each list of pins.

    Raises
    ------
    bootstrap.SetUpFailed
        If it cannot be made.
    """
    note = FOLDER / "installed"
    digest = sha256(PINS.read_bytes()).hexdigest()
    if note.is_file() and note.read_text(encoding="utf-8") == digest:
        return PYTHON
    say(f"installing the peers into {FOLDER.relative_to(REPOSITORY)}, once")
    shutil.rmtree(FOLDER, ignore_errors=True)
    uv, base = bootstrap.working_uv(), bootstrap.base_python()
    FOLDER.mkdir()
    listed = ["--quiet", "--require-hashes", "--only-binary=:all:", "-r", PINS]
    if not bootstrap.succeeds([base, "-I", "-m", "venv", PYTHON.parents[1]]):
        message = f"{base} cannot make a virtual environment for the peers (the reason is above)"
        raise bootstrap.SetUpFailed(message)
    with_uv = uv and bootstrap.succeeds([uv, "pip", "install", "--python", PYTHON, *listed])
    if not (with_uv or bootstrap.succeeds([PYTHON, "-I", "-m", "pip", "install", "--no-input", *listed])):
        message = f"could not install what {PINS.relative_to(REPOSITORY)} lists (the reason is above)"
        raise bootstrap.SetUpFailed(message)
    note.write_text(digest, encoding="utf-8")
    return PYTHON


def r_with_lme4() -> tuple[str, str]:
    """Return Rscript, fetching it and lme4 with apt-get where that is there and allowed; or why it cannot be had.

    Returns
    -------
    program : str
        Empty if there is none.
    why : str
        Empty if there is one.
    """

    def found() -> str:
        program = shutil.which("Rscript")
        fine = program and bootstrap.succeeds([program, "-e", "stopifnot(requireNamespace('lme4'))"], quiet=True)
        return str(program) if fine else ""

    if program := found():
        return program, ""
    packages = "r-base-core and r-cran-lme4"
    apt = shutil.which("apt-get")
    if not apt:
        return "", f"R with lme4 is not here, and neither is apt-get to install {packages}: install R and lme4"
    if os.geteuid() != 0:
        return "", f"R with lme4 is not here: as root, apt-get install {packages.replace(' and', '')}"
    say(f"installing {packages} with apt-get, once")
    quiet = {"DEBIAN_FRONTEND": "noninteractive", **os.environ}
    for step in (["update"], ["install", "--yes", "--no-install-recommends", *packages.split(" and ")]):
        subprocess.run([apt, "-qq", *step], env=quiet, stdout=subprocess.DEVNULL, check=False)
    program = found()
    return program, "" if program else f"apt-get could not install {packages} (what it said is above)"


if __name__ == "__main__":
    sys.exit(bootstrap.guarded(lambda: print(python_peers())))
