"""Alerts: the server calls a webhook that really listens."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from label import write_label
from receiver import Receiver, receiver
from served import Served, serving, until

from schemas.errors import CorpusRejected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Prefect looks whether something is overdue after no less.
SHORTEST = 10 / 3600
FEW = {"chains": 2, "draws": 1500}
# Long enough to be killed in the middle of it, and still in seconds.
LONG = {"chains": 8, "draws": 100_000}
SLOW = ("--draws", "100000", "--chains", "8")


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as listening:
        yield listening


def runs_at_work(served: Served) -> list[str]:
    found = served.ask("/flow_runs/filter", flow_runs={"state": {"type": {"any_": ["RUNNING"]}}})
    return [run["id"] for run in found if run["name"] == "refit-label-terminal"]


def automations() -> dict[str, dict[str, Any]]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        found = client.request("POST", "/automations/filter", json={}).raise_for_status().json()
    assert len({one["name"] for one in found}) == len(found)
    return {one["name"]: one for one in found}


@pytest.mark.usefixtures("prefect_server")
def test_failed_and_overdue(tmp_path: Path, hook: Receiver) -> None:
    from flows.alerting import make_alerts
    from flows.refit import refit

    made = make_alerts(hook.url, "gone", 26)
    assert sorted(automations()) == sorted(made)
    assert make_alerts(hook.url, "gone", SHORTEST) == made
    assert sorted(automations()) == sorted(made)
    assert automations()["encore: refit overdue (gone)"]["trigger"]["within"] == 10

    with pytest.raises(CorpusRejected):
        refit([str(tmp_path / "gone.csv")], "gone", str(tmp_path / "publications"))

    failed = hook.next(lambda said: said["alert"] == "refit failed")
    assert (failed["run"], failed["state"], failed["name"]) == ("refit-gone-terminal", "Failed", "gone")
    assert failed["reason"].startswith("CorpusRejected: there is no file or folder")
    assert failed["text"] == f"The refit of gone failed: {failed['reason']}"
    overdue = hook.next(lambda said: said["alert"] == "refit overdue")
    assert overdue["text"] == "No refit of gone has completed for 0.00278 hours."


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_and_never_done(tmp_path: Path, hook: Receiver) -> None:
    """On what `encore serve` starts: a worker says that its run was killed; heartbeats that stop say it of others."""
    corpus = write_label(tmp_path / "label.csv", 200)
    with serving(tmp_path) as served:
        asked = ("alerts", "--webhook", hook.url, "--home", str(served.home), "--name", "label", "--hours")
        for hours in ("26", "0.015"):
            said = served.encore(*asked, hours)
            assert said.returncode == 0, said.stderr
            assert said.stdout.splitlines() == ["encore: refit failed (label)", "encore: refit overdue (label)"]
        there = served.ask("/automations/filter", limit=100)
        assert sorted(one["name"] for one in there) == [
            "encore: refit failed (label)",
            "encore: refit overdue (label)",
            "encore: run lost",
        ]
        # Never started: nothing has completed for 54 seconds.
        assert hook.next(lambda said: said["alert"] == "refit overdue")["name"] == "label"

        lost = served.begin("refit", str(corpus), "--name", "label", "--to", str(tmp_path / "elsewhere"), *SLOW)
        at_work = until(lambda: next(iter(runs_at_work(served)), None))
        os.killpg(lost.pid, signal.SIGKILL)
        lost.wait()

        key = served.press_run("refit/on-demand", sources=[str(corpus)], name="label", sampling=LONG)
        until(lambda: (served.to / ".work" / "sample").is_dir() and served.run(key)["state_type"] == "RUNNING")
        os.kill(served.process_of_run(key), signal.SIGKILL)
        killed = hook.next(lambda said: said["alert"] == "refit failed")
        assert (killed["run"], killed["state"]) == ("refit-label-on-demand", "Crashed")
        assert served.http.get(killed["where"].rpartition("/")[0].rpartition("/runs")[0]).status_code == httpx.codes.OK

        silent = hook.next(lambda said: said["alert"] == "refit failed", 300)
        assert (silent["run"], silent["state"]) == ("refit-label-terminal", "Crashed")
        assert "Its process has said nothing for two minutes" in silent["reason"]
        assert served.run(at_work)["state_type"] == "CRASHED"

        # The next needs no hand, and what is done is done for a while.
        done = served.ended(served.press_run("refit/on-demand", sources=[str(corpus)], name="label", sampling=FEW))
        assert done["state_name"] == "Completed", done["state"]["message"]
        states = [line["state"] for line in served.history("label")]
        assert sorted(states) == ["Completed", "Crashed", "Crashed"]
