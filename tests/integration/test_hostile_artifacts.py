"""Names that somebody might give an artist or a file to do harm, as a real Prefect server and logs show them."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from made_up import HOSTILE
from shown import driving, read

from schemas.errors import NotConverged
from schemas.parameters import GateParameters, GroupParameters, IngestParameters, PublishParameters, SampleParameters
from tasks.publish.text import harmless, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("prefect_server")

FILE = "\x1b]0;title\x07<script>alert(1)\u202e**x**.csv"


@pytest.fixture
def corpus(write_corpus: Callable[..., Path], tmp_path: Path) -> Path:
    """Write tracks of such artists, and of nobody, into a file of such a name; return its folder."""
    tracks = [
        (f"{n:02d}{i:02d}", name, 20 + 4 * n + 5 * (i % 3)) for n, name in enumerate(HOSTILE) for i in range(5 + n % 3)
    ]
    nobody = [(f"9{i}", name, 50) for i, name in enumerate(("", "   ", "\t"))]
    folder = tmp_path / "corpus"
    folder.mkdir()
    file = write_corpus("plain.csv", [*tracks, *nobody]).rename(folder / FILE)
    (folder / f"copy {FILE}").write_bytes(file.read_bytes())  # which the log tells of
    return folder


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Return what `encore refit` would print of its steps."""
    from flows.bar import StepHandler

    logger = logging.getLogger("encore")
    stream = io.StringIO()
    handler = StepHandler(stream)
    logger.addHandler(handler)
    monkeypatch.setattr(logger, "level", logging.INFO)
    yield stream
    logger.removeHandler(handler)


def refitted(corpus: Path, to: Path, name: str, **options: Any) -> Any:
    from flows.refit import refit

    given: dict[str, Any] = {
        "ingestion": IngestParameters(repeats="keep"),
        "grouping": GroupParameters(features="none", genres="none"),
        "sampling": SampleParameters(draws=600, tune=300),
        "publishing": PublishParameters(figures=False),
    }
    return refit([str(corpus)], name=name, to=str(to), **(given | options))


def told(flow_run_name: str) -> tuple[dict[str, Any], list[str]]:
    """Return the artifacts of a flow run, by key, and the lines of its log."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters

    with get_client(sync_client=True) as client:
        named = filters.FlowRunFilter(name=filters.FlowRunFilterName(any_=[flow_run_name]))
        (run,) = client.read_flow_runs(flow_run_filter=named)
        found = client.read_artifacts(
            artifact_filter=filters.ArtifactFilter(flow_run_id=filters.ArtifactFilterFlowRunId(any_=[run.id])), limit=50
        )
        lines = client.read_logs(
            log_filter=filters.LogFilter(flow_run_id=filters.LogFilterFlowRunId(any_=[run.id])), limit=200
        )
    return {artifact.key: artifact for artifact in found}, [line.message for line in lines]


def check(artifact: Any) -> str:
    """Fail where an artifact shows anything but text; return that text."""
    parts = [str(artifact.description or "")]
    # The UI renders each text in a table as Markdown.
    if artifact.type == "table":
        parts += [cell for row in json.loads(artifact.data) for cell in row.values() if isinstance(cell, str)]
    else:
        parts.append(str(artifact.data))
    return "\n".join(map(read, parts))


def test_hostile_names_are_text_in_artifacts_and_logs(corpus: Path, tmp_path: Path, terminal: io.StringIO) -> None:
    publication = refitted(corpus, tmp_path / "to", "hostile")
    names = pq.read_table(f"{publication.path}/artists.parquet")["artist"].to_pylist()
    assert len(set(HOSTILE) & set(names)) >= len(HOSTILE) - 1
    artifacts, lines = told("refit-hostile-terminal")
    assert {"leaderboard", "gate", "refit-hostile", "outcome", "ingest-progress"} <= artifacts.keys()
    shown = {key: check(artifact) for key, artifact in artifacts.items()}
    for name in names[:10]:
        assert shortened(name) in shown["leaderboard"]
        assert shortened(name) in shown["refit-hostile"]
    # Whoever is called nothing is in quarantine, and nowhere else.
    assert "3 quarantined" in shown["refit-hostile"]
    said = terminal.getvalue()
    assert f"{harmless(FILE)} holds the same as" in said
    for line in [*said.splitlines(), *lines]:
        assert not driving(line), line
        assert len(line) < 2000


def test_hostile_names_are_text_where_the_gate_stops_them(corpus: Path, tmp_path: Path, terminal: io.StringIO) -> None:
    with pytest.raises(NotConverged) as caught:
        refitted(
            corpus,
            tmp_path / "to",
            "stopped",
            sampling=SampleParameters(draws=20, tune=20),
            gating=GateParameters(rungs=0),
        )
    artifacts, lines = told("refit-stopped-terminal")
    assert {"gate", "gate-evidence", "refit-stopped"} <= artifacts.keys()
    shown = {key: check(artifact) for key, artifact in artifacts.items()}
    assert sum(f"[{name}]" in shown["gate"] for name in HOSTILE) >= 2
    assert len(artifacts["gate"].data) < 20_000
    for line in [*terminal.getvalue().splitlines(), *lines, str(caught.value)]:
        assert not driving(line), line
