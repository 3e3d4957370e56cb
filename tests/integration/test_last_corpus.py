"""A corpus beside the one before it of that name, on a real Prefect server: drift, rejections, and what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from schemas.errors import CorpusRejected
from schemas.parameters import GroupParameters, IngestParameters, PublishParameters, SampleParameters
from schemas.publication import Manifest, Publication

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("prefect_server")

OPTIONS: dict[str, Any] = {
    "grouping": GroupParameters(features="none", genres="none"),
    "sampling": SampleParameters(draws=600, tune=300),
    "publishing": PublishParameters(figures=False),
}
QUIET = IngestParameters(min_tracks=0)


def run(source: Path, to: Path, ingestion: IngestParameters = QUIET, name: str = "label") -> Publication:
    from flows.refit import refit

    publication = refit([str(source)], name=name, to=str(to), ingestion=ingestion, **OPTIONS)
    assert isinstance(publication, Publication)
    return publication


def manifest(publication: Publication) -> Manifest:
    return Manifest.model_validate_json((Path(publication.path) / "manifest.json").read_text(encoding="utf-8"))


def tracks(popularity: float) -> list[tuple[str, str, float]]:
    """Return 40 tracks of 8 artists around a popularity."""
    return [
        (f"{popularity}{number}", f"artist {number % 8}", popularity + number % 8 + number % 5) for number in range(40)
    ]


def test_a_corpus_is_held_against_the_last_of_its_name(write_corpus: Callable[..., Path], tmp_path: Path) -> None:
    low, high = write_corpus("low.csv", tracks(20)), write_corpus("high.csv", tracks(60))
    first = run(low, tmp_path / "to")
    assert manifest(first).corpus.warnings == ()
    second = run(high, tmp_path / "to")
    [warning] = manifest(second).corpus.warnings
    assert "40.0 points from the" in warning
    # Fitted again, a corpus is held against the one before it, as it was: nothing is new.
    assert not run(high, tmp_path / "to").new
    # Under another name there is no last one.
    assert manifest(run(high, tmp_path / "to", name="other")).corpus.warnings == ()
    with pytest.raises(CorpusRejected, match="as --reject-on asks: mean popularity is"):
        run(low, tmp_path / "to", IngestParameters(min_tracks=0, reject_on="drift"))


def test_what_a_rejected_corpus_left_is_there_until_the_next_one(
    write_corpus: Callable[..., Path], tmp_path: Path
) -> None:
    bad = [*tracks(20), *((f"bad{number}", "artist 1", 500.0) for number in range(10))]
    place = tmp_path / "to" / "label" / "rejected"
    with pytest.raises(CorpusRejected) as caught:
        run(write_corpus("x.csv", bad), tmp_path / "to")
    assert f"the rows are in {place}" in str(caught.value)
    assert pq.read_table(place / "quarantine.parquet").num_rows == 10
    # Mended in the file, they are in.
    mended = [(key, artist, min(popularity, 50.0)) for key, artist, popularity in bad]
    publication = run(write_corpus("x.csv", mended), tmp_path / "to")
    assert manifest(publication).corpus.rows.kept == 50
    assert not place.exists()


def test_the_data_docs_are_part_of_the_publication(write_corpus: Callable[..., Path], tmp_path: Path) -> None:
    publication = run(write_corpus("x.csv", tracks(20)), tmp_path / "to")
    published = {name for name in manifest(publication).files if name.startswith("data_docs/")}
    docs = Path(publication.path) / "data_docs"
    assert published == {path.relative_to(docs.parent).as_posix() for path in docs.rglob("*") if path.is_file()}
    assert "data_docs/index.html" in published


@pytest.mark.parametrize("step", ["ingest", "sample"])
def test_progress_is_an_artifact_of_the_run(step: str, write_corpus: Callable[..., Path], tmp_path: Path) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowRunFilter, TaskRunFilter
    from prefect.client.schemas.sorting import ArtifactSort

    run(write_corpus("x.csv", tracks(20)), tmp_path / "to")
    with get_client(sync_client=True) as client:
        newest, *_ = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[f"{step}-progress"])),
            flow_run_filter=FlowRunFilter(),
            task_run_filter=TaskRunFilter(),
            sort=ArtifactSort.CREATED_DESC,
            limit=10,
            offset=0,
        )
    assert newest.type == "progress"
    assert float(newest.data) == 100
    assert newest.task_run_id is not None
    assert newest.description.startswith(f"{step}: ")
