"""Simulated corpora: what was asked for is there, as ingest would leave it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from schemas.parameters import GroupParameters
from schemas.tracks import BY_NAME, FEATURES, arrow_schema
from tasks.group.grouping import group_tracks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TRACKS, ARTISTS, PARTITION = 3_000, 240, 700


@pytest.fixture
def corpora(script: Callable[[str], Any]) -> Any:
    """Return the generator's module."""
    return script("corpora")


@pytest.fixture
def corpus(corpora: Any, tmp_path: Path) -> Path:
    """Simulate a small corpus, in five partitions, with its raw columns beside it."""
    folder: Path = tmp_path / "corpus"
    corpora.simulate(corpora.truth_for(TRACKS, ARTISTS, seed=5), folder, tmp_path / "plain", partition=PARTITION)
    return folder


@pytest.mark.parametrize(("tracks", "artists"), [(10, 10), (1_000, 10), (50_000, 10), (100_000, 8_000)])
def test_artists_share_out_all_tracks(corpora: Any, tracks: int, artists: int) -> None:
    sizes = corpora.artist_sizes(tracks, artists, np.random.default_rng(1))
    assert len(sizes) == artists
    assert sizes.sum() == tracks
    assert sizes.min() >= 1
    assert sizes.max() <= 5_000


def test_few_artists_have_many_tracks_and_many_have_few(corpora: Any) -> None:
    sizes = np.sort(corpora.artist_sizes(1_000_000, 80_000, np.random.default_rng(1)))
    assert (sizes == 1).mean() > 0.2
    assert sizes[-800:].sum() > 0.15 * sizes.sum()  # one artist in a hundred
    assert len(np.unique(sizes)) > 300


@pytest.mark.parametrize(("tracks", "artists"), [(9, 10), (50_001, 10)])
def test_tracks_that_cannot_be_shared_out_are_refused(corpora: Any, tracks: int, artists: int) -> None:
    with pytest.raises(ValueError, match="cannot be those of 10 artists"):
        corpora.artist_sizes(tracks, artists, np.random.default_rng(1))


def test_what_ingest_promises_holds(corpus: Path) -> None:
    partitions = sorted((corpus / "tracks").glob("*.parquet"))
    assert [pq.read_metadata(path).num_rows for path in partitions] == [700, 700, 700, 700, 200]
    assert all(pq.read_schema(path).equals(arrow_schema()) for path in partitions)
    tracks = pq.read_table(corpus / "tracks").to_pandas()
    assert list(tracks["row"]) == list(range(1, TRACKS + 1))
    for name in (*FEATURES, "popularity"):
        assert tracks[name].between(BY_NAME[name].low, BY_NAME[name].high).all(), name
    assert (tracks["popularity"] % 1 == 0).all()


def test_group_finds_what_was_asked_for(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "grouped").mkdir()
    design = group_tracks(corpus, GroupParameters(), tmp_path / "grouped")
    assert (design.observations, design.artists) == (TRACKS, ARTISTS)
    assert design.names("feature") == FEATURES
    assert list(design.names("genre")) == list(json.loads((corpus / "truth.json").read_text())["subgenres"])


def test_raw_columns_hold_the_same_draws(corpus: Path) -> None:
    tracks = pq.read_table(corpus / "tracks").to_pandas()
    truth = json.loads((corpus / "truth.json").read_text())
    plain = corpus.with_name("plain")
    read = {
        path.stem: np.fromfile(path, dtype={"f64": "<f8", "i32": "<i4"}[path.suffix[1:]]) for path in plain.iterdir()
    }
    assert set(read) == {"popularity", "artist", "subgenre", *FEATURES}
    assert (read["popularity"] == tracks["popularity"]).all()
    assert [f"Artist {code - 1:07d}" for code in read["artist"]] == list(tracks["artists"].str[0])
    assert [f"sub-genre {code:02d}" for code in read["subgenre"]] == list(tracks["subgenres"].str[0])
    for name in FEATURES:
        expected = (tracks[name] - truth["centres"][name]) / truth["scales"][name]
        np.testing.assert_allclose(read[name], expected, atol=1e-12)


def test_the_same_seed_gives_the_same_bytes(corpora: Any, corpus: Path, tmp_path: Path) -> None:
    for seed in (5, 6):
        corpora.simulate(corpora.truth_for(TRACKS, ARTISTS, seed), tmp_path / str(seed), partition=PARTITION)
    files = [path.relative_to(corpus) for path in corpus.rglob("*.*")]
    assert all((corpus / path).read_bytes() == (tmp_path / "5" / path).read_bytes() for path in files)
    part = "tracks/part-00000.parquet"
    assert (corpus / part).read_bytes() != (tmp_path / "6" / part).read_bytes()
