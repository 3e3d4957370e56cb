"""Another program is heard, limited in time, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.sample.watched import TookTooLong, tail, watch

REPOSITORY = Path(__file__).resolve().parents[3]
# Starts a process of its own that would last, and tells both ids.
FAMILY = """
import json, os, subprocess, sys, time
child = subprocess.Popen(["sleep", "300"])
print(json.dumps({"ids": [os.getpid(), child.pid]}), flush=True)
"""


def start(folder: Path, code: str, *arguments: str, **options: Any) -> tuple[int, list[dict[str, Any]]]:
    """Run a program, and return its exit status and its news."""
    news: list[dict[str, Any]] = []
    options = {"heard": news.append, "environment": dict(os.environ)} | options
    command = [sys.executable, "-c", code, *arguments]
    return watch(command, log=folder / "log", folder=folder, **options).status, news


def gone(process: int, within: float = 20.0) -> bool:
    """Say whether a process ends soon; a zombie has ended."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.05)
    return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")


def test_news_is_heard_and_all_else_is_no_news(tmp_path: Path) -> None:
    code = r"""
import sys
print('{"done": 1}')
print("a library says hello", [1])
print("7")
print("x" * 3_000_000)
print('{"done": 2}')
sys.stdout.write('{"done": 3}')
sys.stderr.write("oh\n\n\x1b[31mno\n")
sys.exit(3)
"""
    status, news = start(tmp_path, code)
    assert status == 3
    assert news == [{"done": 1}, {"done": 2}]
    assert tail(tmp_path / "log") == ["oh", "?[31mno"]


def test_what_closes_its_output_is_waited_for(tmp_path: Path) -> None:
    code = "import os, time; os.close(1); time.sleep(0.5); os._exit(5)"
    assert start(tmp_path, code)[0] == 5


@needs_proc
def test_at_its_limit_it_ends_with_all_that_it_started(tmp_path: Path) -> None:
    ids: list[int] = []
    with pytest.raises(TookTooLong):
        start(tmp_path, FAMILY + "time.sleep(300)", seconds=2, heard=lambda told: ids.extend(told["ids"]))
    assert len(ids) == 2
    assert all(gone(process) for process in ids)


@needs_proc
def test_what_it_leaves_behind_at_its_own_end_is_ended_too(tmp_path: Path) -> None:
    status, news = start(tmp_path, FAMILY)
    assert status == 0
    assert all(gone(process) for process in news[0]["ids"])


@needs_proc
def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    ids: list[int] = []

    def press(told: dict[str, Any]) -> None:
        ids.extend(told["ids"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(tmp_path, FAMILY + "time.sleep(300)", heard=press)
    assert all(gone(process) for process in ids)


@needs_proc
@pytest.mark.parametrize("system", ["linux", "another"])
def test_nothing_outlives_us_if_we_are_killed(system: str, tmp_path: Path) -> None:
    # As PyMC3's worker does it; once as where no system ends a process with its parent, and its input tells it.
    worker_code = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
sys.platform = {system!r}
import json, os, time
from tasks.sample.portable import worker
worker.end_with_parent(int(sys.argv[1]))
child = os.fork()
if child:
    print(json.dumps({{"ids": [os.getpid(), child]}}), flush=True)
time.sleep(300)
"""
    parent_code = f"""
import sys, os
sys.path.insert(0, {str(REPOSITORY)!r})
from pathlib import Path
from tasks.sample.watched import watch
watch([sys.executable, "-c", {worker_code!r}, str(os.getpid())], environment=dict(os.environ),
      log=Path("log"), folder=Path("."), heard=lambda told: print(*told["ids"], flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", parent_code], cwd=tmp_path, stdout=subprocess.PIPE) as parent:
        try:
            assert parent.stdout
            ids = [int(word) for word in parent.stdout.readline().split()]
            assert len(ids) == 2
            assert not gone(ids[0], within=0.2)
        finally:
            parent.send_signal(signal.SIGKILL)
        assert all(gone(process) for process in ids)
