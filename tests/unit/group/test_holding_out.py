"""What is held out: chosen by the track and the artist alone, never seen by the sums, and written as they see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
from simulated import Tracks, draw_tracks, write_ingested

from schemas.parameters import EvaluateParameters, GroupParameters
from schemas.statistics import Statistics
from tasks.group.grouping import group_tracks

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.reports import Design

SPLIT = EvaluateParameters(held_out_tracks=0.2, held_out_artists=0.2)


class Split(NamedTuple):
    """Popularity, which tells tracks apart here, of each part; artists are positions, as written."""

    design: Design
    statistics: Statistics
    training: np.ndarray
    tested: np.ndarray
    tested_artist: np.ndarray
    tested_z: np.ndarray
    again: np.ndarray
    again_artist: np.ndarray
    folder: Path


def split(
    folder: Path,
    tracks: Tracks,
    parameters: EvaluateParameters = SPLIT,
    *,
    partitions: int = 1,
    credit: str = "primary",
) -> Split:
    """Group a corpus with some of it held out."""
    source = write_ingested(folder / "ingested", tracks, partitions)
    out = folder / "grouped"
    out.mkdir()
    grouping = GroupParameters.model_validate({"credit": credit})
    design = group_tracks(source, grouping, out, keep_rows=True, held_out=parameters)

    def popularity(part: str) -> np.ndarray:
        return np.round(np.load(out / part / "y.npy") + design.popularity_mean, 6)

    return Split(
        design,
        Statistics.load(out / "statistics"),
        popularity("rows"),
        popularity("held_out/tested"),
        np.load(out / "held_out" / "tested" / "artist.npy"),
        np.load(out / "held_out" / "tested" / "z.npy"),
        popularity("held_out/again"),
        np.load(out / "held_out" / "again" / "artist.npy"),
        out,
    )


def test_every_row_is_seen_or_held_out(tmp_path: Path) -> None:
    tracks = draw_tracks(1, artists=200)
    made = split(tmp_path, tracks)
    everything = np.sort(np.round(tracks.columns["popularity"], 6))
    np.testing.assert_array_equal(np.sort(np.concatenate([made.training, made.tested])), everything)
    assert made.design.observations == made.statistics.observations == len(made.training)
    known = made.tested_artist < made.design.artists
    assert made.design.artists == 160
    # 20 % of some 800 tracks, but for one of each artist.
    assert 0.1 < known.sum() / len(made.training) < 0.25


def test_artists_are_whole_and_known_ones_keep_a_track(tmp_path: Path) -> None:
    tracks = draw_tracks(2, artists=150)
    made = split(tmp_path, tracks)
    artist_of = {
        round(value, 6): names[0]
        for value, names in zip(tracks.columns["popularity"], tracks.columns["artists"], strict=True)
    }
    seen = pq.read_table(made.folder / "artists.parquet")["artist"].to_pylist()
    assert {artist_of[value] for value in made.training} == set(seen)
    for value, artist in zip(made.tested, made.tested_artist, strict=True):
        if artist < len(seen):
            assert seen[artist] == artist_of[value]
        else:
            assert artist_of[value] not in seen
    new = made.tested_artist[made.tested_artist >= len(seen)]
    names = [artist_of[value] for value in made.tested[made.tested_artist >= len(seen)]]
    assert len(set(zip(new, names, strict=True))) == len(set(new)) == len(set(names)) > 10


@pytest.mark.parametrize("partitions", [2, 7])
def test_neither_order_nor_partitions_matter(tmp_path: Path, partitions: int) -> None:
    tracks = draw_tracks(3, artists=80)
    mixed = tracks.taken(np.random.default_rng(1).permutation(len(tracks)))
    one = split(tmp_path / "one", tracks)
    other = split(tmp_path / "other", mixed, partitions=partitions)
    assert set(one.tested) == set(other.tested)
    assert set(one.again) == set(other.again)
    np.testing.assert_allclose(one.statistics.within, other.statistics.within, atol=1e-7)
    # The same artist has the same number, held out or not.
    assert dict(zip(one.tested, one.tested_artist, strict=True)) == dict(
        zip(other.tested, other.tested_artist, strict=True)
    )


def test_another_seed_holds_out_others_and_shares_of_nothing_nothing(tmp_path: Path) -> None:
    tracks = draw_tracks(4, artists=80)
    one = split(tmp_path / "one", tracks)
    other = split(tmp_path / "other", tracks, SPLIT.model_copy(update={"seed": 2}))
    assert set(one.tested) != set(other.tested)
    none = split(tmp_path / "none", tracks, EvaluateParameters(held_out_tracks=0, held_out_artists=0))
    assert len(none.tested) == 0
    assert none.tested_z.shape == (0, len(none.design.columns))
    assert len(none.training) == len(tracks)
    # All of training is predicted again, but for artists with a single track.
    assert len(none.again) == none.statistics.counts[none.statistics.counts > 1].sum()


def test_rows_are_standardised_as_training_is(tmp_path: Path) -> None:
    tracks = draw_tracks(5, artists=60)
    made = split(tmp_path, tracks)
    raw = dict(zip(np.round(tracks.columns["popularity"], 6), tracks.columns["energy"], strict=True))
    (energy,) = [column for column in made.design.columns if column.name == "energy"]
    expected = [(raw[value] - energy.centre) / energy.scale for value in made.tested]
    place = 1 + made.design.names("feature").index("energy")
    np.testing.assert_allclose(made.tested_z[:, place], expected, atol=1e-9)
    trained = np.load(made.folder / "rows" / "z.npy")[:, place]
    assert abs(trained.mean()) < 1e-9
    assert trained.std() == pytest.approx(1)


def test_repeats_of_a_track_go_the_same_way(tmp_path: Path) -> None:
    tracks = draw_tracks(6, artists=60)
    # Two rows of an artist share an id.
    ids = [f"{names[0][-4:]}{number // 2:018d}" for number, names in enumerate(tracks.columns["artists"])]
    twice = Tracks({**tracks.columns, "track_id": ids})
    made = split(tmp_path, twice)
    id_of = {round(value, 6): each for value, each in zip(twice.columns["popularity"], ids, strict=True)}
    assert len(made.tested) > 20
    assert not {id_of[value] for value in made.tested} & {id_of[value] for value in made.training}


def test_tracks_without_an_id_are_told_apart(tmp_path: Path) -> None:
    tracks = draw_tracks(7, artists=60)
    nameless = Tracks({name: values for name, values in tracks.columns.items() if name != "track_id"})
    made = split(tmp_path, nameless)
    known = made.tested[made.tested_artist < made.design.artists]
    assert 0.05 < len(known) / len(tracks) < 0.3


def test_a_track_of_several_artists_is_never_on_both_sides(tmp_path: Path) -> None:
    tracks = draw_tracks(8, artists=60)
    firsts = [names[0] for names in tracks.columns["artists"]]
    pairs = [[one, other] for one, other in zip(firsts, np.roll(firsts, 5), strict=True)]
    made = split(tmp_path, Tracks({**tracks.columns, "artists": pairs}), credit="each")
    assert made.design.observations + len(made.tested) == 2 * len(tracks)
    assert len(made.tested) > 20
    assert not set(made.tested) & set(made.training)


def test_of_a_large_corpus_a_smaller_share_is_held_out(tmp_path: Path) -> None:
    tracks = draw_tracks(9, artists=500, most=20)
    made = split(tmp_path, tracks, EvaluateParameters(most_rows=100))
    known = made.tested_artist < made.design.artists
    # About 100 each of some 5,000: within five standard deviations, those of artists being of ten tracks at a time.
    assert 50 < known.sum() < 150
    assert (~known).sum() < 300
    assert 50 < len(made.again) < 150
    assert set(made.again) <= set(made.training)
    assert (made.statistics.counts[made.again_artist] > 1).all()


def test_without_a_split_nothing_is_held_out(tmp_path: Path) -> None:
    source = write_ingested(tmp_path / "ingested", draw_tracks(10))
    (tmp_path / "grouped").mkdir()
    group_tracks(source, GroupParameters(), tmp_path / "grouped")
    assert not (tmp_path / "grouped" / "held_out").exists()
