"""What comes of PyMC3's room: draws that are believed only if they are what was asked for, or one clear sentence.

A Python that needs no room stands for PyMC3 here; tests/pymc3 has the real one.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from small import make_rows

from schemas.errors import EngineFailed, InvalidParameter, WorkerLost
from schemas.parameters import SampleParameters
from tasks.retrying import passes
from tasks.sample import by_pymc3, watched
from tasks.sample.old_python import Machine, OldPython
from tasks.sample.room import Room
from tasks.sample.rows import sample_rows
from tasks.sample.scales import scales_for

if TYPE_CHECKING:
    from small import Rows

    from tasks.sample.nuts import Chains

# What the one who stands for PyMC3 has at hand.
BEGIN = """
import json, os, signal, sys, time, zipfile
from pathlib import Path
sys.path.insert(0, {repository!r})
import numpy as np
folder = Path(sys.argv[-1])
task = json.loads((folder / "task.json").read_text())
def tell(**news):
    print(json.dumps(news), flush=True)
def leave(**other):
    base = (task["chains"], task["draws"])
    shapes = dict(mu=(), sigma=(), nu=(), tau=(), artist_effect=(12,), tau_block=(2,), beta=(3,), tau_genre=(),
                  genre_effect=(2,), tau_slope=(2,), slope_deviation=(2, 3))
    arrays = {{name: np.ones(base + shape) for name, shape in shapes.items()}}
    arrays |= {{"sample_stats." + name: np.zeros(base) for name in {statistics!r}}}
    np.savez(folder / "draws.npz", **(arrays | other))
    (folder / "result.json").write_text(json.dumps(dict(versions=dict(pymc3="3.11.6", python="3.9.18"))))
"""
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def kept(tmp_path: Path) -> Rows:
    """Return a small corpus with slopes, whose rows are kept."""
    rows = make_rows(7, slopes=True)
    (tmp_path / "rows").mkdir()
    for name in ("artist", "z", "y"):
        np.save(tmp_path / "rows" / f"{name}.npy", getattr(rows, name))
    return replace(rows, grouped=replace(rows.grouped, folder=tmp_path))


class Stand:
    """Samples with a program of our own in PyMC3's place."""

    def __init__(self, rows: Rows, folder: Path) -> None:
        self.rows, self.folder = rows, folder
        self.room = Room(folder / "room", Machine(OldPython(Path(), "3.9.18", headers=True, pip=True), Path("g++")))
        self.room.python.parent.mkdir(parents=True)
        (self.room.folder / "room.txt").touch()
        (folder / "out").mkdir()
        self.heard: list[tuple[int, int]] = []

    def sample(self, code: str, **parameters: Any) -> Chains:
        """Sample by the code."""
        statistics = list(by_pymc3.STATISTICS.values())
        program = self.folder / "program.py"
        program.write_text(BEGIN.format(repository=str(REPOSITORY), statistics=statistics) + code, encoding="utf-8")
        self.room.python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n', encoding="utf-8")
        self.room.python.chmod(0o755)
        asked = {"engine": "pymc3", "likelihood": "student_t", "draws": 20, "tune": 10, "chains": 2} | parameters
        chosen = SampleParameters.model_validate(asked)
        grouped = self.rows.grouped
        scales = scales_for(grouped.design, chosen)

        def hear(done: int, of: int) -> None:
            self.heard.append((done, of))

        return sample_rows(grouped, scales, chosen, self.folder / "out", hear)

    def failure(self, code: str, **parameters: Any) -> str:
        """Return what is said when it fails."""
        with pytest.raises(EngineFailed) as told:
            self.sample(code, **parameters)
        assert list((self.folder / "out").iterdir()) == []
        return str(told.value)


@pytest.fixture
def stand(kept: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Return something that stands in PyMC3's place."""
    monkeypatch.setenv("ENCORE_CACHE", str(tmp_path / "cache"))
    made = Stand(kept, tmp_path)
    monkeypatch.setattr(by_pymc3, "ready_room", lambda _machine: made.room)
    monkeypatch.setattr(by_pymc3, "check_machine", lambda: made.room.machine)
    monkeypatch.setattr("tasks.sample.rows.check_installed", lambda _engine: None)
    return made


def test_draws_come_with_progress_and_the_versions_of_the_room(stand: Stand, tmp_path: Path) -> None:
    chains = stand.sample('tell(done=1); time.sleep(0.5); tell(done=60); leave(mu=np.full((2, 20), 7, dtype="int32"))')
    assert chains.versions == {"pymc3": "3.11.6", "python": "3.9.18"}
    assert chains.draws["mu"].dtype == np.float64
    assert (chains.draws["mu"] == 7).all()
    assert chains.draws["slope_deviation"].shape == (2, 20, 2, 3)
    assert set(chains.statistics) == set(by_pymc3.STATISTICS.values())
    assert stand.heard == [(1, 60), (60, 60)]
    assert list((tmp_path / "out").iterdir()) == []
    assert list((tmp_path / "cache" / "logs").iterdir()) == []


def test_the_task_says_all_that_draws_depend_on(stand: Stand, tmp_path: Path) -> None:
    asked = {"seed": 2**32 - 1, "target_accept": 0.91, "draws": 11, "tune": 5, "chains": 3}
    stand.sample(f"Path({str(tmp_path / 'task')!r}).write_text(json.dumps(task)); leave()", **asked)
    task = json.loads((tmp_path / "task").read_text(encoding="utf-8"))
    assert task.items() >= asked.items()
    assert 1 <= task["cores"] <= 3


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("pass", "FileNotFoundError"),
        ("leave(); (folder / 'draws.npz').write_bytes(b'PK' + bytes(100))", "allow_pickle"),
        ("leave(); os.truncate(folder / 'draws.npz', 5000)", "BadZipFile"),
        ("leave(tau=np.ones((2, 19)))", r"tau is float64 of shape \(2, 19\), not numbers of shape \(2, 20\)"),
        ("leave(beta=np.full((2, 20, 3), 'x'))", "beta is <U1"),
        ("leave(beta=np.full((2, 20, 3), None))", "Object arrays cannot be loaded when allow_pickle=False"),
        ("leave(); (folder / 'result.json').write_text('[]')", "TypeError"),
    ],
    ids=["nothing", "no zip", "cut short", "shape", "text", "objects", "result"],
)
def test_what_is_no_draws_is_not_believed(code: str, said: str, stand: Stand) -> None:
    sentence = stand.failure(code)
    assert sentence.startswith("--engine pymc3: PyMC3 left no draws that can be used")
    assert re.search(said, sentence)


