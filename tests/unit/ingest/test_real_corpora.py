"""Public corpora, of which we know what is in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from schemas.errors import CorpusRejected
from schemas.tracks import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Ingest = Callable[..., Any]


def test_the_sample(sample: Any, sample_corpus: Path) -> None:
    rows = sample.report.rows
    assert (rows.rows_in, rows.kept, rows.repeats, rows.quarantined) == (6000, 5849, 151, 0)
    assert sample.report.conflicts == 15
    assert sample.report.warnings == ()
    assert sample.report.sources[0].layout == "114k"
    absent = {"subgenres", "release_date"}
    assert sample.report.columns == tuple(column.name for column in COLUMNS if column.name not in absent)
    ids = sample.tracks["track_id"].to_pylist()
    assert len(set(ids)) == len(ids) == 5849
    raw = pq.read_table(sample_corpus)
    assert set(ids) == set(raw["track_id"].to_pylist())
    highest = raw.group_by("track_id").aggregate([("popularity", "max")])
    expected = dict(zip(highest["track_id"].to_pylist(), highest["popularity_max"].to_pylist(), strict=True))
    assert dict(zip(ids, sample.tracks["popularity"].to_pylist(), strict=True)) == expected
    assert sample.report.mean_popularity == np.mean(list(expected.values()))
    several = pc.sum(pc.greater(pc.list_value_length(sample.tracks["artists"]), 1)).as_py()
    assert several > 0.3 * rows.kept


def test_the_sample_takes_no_time_beyond_imports(
    tmp_path: Path, ingest: Ingest, sample: Any, sample_corpus: Path
) -> None:
    start = time.perf_counter()
    again = ingest(tmp_path / "out", sample_corpus)
    assert time.perf_counter() - start < 15  # it takes 1 s; a loaded machine may take several
    assert again.report == sample.report


def test_how_it_is_cut_does_not_matter(tmp_path: Path, ingest: Ingest, sample: Any, sample_corpus: Path) -> None:
    cut = ingest(tmp_path / "out", sample_corpus, partition_rows=1900)
    assert len(list((cut.folder / "tracks").iterdir())) == 4
    assert cut.tracks.equals(sample.tracks)
    assert cut.report == sample.report
    assert cut.quarantine == sample.quarantine


def test_repeats_are_all_there_if_they_are_kept(tmp_path: Path, ingest: Ingest, sample_corpus: Path) -> None:
    rows = ingest(tmp_path / "out", sample_corpus, repeats="keep").report.rows
    assert (rows.kept, rows.repeats) == (6000, 0)


def test_tidytuesday(tmp_path: Path, ingest: Ingest, corpora: Path) -> None:
    done = ingest(tmp_path / "out", corpora / "tidytuesday_spotify_songs.csv", partition_rows=10_000)
    rows = done.report.rows
    # 28,356 ids, of which four belong to rows without name and artist.
    assert (rows.rows_in, rows.kept, rows.repeats, rows.quarantined) == (32_833, 28_352, 4_476, 5)
    assert done.report.reasons == {"artists: missing": 5}
    assert [row["row"] for row in done.quarantine] == [8152, 9283, 9284, 19569, 19812]
    folded = done.tracks.filter(pc.greater(pc.list_value_length(done.tracks["subgenres"]), 1))
    assert folded.num_rows > 1000
    for genres in folded["subgenres"].to_pylist():
        assert genres == sorted(set(genres))
    assert done.tracks["release_date"].null_count == 0


@pytest.mark.parametrize(("repeats", "kept"), [("keep", 350), ("drop", 264)])
def test_bayes_rules(tmp_path: Path, ingest: Ingest, corpora: Path, repeats: str, kept: int) -> None:
    done = ingest(tmp_path / "out", corpora / "bayesrules_spotify.csv", repeats=repeats)
    assert (done.report.rows.kept, done.report.rows.quarantined) == (kept, 0)
    danceability = done.tracks["danceability"].to_numpy()
    assert danceability[0] == pytest.approx(0.747)
    assert 0.3 < danceability.mean() < 0.9
    assert done.tracks["key"].to_pylist()[0] == 10
    assert done.tracks["artists"].to_pylist()[0] == ["Alok"]


def test_114k(tmp_path: Path, ingest: Ingest, corpora: Path) -> None:
    done = ingest(tmp_path / "out", corpora / "spotify114k_sample5k.csv")
    assert (done.report.rows.rows_in, done.report.rows.quarantined) == (5016, 0)
    ids = done.tracks["track_id"].to_pylist()
    assert len(set(ids)) == len(ids) == 4953
    assert ["[Alexandros]"] in done.tracks["artists"].to_pylist()


def test_several_corpora_at_once(tmp_path: Path, ingest: Ingest, sample_corpus: Path, corpora: Path) -> None:
    done = ingest(tmp_path / "out", sample_corpus, corpora / "bayesrules_spotify.csv")
    assert [source.layout for source in done.report.sources] == ["114k", "bayesrules"]
    assert done.report.rows.rows_in == 6350
    assert "subgenres" not in done.report.columns
    assert "explicit" not in done.report.columns
    assert done.report.rows.balanced


def test_text_that_is_not_utf8(tmp_path: Path, ingest: Ingest, corpora: Path) -> None:
    with pytest.raises(CorpusRejected, match=r"spotify-2023_original.csv is not UTF-8 text .* line 62"):
        ingest(tmp_path / "out", corpora / "spotify-2023_original.csv")
