"""Prefect's server on a real PostgreSQL: what `encore serve` makes there, a refit through it, and its history."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from label import write_label
from served import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PASSWORD = "p@ss/word"  # noqa: S105 - of a server that lives for this test
QUOTED = "p%40ss%2Fword"
FEW = {"chains": 2, "draws": 1500}


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs, or skip."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if not found and not folders:
        pytest.skip("THE SERVER ON POSTGRESQL WAS NOT TRIED: there is no initdb; apt-get install postgresql")
    return folders[-1] if folders else Path(str(found)).resolve().parent


def as_somebody() -> tuple[list[str], int]:
    """Return what puts a command under a user that PostgreSQL runs as, and that user: it refuses to run as root."""
    if os.geteuid():
        return [], os.geteuid()
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"], user.pw_uid
    pytest.skip("THE SERVER ON POSTGRESQL WAS NOT TRIED: this is root, and there is no other user to run it as")


@contextlib.contextmanager
def postgresql() -> Iterator[tuple[str, Path]]:
    """Run a PostgreSQL of its own inside this; return the address of its database, and its programs."""
    programs, (somebody, user) = binaries(), as_somebody()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="encore-postgresql-"))
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    for path in (folder, folder / "password"):
        os.chown(path, user, -1)

    def call(program: str, *arguments: str) -> None:
        command = [*somebody, str(programs / program), *arguments]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, done.stdout + done.stderr

    data = str(folder / "data")
    call("initdb", "-D", data, "-U", "encore", "-A", "scram-sha-256", f"--pwfile={folder}/password", "-E", "UTF8")
    try:
        options = f"-p {port} -h 127.0.0.1 -k {folder} -F"
        # Its output goes to a file: it would keep a pipe of ours open.
        call("pg_ctl", "start", "-w", "-D", data, "-l", str(folder / "log"), "-o", options)
        try:
            yield f"postgresql://encore:{QUOTED}@127.0.0.1:{port}/postgres", programs
        finally:
            call("pg_ctl", "stop", "-m", "fast", "-D", data)
    finally:
        shutil.rmtree(folder)


def counted(programs: Path, url: str, table: str) -> int:
    command = [str(programs / "psql"), url, "-tAc", f"select count(*) from {table}"]  # noqa: S608 - names of ours
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_served_refitted_and_remembered(tmp_path: Path) -> None:
    corpus = write_label(tmp_path / "label.csv", 200)
    with postgresql() as (url, programs):
        with serving(tmp_path, "--database", url) as served:
            said = served.log.read_text()
            assert "its database is the PostgreSQL 127.0.0.1:" in said
            assert PASSWORD not in said
            assert QUOTED not in said
            assert "PREFECT_SERVER_DATABASE_CONNECTION_URL" not in environment_of(served.process_of("worker"))
            key = served.press_run("refit/on-demand", sources=[str(corpus)], name="label", sampling=FEW)
            done = served.ended(key)
            assert done["state_name"] == "Completed", done["state"]["message"]
            again = served.ended(served.press_run("refit/on-demand", sources=[str(corpus)], name="label", sampling=FEW))
            assert again["state_name"] == "Nothing new", again["state"]["message"]
            assert [line["state"] for line in served.history("label")] == ["Completed", "Nothing new"]
            assert counted(programs, url, "flow_run") >= 2
            assert not list(served.home.glob("*.db"))
        # The address from the environment, as Prefect's documentation has it; the history is still there.
        with serving(tmp_path, PREFECT_API_DATABASE_CONNECTION_URL=url.replace("://", "+asyncpg://")) as served:
            assert [line["state"] for line in served.history("label")] == ["Completed", "Nothing new"]
            assert "making the deployments" not in served.log.read_text().partition("stopped")[2]


def environment_of(process: int) -> str:
    return Path(f"/proc/{process}/environ").read_bytes().decode()
