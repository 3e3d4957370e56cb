"""A small part of `make calibrate`: 30 corpora of the default model, and the command itself.

All quantities and intervals together are accused by chance in one of a hundred runs of other seeds; the seeds are
fixed, so it is none or always. So few corpora show gross faults alone: `test_mutants` says what it takes to see small
ones.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from prior_corpora import draw_corpus, draw_scale
from ranking import rank_corpus
from telling import ALARM, summary
from variants import VARIANTS

if TYPE_CHECKING:
    from pathlib import Path

CORPORA = 30
FEW = {"chains": 2, "tune": 100}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Return what 30 corpora say of the default model."""
    folder = tmp_path_factory.mktemp("calibration")
    records = []
    for number in range(CORPORA):
        (folder / str(number)).mkdir()
        records.append(rank_corpus(VARIANTS["partial"], number, folder / str(number), **FEW).plain())
    return summary(records)


def test_what_corpora_came_from_ranks_evenly(found: dict) -> None:
    surprising = {name: one for name, one in found["quantities"].items() if one["adjusted"] <= ALARM}
    assert surprising == {}
    assert {"mu", "sigma", "tau", "tau_genre", "beta[energy]", "genre_effect[jazz]", "log likelihood"} <= set(
        found["quantities"]
    )


def test_intervals_hold_what_they_say(found: dict) -> None:
    assert found["calibrated"]
    # The table's intervals are normals, and so not exact; with 30 corpora they cannot be told from those that are.
    for kind, levels in found["covered"].items():
        for level, one in levels.items():
            assert abs(one["share"] - float(level)) < 4.5 * one["error"], (kind, level)


def test_a_number_gives_one_corpus() -> None:
    one, again, other = (draw_corpus(VARIANTS["partial"], number) for number in (4, 4, 5))
    assert one.tracks == again.tracks
    assert one.tracks != other.tracks


def test_one_layout_has_one_layout() -> None:
    one, other = (draw_corpus(VARIANTS["student_t"], number) for number in (4, 5))
    assert (one.z == other.z).all()
    assert (one.layout.artist == other.layout.artist).all()
    assert (one.popularity != other.popularity).all()


@pytest.mark.parametrize(
    ("prior", "mean"),
    [
        ("exponential(0.05)", 20),
        ("half_normal(10)", 10 * np.sqrt(2 / np.pi)),
        ("half_student_t(4, 5)", 5.0),
        ("gamma(2, 0.1)", 20),
        ("lognormal(2.5, 0.4)", np.exp(2.58)),
    ],
)
def test_priors_are_drawn_from(prior: str, mean: float) -> None:
    # 20,000 draws; five tests within 4.5 standard errors.
    generator = np.random.default_rng(6)
    drawn = np.array([draw_scale(prior, generator) for _ in range(20_000)])
    assert abs(drawn.mean() - mean) < 4.5 * drawn.std() / np.sqrt(len(drawn))


def test_the_defaults_are_those_of_the_engine_at_twenty_points() -> None:
    from variants import DEFAULTS, FEATURES

    from schemas.priors import Priors
    from schemas.reports import Design, DesignColumn
    from tasks.sample.scales import resolved

    columns = tuple(DesignColumn(name=name, kind="feature", block=block) for name, block in FEATURES.items())
    design = Design(columns=columns, observations=9, artists=2, popularity_mean=50, popularity_sd=20)
    assert {name: str(prior) for name, prior in resolved(Priors(), design).items()} == DEFAULTS


def test_a_run_that_was_cut_off_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from calibrate import begin

    path, done = begin("partial", tmp_path, fresh=False)
    assert done == []
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"number": 3}) + "\n" + '{"numb')
    assert begin("partial", tmp_path, fresh=False) == (path, [{"number": 3}])
    assert begin("partial", tmp_path, fresh=True)[1] == []
    path.write_text('{"variant": "partial", "fingerprint": "other code"}\n{"number": 3}\n', encoding="utf-8")
    assert begin("partial", tmp_path, fresh=False)[1] == []
    assert "beginning anew" in capsys.readouterr().err
