"""Predictions against the model written out, track by track and draw by draw."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import optimize, stats

from schemas.errors import InvalidParameter, PublicationConflict
from schemas.predictions import predictions_schema
from tasks.predict import Predictor
from tasks.predict import predictor as module
from tasks.publish import means

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Made
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

REPOSITORY = Path(__file__).resolve().parents[3]


def one(made: Made, interval: float | None = None, **request: Any) -> dict[str, Any]:
    (row,) = Predictor.open(made.folder).predict([request], interval=interval).to_pylist()
    return row


def parts(made: Made, name: str | None, z: Floats) -> tuple[Floats, Floats]:
    """Return mean and sd of a track given each draw, by completing the square over the artist's own tracks."""
    rows = made.tracks.get(name or "", np.empty((0, len(z) + 1)))
    residuals = rows[:, -1] - made.theta @ rows[:, :-1].T  # shape (S, n)
    precision = 1 / made.tau**2 + rows.shape[0] / made.sigma**2
    effect = residuals.sum(axis=1) / made.sigma**2 / precision
    return 55.5 + made.theta @ z + effect, np.sqrt(made.sigma**2 + 1 / precision)


def expected(made: Made, name: str | None, z: Floats, interval: float = 0.9) -> dict[str, float]:
    mean, sd = parts(made, name, z)

    def cdf(x: float, probability: float = 0) -> float:
        return float(stats.norm.cdf(x, mean, sd).mean()) - probability

    tails = ((1 - interval) / 2, (1 + interval) / 2)
    low, high = (optimize.brentq(cdf, -500, 600, args=(tail,), xtol=1e-11) for tail in tails)
    return {
        "mean": mean.mean(),
        "sd": np.sqrt(mean.var() + (sd**2).mean()),
        "low": min(max(low, 0), 100),
        "high": min(max(high, 0), 100),
        "p_zero": cdf(0),
        "p_hundred": 1 - cdf(100),
    }


def average(made: Made) -> Floats:
    return np.concatenate(list(made.tracks.values()))[:, :-1].mean(axis=0)


def agrees(row: dict[str, Any], numbers: dict[str, float]) -> None:
    for name, value in numbers.items():
        assert row[name] == pytest.approx(value, abs=2e-8), name


# --- what is asked for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", [0.5, 0.9])
def test_an_artists_next_track_is_like_its_own(made: Made, interval: float) -> None:
    for name, rows in made.tracks.items():
        row = one(made, interval, artist=name)
        agrees(row, expected(made, name, rows.mean(axis=0)[:-1], interval))
        assert row["tracks"] == len(rows)
        assert row["basis"] == ("1 track" if len(rows) == 1 else f"{len(rows)} tracks")
        assert row["artist"] == name


@pytest.mark.parametrize("nobody", [None, "", "  ", "Eminen", float("nan")])
def test_nobody_has_seen_the_track_of_an_average_artist(made: Made, nobody: object) -> None:
    row = one(made, artist=nobody)
    agrees(row, expected(made, None, average(made)))
    assert (row["tracks"], row["basis"]) == (0, "nobody seen")
    agrees(one(made), expected(made, None, average(made)))


def test_features_take_the_place_of_the_average(made: Made) -> None:
    z = made.tracks["Eminem"].mean(axis=0)[:-1]
    before = one(made, artist="Eminem")
    z[1] = (0.9 - 0.6) / 0.2
    agrees(one(made, artist="Eminem", energy=0.9), expected(made, "Eminem", z))
    z[2] = (-3 + 8) / 4
    both = one(made, artist="Eminem", energy="0.9", loudness=-3)
    agrees(both, expected(made, "Eminem", z))
    # And nothing else moves: the change is that of the coefficients.
    change = made.theta[:, 1:3].mean(axis=0) @ (z - made.tracks["Eminem"].mean(axis=0)[:-1])[1:3]
    assert both["mean"] - before["mean"] == pytest.approx(change, abs=1e-9)


def test_genres_take_the_place_of_the_average(made: Made) -> None:
    z = made.tracks["Eminem"].mean(axis=0)[:-1]
    z[3:] = [0.5, 0.5, 0]
    for genres in ("rock;pop", " pop ; rock;;rock", ["rock", "pop", None], ["rock", "pop", "rock"]):
        agrees(one(made, artist="Eminem", genres=genres), expected(made, "Eminem", z))
    z[3:] = [0, 0, 1]
    for genres in ("hip;hop", ["hip;hop"]):  # a genre of the corpus may have a semicolon
        agrees(one(made, artist="Eminem", genre=genres), expected(made, "Eminem", z))
    for nothing in (None, "", [], float("nan")):
        assert one(made, artist="Eminem", genres=nothing) == one(made, artist="Eminem")


