"""Sums over partitions are the sums over the corpus, and say all that the likelihood needs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.group.sums import changed, merge, statistics_of, sums_of


def corpus(seed: int, tracks: int, artists: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    names = np.array([f"artist {number}" for number in generator.integers(0, artists, tracks)], dtype=object)
    rows = generator.normal(size=(tracks, columns))
    rows[:, 0] = 1
    return names, rows


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 1000),
    tracks=st.integers(1, 60),
    artists=st.integers(1, 12),
    cuts=st.lists(st.integers(0, 60), max_size=4),
)
def test_partitions_do_not_matter(seed: int, tracks: int, artists: int, cuts: list[int]) -> None:
    names, rows = corpus(seed, tracks, artists, 4)
    whole = sums_of(names, rows)
    edges = [0, *sorted(min(cut, tracks) for cut in cuts), tracks]
    merged = merge(*(sums_of(names[start:end], rows[start:end]) for start, end in pairwise(edges) if end > start))
    order, expected = np.argsort(merged.names.astype(str)), np.argsort(whole.names.astype(str))
    assert list(merged.names[order]) == list(whole.names[expected])
    assert (merged.counts[order] == whole.counts[expected]).all()
    np.testing.assert_allclose(merged.totals[order], whole.totals[expected], atol=1e-12)
    np.testing.assert_allclose(merged.cross, whole.cross, atol=1e-12)


def test_columns_can_be_combined_without_the_tracks() -> None:
    names, rows = corpus(1, 200, 9, 4)
    change = np.random.default_rng(2).normal(size=(4, 3))
    afterwards = changed(sums_of(names, rows), change)
    before = sums_of(names, rows @ change)
    np.testing.assert_allclose(afterwards.totals, before.totals, atol=1e-9)
    np.testing.assert_allclose(afterwards.cross, before.cross, rtol=1e-9)


def test_statistics_are_what_they_are_said_to_be() -> None:
    names, rows = corpus(2, 300, 40, 3)
    statistics = statistics_of(sums_of(names, rows))
    artists = list(dict.fromkeys(names))
    means = {artist: rows[names == artist].mean(axis=0) for artist in artists}
    around = rows - np.array([means[name] for name in names])
    np.testing.assert_allclose(statistics.within, around.T @ around, atol=1e-9)
    counts = {artist: int((names == artist).sum()) for artist in artists}
    assert list(statistics.sizes) == sorted(set(counts.values()))
    for size, many, between in zip(statistics.sizes, statistics.artists_of_size, statistics.between, strict=True):
        members = [means[artist] for artist in artists if counts[artist] == size]
        assert many == len(members)
        np.testing.assert_allclose(between, sum(np.outer(mean, mean) for mean in members), atol=1e-12)
    assert statistics.observations == 300
