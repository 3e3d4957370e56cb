"""A disk that really fills up, step by step: a small file system of its own, in a mount namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from label import write_label

if TYPE_CHECKING:
    from collections.abc import Sequence

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Runs where nobody else sees what it mounts: fills the disk as soon as the step has begun to write, then makes room.
DRIVER = """
import os, subprocess, sys, time
from pathlib import Path

disk, step, *command = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", disk], check=True)
begun = f".work/{step}/.partial-*"
run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
while run.poll() is None and not list(Path(disk, "to").glob(begun)):
    time.sleep(0.002)
fill = Path(disk, "fill")
with fill.open("wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(4096))
    except OSError:
        pass
said = run.communicate()[1]
published = Path(disk, "to", "label", "current").exists()
left = [path for path in Path(disk, "to").rglob(".partial-*")]
fill.unlink()
again = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
whole = Path(disk, "to", "label", "current", "report.html").exists()
print(run.returncode, again.returncode, published, whole, len(left))
print(said.strip().splitlines()[-1])
print("Traceback" in said)
"""


def namespace() -> Sequence[str]:
    """Return what puts a command into a mount namespace of its own, or skip."""
    for options in (["-m"], ["-rm"]):
        command = ["unshare", *options]
        if (
            shutil.which("unshare")
            and not subprocess.run(
                [*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
            ).returncode
        ):
            return command
    pytest.skip("A FULL DISK WAS NOT TRIED: this user may not mount a file system, not even in a namespace of its own")


@pytest.mark.parametrize("step", ["ingest", "sample", "publish"])
def test_filled_in(step: str, tmp_path: Path) -> None:
    corpus, disk = write_label(tmp_path / "label.csv", 200), tmp_path / "disk"
    disk.mkdir()
    command = [sys.executable, "-m", "flows.cli", "refit", str(corpus), "--name", "label", "--to", str(disk / "to")]
    run = subprocess.run(
        [*namespace(), sys.executable, "-c", DRIVER, str(disk), step, *command, "--chains", "2", "--draws", "1500"],
        cwd=REPOSITORY,
        env={**os.environ, "PREFECT_HOME": str(tmp_path / "prefect")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    ended, said, traceback = run.stdout.splitlines()
    # Exit codes of both, whether something was published, first and then, and what was left half-written.
    assert ended == "7 0 False True 0", said
    assert said.startswith(f"encore: the disk was full while {step} was at work: {disk}/to/")
    assert traceback == "False"
