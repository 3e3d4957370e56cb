"""Set-up: the pins, the Python that is found, what is done again after an interruption, and what is left alone."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REPOSITORY = Path(__file__).resolve().parents[2]


def pins(kind: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return, for each package of a list, the rest of its line and its hashes."""
    text = (REPOSITORY / "requirements" / f"{kind}.txt").read_text(encoding="utf-8")
    entries = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", text)).splitlines()
    parsed = {}
    for entry in entries:
        requirement, *hashes = entry.split("--hash=")
        name, _, rest = requirement.strip().partition("==")
        parsed[name] = (rest, tuple(hashes))
    return parsed


@pytest.mark.parametrize(("kind", "least"), [("run", 100), ("dev", 100), ("pymc3", 30)])
def test_every_package_has_one_version_and_hashes_and_no_address(kind: str, least: int) -> None:
    assert "://" not in (REPOSITORY / "requirements" / f"{kind}.txt").read_text(encoding="utf-8")
    listed = pins(kind)
    assert len(listed) > least
    for name, (version, hashes) in listed.items():
        assert re.match(r"\d[\w.]*( ;.*)?$", version.strip()), name
        assert hashes, name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", digest) for digest in hashes), name


def test_what_testing_needs_includes_what_running_needs() -> None:
    assert pins("run").items() <= pins("dev").items()


def test_pins_are_within_the_ranges_of_pyproject() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    asked = {
        "run": project["project"]["dependencies"] + project["dependency-groups"]["build"],
        "dev": project["dependency-groups"]["dev"],
        "pymc3": project["dependency-groups"]["pymc3"],
    }
    for kind, requirements in asked.items():
        listed = pins(kind)
        for line in requirements:
            requirement = Requirement(line)
            version = listed[canonicalize_name(requirement.name)][0].partition(";")[0].strip()
            assert requirement.specifier.contains(version), f"{line}: run `make lock`"


def test_the_sample_is_the_file_whose_source_is_told(sample_corpus: Path) -> None:
    told = (sample_corpus.parent / "README.md").read_text(encoding="utf-8")
    assert sha256(sample_corpus.read_bytes()).hexdigest() in told


# --- make ---------------------------------------------------------------------------------------------------------