def test_slopes_follow_genre_and_feature(with_slopes: Made) -> None:
    rows = with_slopes.tracks["Eminem"][:, :-1]
    own = rows.mean(axis=0)
    agrees(one(with_slopes, artist="Eminem"), expected(with_slopes, "Eminem", own))

    def z(energy: float | None, shares: tuple[float, ...] | None) -> Floats:
        """Return the mean row of the artist's tracks, had each had this energy and these genres."""
        moved = rows.copy()
        if energy is not None:
            moved[:, 1] = energy
        if shares is not None:
            moved[:, 3:6] = shares
        for genre in range(3):
            for feature in range(2):
                moved[:, 6 + 2 * genre + feature] = moved[:, 3 + genre] * moved[:, 1 + feature]
        return moved.mean(axis=0)

    agrees(one(with_slopes, artist="Eminem", genres="rock"), expected(with_slopes, "Eminem", z(None, (0, 1, 0))))
    agrees(one(with_slopes, artist="Eminem", energy=0.9), expected(with_slopes, "Eminem", z(1.5, None)))
    both = one(with_slopes, artist="Eminem", energy=0.9, genres="rock")
    agrees(both, expected(with_slopes, "Eminem", z(1.5, (0, 1, 0))))


def test_without_features_genres_or_artists(make_publication: Callable[..., Made], tmp_path: Path) -> None:
    bare = make_publication(tmp_path / "bare", features=False, genres=())
    agrees(one(bare, artist="Eminem"), expected(bare, "Eminem", np.ones(1)))
    with pytest.raises(InvalidParameter, match="this model has no genres; leave it out"):
        one(bare, genres="pop")
    pooled = make_publication(tmp_path / "pooled", pooling="complete")
    z = pooled.tracks["Eminem"].mean(axis=0)[:-1]
    row = one(pooled, artist="Eminem")
    assert row["mean"] == pytest.approx(55.5 + pooled.theta.mean(axis=0) @ z, abs=1e-8)
    spread = np.sqrt((pooled.theta @ z).var() + (pooled.sigma**2).mean())
    assert row["sd"] == pytest.approx(spread, abs=1e-8)
    with pytest.raises(InvalidParameter, match="complete pooling: artists do not differ"):
        Predictor.open(pooled.folder).artist_draws(["Eminem"])


def test_ends_are_where_popularity_ends(made: Made) -> None:
    ranked = sorted(made.tracks, key=lambda name: one(made, artist=name)["mean"])
    low, high = one(made, artist=ranked[0]), one(made, artist=ranked[-1])
    assert (low["low"], high["high"]) == (0, 100)
    assert min(low["p_zero"], high["p_hundred"]) > 0.05
    assert max(low["p_hundred"], high["p_zero"]) < 0.05
    widest = one(made, 0.9999, artist="Eminem")
    assert (widest["low"], widest["high"]) == (0, 100)
    # An interval that lies beyond an end as a whole is that end.
    upwards = made.theta[:, 2].mean() < 0
    silent = one(made, 0.1, artist=ranked[-1 if upwards else 0], loudness=-70)
    end = 100 if upwards else 0
    assert (silent["low"], silent["high"]) == (end, end)
    assert not 0 <= silent["mean"] <= 100


# --- many at a time ---------------------------------------------------------------------------------------------------


def test_every_form_of_requests_gives_the_same(made: Made) -> None:
    predictor = Predictor.open(made.folder)
    rows = [{"artist": "Eminem", "energy": 0.5}, {"artist": None, "genres": "pop"}, {"artist": "Eminem", "energy": 0.5}]
    table = predictor.predict(rows)
    assert table.schema.equals(predictions_schema(), check_metadata=True)
    assert table["row"].to_pylist() == [1, 2, 3]
    first, _, third = table.drop_columns("row").to_pylist()
    assert first == third
    frame = pd.DataFrame(rows)
    assert predictor.predict(frame).equals(table)
    assert predictor.predict(frame.iloc[[2, 1, 0]]).column("mean").to_pylist() == table["mean"].to_pylist()[::-1]
    arrow = pa.table(
        {"artist": ["Eminem", None, "Eminem"], "energy": [0.5, None, 0.5], "genres": [None, ["pop"], None]}
    )
    assert predictor.predict(arrow).equals(table)


