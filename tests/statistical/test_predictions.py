"""Predictions against tracks that nobody had seen, against simulation, and against the published table.

Simulated tracks with known parameters go through all five steps. Tolerances are Monte Carlo errors as stated at each
test; seeds are fixed, so that a false alarm comes with a change of the code or never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.parameters import GateParameters, GroupParameters, IngestParameters, PublishParameters, SampleParameters
from tasks.gate.gating import gate_posterior
from tasks.group.grouping import group_tracks
from tasks.ingest.corpus import ingest_corpus
from tasks.ingest.sources import find_sources
from tasks.predict import Predictor
from tasks.publish.publisher import Inputs, publish
from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

GENRES = ("folk", "jazz", "metal")
ARTISTS, NEWCOMERS = 400, 3000


def simulate(rng: np.random.Generator, effects: Floats, artist: NDArray[np.int64]) -> pa.Table:
    """Draw tracks from the model: mu 50, sigma 9, tau 6; no popularity comes near 0 or 100."""
    energy, valence = rng.uniform(0, 1, len(artist)), rng.uniform(0, 1, len(artist))
    genre = rng.integers(0, 3, len(artist))
    expected = 50 + 6 * (energy - 0.5) - 3 * (valence - 0.5) + np.array([-4.0, 0.0, 4.0])[genre] + effects[artist]
    return pa.table(
        {
            "artists": [f"artist {number:04d}" for number in artist],
            "popularity": np.clip(expected + rng.normal(0, 9, len(artist)), 0, 100),
            "track_genre": np.array(GENRES)[genre],
            "energy": energy,
            "valence": valence,
        }
    )


@pytest.fixture(scope="module")
def truth() -> tuple[pa.Table, pa.Table]:
    """Return the tracks that are fitted, and later ones: of half the artists, and of ones nobody has seen."""
    rng = np.random.default_rng(20261122)
    effects = rng.normal(0, 6, ARTISTS + NEWCOMERS)
    seen = np.repeat(np.arange(ARTISTS), rng.geometric(0.2, ARTISTS))
    later = np.concatenate([np.repeat(np.arange(0, ARTISTS, 2), 15), np.arange(ARTISTS, ARTISTS + NEWCOMERS)])
    return simulate(rng, effects, seen), simulate(rng, effects, later)


@pytest.fixture(scope="module")
def predictor(truth: tuple[pa.Table, pa.Table], tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    folder = tmp_path_factory.mktemp("simulated")
    inputs = Inputs(*(folder / step for step in ("ingest", "group", "sample", "gate")))
    for each in (inputs.ingest, inputs.group, inputs.sample, inputs.gate):
        each.mkdir()
    pq.write_table(truth[0], folder / "tracks.parquet")
    ingest_corpus(find_sources([str(folder / "tracks.parquet")]), IngestParameters(repeats="keep"), inputs.ingest)
    group_tracks(inputs.ingest, GroupParameters(), inputs.group)
    sample_posterior(inputs.group, SampleParameters(artist_draws=5, draws=300), inputs.sample)
    gate_posterior(inputs.group, inputs.sample, GateParameters(), inputs.gate)
    publish(folder / "to", "simulated", "ab" * 16, inputs, {}, 1, PublishParameters(figures=False))
    return Predictor.open(folder / "to" / "simulated")


@pytest.mark.parametrize("known", [True, False])
def test_intervals_hold_their_share_of_later_tracks(
    predictor: Predictor, truth: tuple[pa.Table, pa.Table], *, known: bool
) -> None:
    # 3,000 tracks: the share inside has a standard error of 0.0055 at 90 % and 0.0091 at 50 %, a little more for
    # known artists, whose 15 tracks share one effect. Within 4.5 of them, a false alarm in 10^5 runs.
    later = truth[1].slice(0, 3000) if known else truth[1].slice(3000)
    requests = later.select(["artists", "track_genre", "energy", "valence"]).rename_columns(
        ["artist", "genres", "energy", "valence"]
    )
    actual = later["popularity"].to_numpy()
    for interval, error in ((0.9, 0.0055), (0.5, 0.0091)):
        predicted = predictor.predict(requests, interval=interval)
        assert set(predicted["basis"].to_pylist()) == {"nobody seen"} or known
        inside = (predicted["low"].to_numpy() <= actual) & (actual <= predicted["high"].to_numpy())
        assert inside.mean() == pytest.approx(interval, abs=4.5 * error * (1.5 if known else 1.0))


def test_knowing_more_predicts_better(predictor: Predictor, truth: tuple[pa.Table, pa.Table]) -> None:
    # Each step takes away a tenth of the squared error or more, where its standard error is below a fiftieth.
    later = truth[1].slice(0, 3000)
    actual = later["popularity"].to_numpy()
    columns = {"artist": "artists", "genres": "track_genre", "energy": "energy", "valence": "valence"}
    errors = []
    for names in ([], ["artist"], list(columns)):
        requests = pa.table({name: later[columns[name]] for name in names} or {"artist": [None] * 3000})
        errors.append(np.mean((predictor.predict(requests)["mean"].to_numpy() - actual) ** 2))
    assert errors[1] < 0.9 * errors[0]
    assert errors[2] < 0.9 * errors[1]


def test_the_table_of_artists_agrees(predictor: Predictor) -> None:
    # `artists.parquet` integrates the coefficients out exactly; the mixture has one draw of them for each of the 1,200
    # draws of the scales, independent of each other. Four hundred means within five standard errors: a false alarm in
    # 5,000 runs.
    table = pq.read_table(predictor.folder / "artists.parquet")
    names = table["artist"].to_pylist()
    predicted = predictor.predict([{"artist": name} for name in names])
    levels = predictor.level_draws(names).reshape(-1, len(names))
    error = levels.std(axis=0) / np.sqrt(len(levels))
    assert (np.abs(predicted["mean"].to_numpy() - table["next_mean"].to_numpy()) < 5 * error).all()
    np.testing.assert_allclose(predicted["sd"], table["next_sd"], rtol=0.01)
    # A normal in the place of the mixture is what the table's intervals are.
    np.testing.assert_allclose(predicted["low"], table["next_low"], atol=0.3)
    np.testing.assert_allclose(predicted["high"], table["next_high"], atol=0.3)
    # Levels of artists whose draws are not published agree with the table too, in mean and in sd.
    assert (np.abs(levels.mean(axis=0) - table["mean"].to_numpy()) < 5 * error).all()
    np.testing.assert_allclose(levels.std(axis=0), table["sd"], rtol=0.12)


def test_nobody_is_predicted_as_the_manifest_says(predictor: Predictor) -> None:
    (row,) = predictor.predict([{"artist": None}]).to_pylist()
    for name, value in predictor.manifest.sampling.new_artist.items():
        assert row[name] == pytest.approx(value, abs=1e-7)


def test_the_mixture_is_what_simulation_gives(predictor: Predictor) -> None:
    # 50 draws of the effect for each of 1,200 draws of all else, and 5 futures of each: 60,000 effects and 300,000
    # futures. Their share below a quantile has a standard error below 0.0010; four numbers within four of them are a
    # false alarm in 4,000 runs.
    rng = np.random.default_rng(3)
    table = pq.read_table(predictor.folder / "artist_means.parquet").to_pylist()
    single = next(row["artist"] for row in table if row["tracks"] == 1)
    many = max(table, key=lambda row: row["tracks"])["artist"]
    for artist in (single, many):
        row = predictor.predict([{"artist": artist}], interval=0.8).to_pylist()[0]
        sigma = predictor._posterior.draws.sigma
        below = np.zeros(2)
        for repeat in range(50):
            level = predictor.level_draws([artist], seed=repeat).reshape(-1)
            future = level + sigma * rng.standard_normal((5, len(level)))
            below += [(future < row[end]).mean() for end in ("low", "high")]
        assert below / 50 == pytest.approx([0.1, 0.9], abs=0.004)