def test_a_variable_that_is_missing_is_noticed(stand: Stand) -> None:
    code = (
        "path = folder / 'draws.npz'; leave(); arrays = dict(np.load(path)); del arrays['nu']; np.savez(path, **arrays)"
    )
    assert "KeyError: 'nu" in stand.failure(code)


def test_a_failure_is_a_sentence_with_the_end_of_its_log(stand: Stand) -> None:
    sentence = stand.failure(
        'for line in range(50): print("line", line, file=sys.stderr)\n'
        'tell(failed="SamplingError: Bad initial energy\\n\\x1b[31m")\nsys.exit(1)'
    )
    first, *rest = sentence.splitlines()
    assert first.startswith("--engine pymc3: PyMC3 failed: SamplingError: Bad initial energy")
    assert "--engine rows" in first
    assert "\x1b" not in sentence
    assert rest[:-1] == [f"  line {line}" for line in range(38, 50)]
    log = Path(rest[-1].removeprefix("  its log: "))
    assert "line 0\n" in log.read_text(encoding="utf-8")


def test_a_failure_before_it_can_speak_is_told_from_its_log(stand: Stand) -> None:
    assert "PyMC3 failed: KeyError: 'no such'" in stand.failure("raise KeyError('no such')")


def test_a_damaged_room_is_made_anew_the_next_time(stand: Stand) -> None:
    sentence = stand.failure("raise ModuleNotFoundError(\"No module named 'pymc3'\")")
    assert "environment is damaged" in sentence
    assert "run the same command again, which makes it anew" in sentence
    assert not stand.room.is_ready


def test_a_time_limit_is_kept_and_says_how_far_it_came(stand: Stand) -> None:
    sentence = stand.failure("tell(done=12); time.sleep(300)", time_limit=0.03)
    assert "stopped at the time limit of 0.03 minutes, 12 of 60 iterations done: raise --time-limit" in sentence


def ended_by(signal: str) -> str:
    return f"tell(done=9); time.sleep(0.3); os.kill(os.getpid(), signal.{signal})"


def test_want_of_memory_is_not_tried_again(stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kills = tmp_path / "vmstat"
    kills.write_text("nr_free_pages 5\noom_kill 3\n", encoding="ascii")
    monkeypatch.setattr(watched, "_OOM_KILLS", kills)
    code = f"Path({str(kills)!r}).write_text('oom_kill 4\\n'); {ended_by('SIGKILL')}"
    assert "PyMC3 was killed for want of memory with 9 of 60 iterations done" in stand.failure(code)


def test_a_worker_that_was_killed_from_outside_is_tried_again(
    stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = tmp_path / "vmstat"
    kills.write_text("oom_kill 3\n", encoding="ascii")
    monkeypatch.setattr(watched, "_OOM_KILLS", kills)
    with pytest.raises(WorkerLost, match=r"ended by SIGKILL with 9 of 60 iterations done") as told:
        stand.sample(ended_by("SIGKILL"))
    assert passes(told.value)


@pytest.mark.parametrize("signal", ["SIGSEGV", "SIGKILL"])
def test_a_crash_or_a_death_of_unknown_cause_is_not(
    signal: str, stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "_OOM_KILLS", tmp_path / "no such file")
    assert f"ended by {signal}" in stand.failure(ended_by(signal))


def test_what_was_compiled_is_kept_unless_it_was_stopped_meanwhile(stand: Stand) -> None:
    compile_one = "Path(os.environ['THEANO_FLAGS'].split(',')[0].split('=')[1], 'one.so').touch(); "
    home = stand.folder / "cache" / "pymc3" / "compiled-room" / "0"
    stand.failure(compile_one + "sys.exit(1)")
    assert (home / "one.so").exists()
    stand.failure(compile_one + "tell(done=1); time.sleep(300)", time_limit=0.02)
    stand.failure("sys.exit(1)")
    assert (home / "one.so").exists()
    stand.failure(compile_one + "time.sleep(300)", time_limit=0.02)
    stand.sample("leave()")
    assert not (home / "one.so").exists()


def test_it_runs_isolated_and_on_one_thread_of_blas(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/astray")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    sentence = stand.failure(
        "sys.exit(repr([sys.argv[1:4], *map(os.environ.get, ['PYTHONPATH', 'OPENBLAS_NUM_THREADS'])]))"
    )
    assert "[['-I', '-B', '-c'], None, '1']" in sentence


def test_draws_that_would_not_fit_are_refused_before_anything_is_started(stand: Stand) -> None:
    many = replace(stand.rows.grouped, artists=["x"] * 100_000)
    stand.rows = replace(stand.rows, grouped=many)
    with pytest.raises(InvalidParameter, match="too many to hold row by row"):
        stand.sample("leave()", draws=10_000)
    assert not (stand.folder / "program-was-started").exists()