def test_nothing_asked_is_nothing_answered(made: Made) -> None:
    predictor = Predictor.open(made.folder)
    for nothing in ([], pa.table({"artist": pa.array([], pa.string())}), pd.DataFrame({"artist": []})):
        assert predictor.predict(nothing).num_rows == 0


def test_an_answer_does_not_depend_on_who_else_is_asked_for(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [*made.tracks, None] * 40
    together = Predictor.open(made.folder).predict([{"artist": name} for name in names])
    monkeypatch.setattr(module, "_PARTS", 700)
    apart = Predictor.open(made.folder).predict([{"artist": name} for name in names])
    for name in ("mean", "sd", "low", "high", "p_zero", "p_hundred"):
        np.testing.assert_allclose(apart[name], together[name], atol=2e-8)
    assert apart["tracks"].equals(together["tracks"])


def test_artists_are_found_in_any_row_group(
    make_publication: Callable[..., Made], made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(means, "_CELLS", 14)
    split = make_publication(tmp_path)
    requests = [{"artist": name} for name in [*made.tracks, "Zz", "", "A"]][::-1]
    assert Predictor.open(split.folder).predict(requests).equals(Predictor.open(made.folder).predict(requests))


# --- draws of artists -------------------------------------------------------------------------------------------------


def test_published_draws_are_given_as_they_are(made: Made) -> None:
    names = list(made.effects)[::-1]
    draws = Predictor.open(made.folder).artist_draws(names, seed=3)
    assert draws.shape == (2, 150, len(names))
    np.testing.assert_array_equal(draws.reshape(300, -1), np.column_stack([made.effects[name] for name in names]))


def test_other_draws_are_an_artists_own(made: Made) -> None:
    predictor = Predictor.open(made.folder)
    names = [name for name in made.tracks if name not in made.effects]
    together = predictor.artist_draws([*made.effects, *names])[:, :, len(made.effects) :]
    assert not np.array_equal(together[:, :, 0], together[:, :, 1])
    np.testing.assert_array_equal(predictor.artist_draws(names[2:3]), together[:, :, 2:3])
    np.testing.assert_array_equal(predictor.artist_draws(names), Predictor.open(made.folder).artist_draws(names))
    assert np.abs(predictor.artist_draws(names, seed=8) - together).min() > 0
    np.testing.assert_array_equal(predictor.artist_draws(names, seed=7), predictor.artist_draws(names))
    assert predictor.artist_draws([]).shape == (2, 150, 0)


def test_other_draws_spread_as_the_posterior_does(made: Made) -> None:
    # Standardised by what they should be, 8 x 300 draws have an sd within five of its standard errors of 1: 6e-7.
    names = [name for name in made.tracks if name not in made.effects]
    standard = []
    for name in names:
        rows = made.tracks[name]
        precision = 1 / made.tau**2 + len(rows) / made.sigma**2
        mean = (rows[:, -1] - made.theta @ rows[:, :-1].T).sum(axis=1) / made.sigma**2 / precision
        effects = Predictor.open(made.folder).artist_draws([name]).reshape(-1)
        standard.append((effects - mean) * np.sqrt(precision))
    assert np.std(standard) == pytest.approx(1, abs=5 / np.sqrt(2 * 2400))
    assert np.mean(standard) == pytest.approx(0, abs=5 / np.sqrt(2400))


def test_levels_are_effects_and_what_the_tracks_are_like(made: Made) -> None:
    predictor = Predictor.open(made.folder)
    for name, rows in made.tracks.items():
        level = 55.5 + made.theta @ rows.mean(axis=0)[:-1] + predictor.artist_draws([name]).reshape(-1)
        np.testing.assert_allclose(predictor.level_draws([name]).reshape(-1), level, atol=1e-8)


def test_draws_of_nobody_are_refused_with_who_may_have_been_meant(made: Made) -> None:
    with pytest.raises(InvalidParameter, match="small has seen no artist 'eminen'; there is 'Eminem'"):
        Predictor.open(made.folder).artist_draws(["東京事変", "eminen"])


# --- Student's t ------------------------------------------------------------------------------------------------------


def test_with_tails_published_draws_make_the_mixture(with_tails: Made) -> None:
    name = next(iter(with_tails.effects))
    z = with_tails.tracks[name].mean(axis=0)[:-1]
    z[1] = (0.9 - 0.6) / 0.2
    centre = 55.5 + with_tails.theta @ z + with_tails.effects[name]
    row = one(with_tails, artist=name, energy=0.9)
    assert row["mean"] == pytest.approx(centre.mean(), abs=1e-8)
    assert row["sd"] == pytest.approx(np.sqrt(centre.var() + np.median(with_tails.sigma**2) * 5 / 3), abs=1e-8)
    assert row["p_zero"] == pytest.approx(stats.t.cdf(0, 5, centre, with_tails.sigma).mean(), abs=1e-12)
    assert stats.t.cdf(row["high"], 5, centre, with_tails.sigma).mean() == pytest.approx(0.95, abs=1e-9)
    assert row["basis"] == "1 track"


def test_with_tails_other_artists_have_the_published_level(with_tails: Made) -> None:
    import pyarrow.parquet as pq

    levels = {row["artist"]: row for row in pq.read_table(with_tails.folder / "artists.parquet").to_pylist()}
    name = "Eminem"
    assert name not in with_tails.effects
    row = one(with_tails, artist=name)
    assert row["basis"] == f"{len(with_tails.tracks[name])} tracks, level as normal"
    assert row["mean"] == pytest.approx(levels[name]["mean"], abs=1e-8)
    # Normal scores of 300 draws have a little less than their variance.
    variance = levels[name]["sd"] ** 2 + (with_tails.sigma**2).mean() * 5 / 3
    assert row["sd"] == pytest.approx(np.sqrt(variance), rel=0.01)
    moved = one(with_tails, artist=name, energy=0.9)
    step = (0.9 - 0.6) / 0.2 - with_tails.tracks[name][:, 1].mean()
    assert moved["mean"] - row["mean"] == pytest.approx(with_tails.theta[:, 1].mean() * step, abs=1e-8)
    with pytest.raises(InvalidParameter, match="refit with a larger artist_draws"):
        Predictor.open(with_tails.folder).artist_draws([name])


def test_with_tails_nobody_has_an_effect_like_any(with_tails: Made) -> None:
    row = one(with_tails, artist="Nobody")
    centre = 55.5 + with_tails.theta @ average(with_tails)
    variance = centre.var() + (with_tails.tau**2).mean() + (with_tails.sigma**2).mean() * 5 / 3
    assert row["mean"] == pytest.approx(centre.mean(), abs=0.2)  # draws of tau in the order of the scores
    assert row["sd"] == pytest.approx(np.sqrt(variance), rel=0.02)
    assert row["basis"] == "nobody seen"


# --- what is opened ---------------------------------------------------------------------------------------------------


def test_a_pointer_is_followed_once(made: Made) -> None:
    home = made.folder.parents[1]
    for path in (home, home / "current", str(made.folder)):
        assert Predictor.open(path).folder == made.folder.resolve()


@pytest.mark.parametrize("file", ["posterior.nc", "artist_means.parquet", "design.json"])
def test_what_was_changed_since_is_not_believed(made: Made, tmp_path: Path, file: str) -> None:
    folder = tmp_path / made.folder.name
    shutil.copytree(made.folder, folder)
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(content)
    with pytest.raises(PublicationConflict, match=f"{file} is missing or not what was published"):
        Predictor.open(folder)
    (folder / file).unlink()
    with pytest.raises(PublicationConflict, match=f"{file} is missing or not what was published"):
        Predictor.open(folder)


def test_an_older_publication_is_to_be_made_again(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / made.folder.name
    shutil.copytree(made.folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    del manifest["files"]["artist_means.parquet"]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(PublicationConflict, match=r"published without artist_means\.parquet.* with encore refit"):
        Predictor.open(folder)
    with pytest.raises(PublicationConflict, match="is not a publication"):
        Predictor.open(tmp_path)


def test_one_prediction_waits_for_nothing_heavy(made: Made) -> None:
    script = (
        f"import sys; from tasks.predict import Predictor; predictor = Predictor.open({str(made.folder)!r}); "
        "print(predictor.predict_columns({'artist': ['Eminem', None], 'energy': [1, 0]})); "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    answer = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    predictions, modules = answer.stdout.strip().splitlines()
    assert "'nobody seen'" in predictions
    assert not {"pandas", "xarray", "prefect", "pymc", "matplotlib", "arviz_base"} & set(modules.split())
    assert "scipy.stats" not in modules
