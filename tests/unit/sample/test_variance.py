"""Shares of the variance, against the rows."""

from __future__ import annotations

import numpy as np
import pytest
from small import Rows, make_rows

from schemas.parameters import SampleParameters
from tasks.group.sums import statistics_of, sums_of
from tasks.sample.grouped import Grouped
from tasks.sample.variance import share_draws, summaries

FEATURES, GENRES = 3, 2


def variance_shares(
    grouped: Grouped, draws: dict[str, np.ndarray], parameters: SampleParameters
) -> dict[str, dict[str, float]]:
    return summaries(share_draws(grouped, draws, parameters), parameters.interval)


@pytest.fixture
def plain() -> Rows:
    return make_rows(7)


def some_draws(slopes: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(1)
    draws = {
        "mu": generator.normal(50, 1, (2, 5)),
        "sigma": generator.uniform(8, 12, (2, 5)),
        "tau": generator.uniform(5, 9, (2, 5)),
        "beta": generator.normal(0, 2, (2, 5, FEATURES)),
        "genre_effect": generator.normal(0, 5, (2, 5, GENRES)),
        "artist_effect": generator.normal(0, 5, (2, 5, 4)),
    }
    return draws | ({"slope_deviation": generator.normal(0, 1, (2, 5, GENRES, FEATURES))} if slopes else {})


def test_shares_are_those_of_the_rows() -> None:
    sloped = make_rows(7, slopes=True)
    grouped, z = sloped.grouped, sloped.z
    draws = some_draws(slopes=1)
    shares = variance_shares(grouped, draws, SampleParameters())
    flat = {name: draw.reshape(-1, *draw.shape[2:]) for name, draw in draws.items()}
    theta = np.column_stack([flat["beta"], flat["genre_effect"], flat["slope_deviation"].reshape(10, -1)])
    columns = {
        "block: a": [0, 1],
        "block: b": [2],
        "genres": [3, 4],
        "slopes": [5, 6, 7, 8, 9, 10],
    }
    variances = {
        part: (z[:, np.array(chosen) + 1] @ theta[:, chosen].T).var(axis=0) for part, chosen in columns.items()
    }
    variances["shared"] = (z[:, 1:] @ theta.T).var(axis=0) - sum(variances.values())
    variances |= {"artists": flat["tau"] ** 2, "residual": flat["sigma"] ** 2}
    total = sum(variances.values())
    assert list(shares) == [*columns, "shared", "artists", "residual"]
    for part, variance in variances.items():
        expected = variance / total
        assert shares[part]["mean"] == pytest.approx(expected.mean())
        ends = [shares[part]["low"], shares[part]["high"]]
        assert ends == pytest.approx(np.quantile(expected, [0.05, 0.95]).tolist())
    assert sum(share["mean"] for share in shares.values()) == pytest.approx(1)


def test_parts_that_take_back_from_each_other_share_less_than_nothing(plain: Rows) -> None:
    # Genre effects that undo what a feature does between genres.
    z = plain.z.copy()
    z[:, 1] = z[:, 4] - z[:, 4].mean()
    names = np.array([f"{number:03d}" for number in plain.artist], dtype=object)
    statistics = statistics_of(sums_of(names, np.column_stack([z, plain.y])))
    grouped = Grouped(plain.grouped.design, statistics, plain.grouped.artists, plain.grouped.folder)
    draws = some_draws()
    draws["beta"] = np.broadcast_to([10.0, 0.0, 0.0], (2, 5, FEATURES))
    draws["genre_effect"] = np.broadcast_to([-10.0, 0.0], (2, 5, GENRES))
    shares = variance_shares(grouped, draws, SampleParameters())
    assert shares["block: a"]["mean"] == pytest.approx(shares["genres"]["mean"])
    assert shares["shared"]["mean"] == pytest.approx(-2 * shares["genres"]["mean"])


@pytest.mark.parametrize(("pooling", "parts"), [("complete", {"shared", "residual"}), ("none", set())])
def test_artists_have_a_share_only_where_their_spread_is_learned(plain: Rows, pooling: str, parts: set[str]) -> None:
    draws = {name: draw for name, draw in some_draws().items() if name != "tau" or pooling == "none"}
    shares = variance_shares(plain.grouped, draws, SampleParameters.model_validate({"pooling": pooling}))
    assert {part for part in shares if not part.startswith(("block", "genres"))} == parts


def test_student_errors_have_the_variance_they_have(plain: Rows) -> None:
    draws = some_draws()
    normal = variance_shares(plain.grouped, draws, SampleParameters())
    heavy = variance_shares(
        plain.grouped, draws | {"nu": np.full((2, 5), 4.0)}, SampleParameters(likelihood="student_t")
    )
    odds = [share["residual"]["mean"] / share["artists"]["mean"] for share in (normal, heavy)]
    assert odds[1] / odds[0] == pytest.approx(2, rel=0.1)  # 4 / (4 - 2)


def test_without_features_and_genres_there_are_artists_and_the_rest(plain: Rows) -> None:
    design = plain.grouped.design.model_copy(update={"columns": plain.grouped.design.columns[:1]})
    names = np.array([f"{number:03d}" for number in plain.artist], dtype=object)
    statistics = statistics_of(sums_of(names, np.column_stack([plain.z[:, :1], plain.y])))
    draws = {name: draw for name, draw in some_draws().items() if name in {"mu", "sigma", "tau"}}
    shares = variance_shares(Grouped(design, statistics, [], plain.grouped.folder), draws, SampleParameters())
    assert list(shares) == ["artists", "residual"]
