"""Every artist is measured, with stored draws or without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.signal import lfilter

from schemas.parameters import GateParameters
from tasks.convergence import convergence
from tasks.gate.artists import ArtistDiagnostics, Coefficients, measure_artists
from tasks.gate.diagnostics import Diagnostics
from tasks.gate.tables import disagreements
from tasks.gate.verdict import judge

if TYPE_CHECKING:
    from pathlib import Path

CHAINS, DRAWS, ARTISTS, COLUMNS = 4, 401, 300, 3


def posterior(seed: int = 1, correlation: float = 0.0) -> Coefficients:
    generator = np.random.default_rng(seed)
    noise = lfilter([np.sqrt(1 - correlation**2)], [1, -correlation], generator.normal(size=(2, CHAINS, DRAWS)))
    sigma, tau = np.exp(np.log([[10], [8]]) + 0.1 * noise.reshape(2, -1))
    return Coefficients(CHAINS, generator.normal([1, 2, -1], 0.5, (CHAINS * DRAWS, COLUMNS)), sigma, tau)


def seen(seed: int = 2, artists: int = ARTISTS) -> tuple[list[str], np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    counts = generator.geometric(0.2, artists).astype(np.float64)
    means = np.column_stack([np.ones(artists), generator.normal(size=(artists, COLUMNS))])
    return [f"artist {place}" for place in range(artists)], counts, means


def series(coefficients: Coefficients, counts: np.ndarray, means: np.ndarray) -> dict[str, np.ndarray]:
    """Return the conditional means of levels and effects, one by one as the model says; shape (J, S)."""
    expected = means[:, :-1] @ coefficients.theta.T
    weight = coefficients.tau**2 / (coefficients.tau**2 + coefficients.sigma**2 / counts[:, None])
    effect = weight * (means[:, -1:] - expected)
    return {"level": expected + effect, "effect": effect}


def test_artists_are_measured_as_any_scalar() -> None:
    coefficients, (names, counts, means) = posterior(correlation=0.5), seen()
    found = measure_artists(coefficients, [(names, counts, means)], 1.645)
    assert found.names == names
    weight = coefficients.tau**2 / (coefficients.tau**2 + coefficients.sigma**2 / counts[:, None])
    within = (coefficients.tau**2 * (1 - weight)).mean(axis=1)
    for kind, c in series(coefficients, counts, means).items():
        columns = found.columns[kind]
        one_by_one = convergence(c.reshape(ARTISTS, CHAINS, DRAWS), 0.9)
        assert found.means[kind] == pytest.approx(one_by_one["mean"], abs=0.02)  # the middle draw is left out
        assert columns["sd"] == pytest.approx(np.sqrt(c.var(axis=1) + within), rel=1e-3)
        assert columns["mcse_mean"] == pytest.approx(one_by_one["mcse_mean"], rel=0.02)
        chosen = found.in_full[kind]  # two draws beside a median are one fold or two, as rounding has it
        assert 100 <= len(chosen) <= 200
        assert (columns["rhat"][chosen] >= one_by_one["rhat"][chosen] - 1e-4).all()
        assert (columns["ess_bulk"][chosen] <= one_by_one["ess_bulk"][chosen] + 1).all()
        # Ranks and values tell nearly the same of the others.
        assert columns["rhat"] == pytest.approx(one_by_one["rhat"], abs=0.01)


def test_ends_have_the_error_that_other_posteriors_show() -> None:
    # Ends of five artists in 100 posteriors: each sd is known to 7 %, and the error is an upper bound (of the
    # mean's and the sd's together) that is less than twice as large. The seeds are fixed.
    names, counts, means = seen(artists=5)
    ends, errors = [], []
    for seed in range(100):
        found = measure_artists(posterior(seed, 0.5), [(names, counts, means)], 1.645)
        columns = found.columns["level"]
        ends.append(found.means["level"] + 1.645 * columns["sd"])
        errors.append(columns["mcse_high"])
    actual, told = np.std(ends, axis=0), np.mean(errors, axis=0)
    assert (told > 0.8 * actual).all()
    assert (told < 2 * actual).all()


def test_it_does_not_matter_how_artists_come() -> None:
    coefficients, (names, counts, means) = posterior(), seen()
    whole = measure_artists(coefficients, [(names, counts, means)], 1.645)
    parts = [
        (names[start : start + 7], counts[start : start + 7], means[start : start + 7])
        for start in range(0, ARTISTS, 7)
    ]
    by_parts = measure_artists(coefficients, parts, 1.645)
    assert by_parts.names == whole.names
    for kind, columns in whole.columns.items():
        for name, column in columns.items():
            assert by_parts.columns[kind][name] == pytest.approx(column, rel=1e-3)


def test_chains_apart_in_one_coefficient_are_seen_in_artists_without_draws() -> None:
    coefficients, (names, counts, means) = posterior(), seen()
    coefficients.theta[:DRAWS, 2] += 2
    found = measure_artists(coefficients, [(names, counts, means)], 1.645)
    verdict = judge(Diagnostics(chains=CHAINS, draws=DRAWS, artists=found), GateParameters())
    assert verdict.artists == ARTISTS
    assert verdict.quantities > ARTISTS
    assert verdict.worst["max_rhat"].startswith(("level[artist", "effect[artist"))
    assert not verdict.passed
    # However many there are, a verdict lists some tens of each.
    assert len(verdict.shortfalls) < 600 < verdict.fell_short["max_rhat"] + ARTISTS


def test_without_differing_artists_there_are_no_effects() -> None:
    coefficients, given = posterior(), seen()
    complete = Coefficients(CHAINS, coefficients.theta, coefficients.sigma, np.zeros(CHAINS * DRAWS))
    found = measure_artists(complete, [given], 1.645)
    assert set(found.columns) == {"level"}
    assert np.isfinite(found.columns["level"]["rhat"]).all()


def test_a_draw_that_is_no_number_reaches_every_artist() -> None:
    coefficients = posterior()
    coefficients.sigma[3] = np.nan
    found = measure_artists(coefficients, [seen()], 1.645)
    assert np.isnan(found.columns["level"]["rhat"]).all()


@pytest.fixture
def measured() -> ArtistDiagnostics:
    return measure_artists(posterior(), [seen()], 1.645)


def table_of(found: ArtistDiagnostics) -> pa.Table:
    level, effect = found.columns["level"], found.columns["effect"]
    columns = {"mean": found.means["level"], "sd": level["sd"]}
    columns |= {"effect_mean": found.means["effect"], "effect_sd": effect["sd"]}
    return pa.table({"artist": found.names, **columns})


def test_a_table_that_follows_from_the_draws_agrees_in_any_order(measured: ArtistDiagnostics, tmp_path: Path) -> None:
    table = table_of(measured).take(np.random.default_rng(1).permutation(ARTISTS))
    pq.write_table(table, tmp_path / "artists.parquet")
    assert disagreements(tmp_path / "artists.parquet", measured) == []


@pytest.mark.parametrize(
    ("column", "change", "said"),
    [
        ("mean", lambda x: x + 1, "mean of 300 artists"),
        ("sd", lambda x: 2 * x, "sd of 300 artists"),
        ("effect_mean", lambda x: np.where(np.arange(len(x)) == 4, np.nan, x), "effect_mean of 1 artists"),
        ("artist", lambda x: np.array([*x[1:], "somebody else"]), "not the same"),
        ("sd", None, "sd"),
    ],
)
def test_a_table_of_other_draws_is_told(
    measured: ArtistDiagnostics, tmp_path: Path, column: str, change: object, said: str
) -> None:
    table = table_of(measured)
    place = table.column_names.index(column)
    if callable(change):
        values = np.array(table[column].to_pylist())
        table = table.set_column(place, column, pa.array(change(values)))
    else:
        table = table.drop_columns([column])
    pq.write_table(table, tmp_path / "artists.parquet")
    found = disagreements(tmp_path / "artists.parquet", measured)
    assert len(found) == 1
    assert said in found[0]
    (tmp_path / "artists.parquet").write_bytes(b"PAR1 and no more")
    assert "cannot be read" in disagreements(tmp_path / "artists.parquet", measured)[0]
