"""What the promotion rule goes by: both posteriors asked the same tracks, what they saw of each left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from schemas.comparison import Comparison
from schemas.reports import Design, DesignColumn
from tasks.predict.weighing import THRESHOLD, Fitted, compare, log_densities
from tasks.predictive import Draws, Known

if TYPE_CHECKING:
    from collections.abc import Sequence

DESIGN = Design(
    columns=(
        DesignColumn(name="intercept", kind="intercept"),
        DesignColumn(name="energy", kind="feature", block="energy", centre=0.5, scale=0.2),
    ),
    observations=200,
    artists=20,
    popularity_mean=50.0,
    popularity_sd=15.0,
)


def table(tracks: Sequence[tuple[int, str, float, float]], below: int = 2**64 - 1) -> pa.Table:
    track, artist, energy, popularity = zip(*tracks, strict=True)
    columns = {
        "track": pa.array(track, pa.uint64()),
        "artist": pa.array(artist),
        "popularity": pa.array(popularity, pa.float64()),
        "genres": pa.array([[]] * len(track), pa.list_(pa.string())),
        "energy": pa.array(energy, pa.float64()),
    }
    return pa.table(columns).replace_schema_metadata({THRESHOLD: str(below)})


def fit(tracks: pa.Table, theta: float = 0.0, tau: float = 10.0) -> Fitted:
    """Return a posterior of one draw, which knows the artists of some tracks."""
    rows = tracks.to_pylist()

    def known(names: Sequence[str | None]) -> Known:
        counts, means = [], []
        for name in names:
            own = [(1.0, (row["energy"] - 0.5) / 0.2, row["popularity"] - 50) for row in rows if row["artist"] == name]
            counts.append(len(own))
            means.append(np.mean(own, axis=0) if own else (1.0, 0.0, 0.0))
        return Known(np.array(counts, np.float64), np.array(means))

    return Fitted(DESIGN, Draws(np.array([[theta, 0.0]]), np.array([12.0]), np.array([tau])), known)


def normal(y: float, mean: float, variance: float) -> float:
    return float(-0.5 * (y - mean) ** 2 / variance - 0.5 * np.log(2 * np.pi * variance))


def left_out(y: float, others: Sequence[float]) -> float:
    """Work out the density of a track by hand, given the others of its artist; both relative to the mean."""
    weight = 100 / (100 + 144 / len(others)) if others else 0.0
    return normal(y, weight * float(np.mean(others)) if others else 0.0, 144 + 100 * (1 - weight))


def test_what_was_seen_of_a_track_is_left_out() -> None:
    tracks = table([(1, "Ann", 0.5, 60.0), (2, "Ann", 0.5, 70.0), (3, "Ann", 0.5, 20.0), (4, "Bob", 0.5, 90.0)])
    expected = [left_out(10, [20, -30]), left_out(20, [10, -30]), left_out(-30, [10, 20]), left_out(40, [])]
    assert log_densities(fit(tracks), tracks, tracks) == pytest.approx(expected)


def test_what_was_not_seen_is_predicted_as_it_is_and_what_changed_is_left_out_as_it_was() -> None:
    seen = table([(1, "Ann", 0.5, 60.0), (2, "Ann", 0.5, 70.0)])
    asked = table([(1, "Ann", 0.5, 65.0), (9, "Ann", 0.5, 30.0), (8, "Cy", 0.5, 30.0)])
    expected = [left_out(15, [20]), left_out(-20, [10, 20]), left_out(-20, [])]
    assert log_densities(fit(seen), asked, seen) == pytest.approx(expected)


def test_a_corpus_of_other_tracks_altogether_is_predicted_as_it_is() -> None:
    seen = table([(1, "Ann", 0.5, 60.0), (2, "Ann", 0.5, 70.0)])
    asked = table([(7, "Ann", 0.5, 30.0), (8, "Cy", 0.5, 30.0)])
    assert log_densities(fit(seen), asked, seen) == pytest.approx([left_out(-20, [10, 20]), left_out(-20, [])])


def test_several_draws_are_weighted_by_what_the_track_does_not_tell_them() -> None:
    tracks = table([(1, "Ann", 0.5, 60.0), (2, "Bob", 0.5, 40.0)])
    both = Fitted(
        DESIGN, Draws(np.array([[0.0, 0.0], [5.0, 0.0]]), np.full(2, 12.0), np.full(2, 10.0)), fit(tracks).known
    )
    each = [np.exp(normal(10, level, 244)) for level in (0, 5)]
    # Leave-one-out by importance: the harmonic mean of the densities.
    assert log_densities(both, tracks, tracks)[0] == pytest.approx(-np.log(np.mean([1 / one for one in each])))


def corpus(seed: int, start: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    levels = rng.normal(50, 10, 20)
    rows = [
        (start + number, f"artist {number % 20}", 0.5, float(levels[number % 20] + rng.normal(0, 12)))
        for number in range(200)
    ]
    return table(rows)


def test_the_same_posterior_is_not_worse_and_one_that_pools_all_is() -> None:
    tracks = corpus(1)
    same = compare(fit(tracks), fit(tracks), tracks, tracks, "before")
    assert same == Comparison(version="before", tracks=200, artists=20, difference=0.0, se=0.0)
    assert not same.clearly_worse
    pooled = compare(fit(tracks, tau=0.0), fit(tracks), tracks, tracks, "before")
    assert pooled.clearly_worse
    assert pooled.sentence.startswith(f"{pooled.difference:+.1f} ± {pooled.se:.1f} ELPD against before, on 200 tracks")
    assert not compare(fit(tracks), fit(tracks, tau=0.0), tracks, tracks, "before").clearly_worse


def test_a_corpus_cut_short_is_worse_than_what_knew_more() -> None:
    # Of each artist one track is left of ten; the old posterior is asked it without having seen it.
    whole = corpus(2)
    few = whole.slice(0, 20)
    old, new = fit(whole), fit(few)
    found = log_densities(new, few, few).sum() - log_densities(old, few, whole).sum()
    assert found < 0


def test_only_tracks_below_both_thresholds_are_compared() -> None:
    tracks = corpus(3)
    seen = tracks.slice(0, 100).replace_schema_metadata({THRESHOLD: "99"})
    assert compare(fit(tracks), fit(tracks), tracks, seen, "before").tracks == 100
    nothing = tracks.slice(0, 10).replace_schema_metadata({THRESHOLD: "9"})
    assert "only 10 tracks have ids" in compare(fit(tracks), fit(tracks), tracks, nothing, "before").note
    assert "Student's t" in compare(None, fit(tracks), tracks, tracks, "before").note


@pytest.mark.parametrize(
    ("difference", "se", "worse"),
    [(-10.0, 4.0, True), (-10.0, 6.0, False), (-3.9, 0.1, False), (-100.0, None, False), (10.0, 1.0, False)],
)
def test_clearly_worse_is_more_than_chance_and_more_than_a_trifle(
    difference: float, se: float | None, *, worse: bool
) -> None:
    assert Comparison(version="x", difference=difference, se=se).clearly_worse is worse
