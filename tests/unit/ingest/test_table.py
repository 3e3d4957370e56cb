"""A corpus as a whole: counted the same however it is cut, and held against limits and the corpus before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.errors import CorpusRejected
from schemas.reports import LastCorpus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Ingest = Callable[..., Any]
    WriteCsv = Callable[..., Path]

LAST = LastCorpus(sources=("0" * 64,), mean_popularity=40.0, genres=("pop",))


def test_drift_is_told_in_points(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    corpus = write_csv(tmp_path / "x.csv", [{"popularity": "50"}, {"popularity": "51"}])
    done = ingest(tmp_path / "out", corpus, last=LAST, min_tracks=0)
    assert done.report.warnings == (
        "mean popularity is 50.5, 10.5 points from the 40.0 of the last corpus of this name",
    )
    assert ingest(tmp_path / "wide", corpus, last=LAST, min_tracks=0, max_drift=10.5).report.warnings == ()
    assert ingest(tmp_path / "first", corpus, min_tracks=0).report.warnings == ()


def test_drift_rejects_on_request(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    corpus = write_csv(tmp_path / "x.csv", [{"popularity": "50"}])
    with pytest.raises(CorpusRejected) as caught:
        ingest(tmp_path / "out", corpus, last=LAST, reject_on="drift")
    assert str(caught.value) == (
        "the corpus is rejected, as --reject-on asks: mean popularity is 50.0, 10.0 points from the 40.0 of the last "
        "corpus of this name; mend it, or change --max-drift"
    )


@pytest.mark.parametrize(
    ("rejecting", "rows", "limits", "complaint"),
    [
        ("tracks", [{}], {"min_tracks": 2}, "only 1 tracks were kept"),
        ("zeros", [{"popularity": "0"}, {}], {"max_zeros": 0.4}, "50% of the tracks have popularity 0"),
        ("genres", [{"track_genre": ""}, {}], {}, "50% of the tracks have no genre"),
    ],
)
def test_a_limit_warns_unless_it_is_to_reject(
    rejecting: str,
    rows: list[dict[str, str]],
    limits: dict[str, float],
    complaint: str,
    tmp_path: Path,
    ingest: Ingest,
    write_csv: WriteCsv,
) -> None:
    corpus = write_csv(tmp_path / "x.csv", rows)
    limits = {"min_tracks": 0} | limits
    [warning] = ingest(tmp_path / "warned", corpus, **limits).report.warnings
    assert warning.startswith(complaint)
    with pytest.raises(CorpusRejected, match=complaint):
        ingest(tmp_path / "rejected", corpus, reject_on=rejecting, **limits)
    other = "drift" if rejecting != "drift" else "zeros"
    assert ingest(tmp_path / "other", corpus, reject_on=other, **limits).report.warnings == (warning,)


def test_genres_that_the_last_corpus_did_not_have(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    rows = [{"track_genre": "pop"}, {"track_genre": "ska"}, {"track_genre": "dub"}, {"track_genre": ""}]
    last = LAST.model_copy(update={"mean_popularity": 50.0})
    done = ingest(tmp_path / "out", write_csv(tmp_path / "x.csv", rows), last=last, min_tracks=0, max_unknown_genres=0)
    assert done.report.warnings == (
        "25% of the tracks have no genre, though the corpus has genres",
        "67% of the tracks with genres have none that the last corpus of this name had",
    )
    assert done.report.genres == ("dub", "pop", "ska")


def test_the_numbers_do_not_depend_on_the_partitions(tmp_path: Path, ingest: Ingest, write_csv: WriteCsv) -> None:
    popularities = ["0.1", "0.2", "0.3", "1e-9", "99.9", "0", "0", "33.3333"] * 3
    corpus = write_csv(tmp_path / "x.csv", [{"popularity": popularity} for popularity in popularities])
    reports = [
        ingest(tmp_path / f"by {size}", corpus, partition_rows=size, last=LAST).report.model_dump_json()
        for size in (1, 7, 1000)
    ]
    assert len(set(reports)) == 1