def make(folder: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder, with no trace of a make that runs these tests."""
    program = shutil.which("make")
    if program is None:
        pytest.skip("no make here")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run([program, *targets], cwd=folder, env=environment, text=True, capture_output=True, check=False)


def test_make_alone_lists_every_target() -> None:
    shown = make(REPOSITORY).stdout
    targets = re.findall(r"(?m)^([a-z0-9-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"))
    for target in set(targets) - {"setup-run", "setup-dev"}:
        assert re.search(rf"make {target} +\w", shown), target


def test_clean_keeps_what_was_published_and_clean_data_keeps_the_samples(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    kept = [tmp_path / "data" / "samples" / "a.parquet", tmp_path / "data" / "publications" / "manifest.json"]
    for path in (*kept, tmp_path / ".venv" / "pyvenv.cfg"):
        path.parent.mkdir(parents=True)
        path.touch()
    make(tmp_path, "clean")
    assert not (tmp_path / ".venv").exists()
    assert [path.exists() for path in kept] == [True, True]
    make(tmp_path, "clean-data")
    assert [path.exists() for path in kept] == [True, False]


# --- setup.sh: finding a Python ---------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout, with a space in its name, whose bootstrap only tells what it was started with."""
    root = tmp_path / "a checkout"
    (root / "scripts").mkdir(parents=True)
    shutil.copy(REPOSITORY / "scripts" / "setup.sh", root / "scripts")
    tell = "import sys; print(sys.executable, *sys.argv[1:])"
    (root / "scripts" / "bootstrap.py").write_text(tell, encoding="utf-8")
    return root


def script(path: Path, text: str) -> Path:
    """Write a shell script that can be started."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def start_setup(checkout: Path, *folders: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Start setup.sh where `PATH` has these folders, and nothing else but what the script itself needs."""
    tools = checkout / "tools"
    if not tools.exists():
        tools.mkdir()
        (tools / "dirname").symlink_to(str(shutil.which("dirname")))
    environment = {"PATH": os.pathsep.join(map(str, [*folders, tools])), "HOME": str(checkout)} | variables
    command = ["/bin/sh", "scripts/setup.sh", "run"]
    return subprocess.run(command, cwd=checkout, env=environment, text=True, capture_output=True, check=False)


def test_a_python_behind_one_that_does_not_start_is_found(checkout: Path) -> None:
    # pyenv's way to say that a version is installed, but not active.
    broken = script(
        checkout / "shims" / "python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127"
    ).parent
    works = script(checkout / "bin" / "python3", f'exec "{sys.executable}" "$@"').parent
    done = start_setup(checkout, broken, works)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "run"
    assert str(checkout) not in done.stdout


def test_a_python_of_pyenv_that_is_not_on_path_is_found(checkout: Path) -> None:
    script(checkout / ".pyenv" / "versions" / "3.12.9" / "bin" / "python3.12", f'exec "{sys.executable}" "$@"')
    assert start_setup(checkout).returncode == 0


def test_without_a_python_one_sentence_says_what_to_install(checkout: Path) -> None:
    old = script(checkout / "bin" / "python3", "exit 1").parent
    done = start_setup(checkout, old)
    assert done.returncode == 1
    assert re.fullmatch(r"encore: no Python 3\.12 or 3\.13 here: install one .*\n", done.stderr)


def test_the_python_that_was_asked_for_is_used_or_refused(checkout: Path) -> None:
    assert start_setup(checkout, ENCORE_PYTHON=sys.executable).returncode == 0
    done = start_setup(checkout, Path(sys.executable).parent, ENCORE_PYTHON="/no/python")
    assert done.returncode == 1
    assert "ENCORE_PYTHON is /no/python" in done.stderr


# --- bootstrap.py: what is done, and what is done again ---------------------------------------------------------------


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the module, which is part of no package."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "scripts"))
    return importlib.import_module("bootstrap")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with the files that set-up reads."""
    (tmp_path / "requirements").mkdir()
    for name in ("pyproject.toml", "requirements/run.txt", "requirements/dev.txt"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    return tmp_path


@pytest.fixture
def started(bootstrap: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], list[str]]:
    """Return a function that sets up with pip and tells what was installed; nothing is really started."""

    def set_up(root: Path, kind: str, version: str = "3.12", failing: str = "nothing") -> list[str]:
        installed: list[str] = []

        def succeeds(command: Sequence[str | Path], **_: object) -> bool:
            if "install" in command:
                installed.append(str(command[-1]))
            elif command[-2] == "venv":
                installed.append("venv")
            return failing not in map(str, command)

        monkeypatch.setattr(bootstrap, "succeeds", succeeds)
        monkeypatch.setattr(bootstrap, "working_uv", lambda: None)
        bootstrap.make_ready(bootstrap.Environment(root, Path("/base/python"), version), kind)
        return installed

    return set_up


def test_the_second_time_there_is_nothing_to_do(project: Path, started: Any) -> None:
    assert started(project, "run") == ["venv", "requirements/run.txt", "."]
    assert started(project, "run") == []


def test_testing_adds_to_what_running_installed_and_serves_both(project: Path, started: Any) -> None:
    started(project, "run")
    assert started(project, "dev") == ["requirements/dev.txt", "."]
    assert started(project, "run") == []


def test_only_what_changed_is_done_again(project: Path, started: Any) -> None:
    started(project, "dev")
    (project / "pyproject.toml").write_text("changed", encoding="utf-8")
    assert started(project, "run") == ["."]
    (project / "requirements" / "dev.txt").write_text("changed", encoding="utf-8")
    assert started(project, "run") == ["requirements/dev.txt", "."]
    assert started(project, "dev") == []


@pytest.mark.parametrize("failing", ["venv", "requirements/run.txt", "."])
def test_what_was_not_finished_is_made_again_from_nothing(
    project: Path, started: Any, bootstrap: Any, failing: str
) -> None:
    with pytest.raises(bootstrap.SetUpFailed):
        started(project, "run", failing=failing)
    half_made = project / ".venv" / "half-made"
    half_made.touch()
    assert started(project, "run") == ["venv", "requirements/run.txt", "."]
    assert not half_made.exists()


def test_another_python_or_another_place_makes_a_new_environment(project: Path, started: Any) -> None:
    started(project, "run")
    assert started(project, "run", version="3.13")[0] == "venv"
    moved = project.with_name("moved")
    project.rename(moved)
    assert started(moved, "run", version="3.13")[0] == "venv"


def test_an_environment_that_somebody_else_made_is_left_alone(project: Path, started: Any, bootstrap: Any) -> None:
    (project / ".venv").mkdir()
    (project / ".venv" / "pyvenv.cfg").touch()
    with pytest.raises(bootstrap.SetUpFailed, match="left alone"):
        started(project, "run")
    assert (project / ".venv" / "pyvenv.cfg").exists()


def test_a_uv_that_does_not_start_is_passed_over(
    bootstrap: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = script(tmp_path / "shims" / "uv", "exit 127").parent
    monkeypatch.setenv("PATH", str(broken))
    assert bootstrap.working_uv() is None
    works = script(tmp_path / "bin" / "uv", "exit 0")
    monkeypatch.setenv("PATH", os.pathsep.join([str(broken), str(works.parent)]))
    assert bootstrap.working_uv() == works
