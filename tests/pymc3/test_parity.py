"""PyMC3, PyMC 6 and the sums have one posterior.

Every mean and every sd, of every parameter, within some standard errors of the difference, three pairs of engines.
Normal errors are beyond 5.5 of them once in 26 million, so that a false alarm comes once in this many runs of other
seeds: 90,000 with the book's corpus (47 scalars, 282 comparisons), 8,000 with the committed one (some 530, 3,200),
110,000 with the simulated one, where the sums do not reach and one pair is compared. The seeds are fixed.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from agreement import beyond, furthest, sampled
from conftest import grouped
from simulated_rows import simulate, write_grouped

from schemas.parameters import SampleParameters
from schemas.reports import SamplingReport

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.pymc3

ERRORS = 5.5
# The least effective draws of any artist's effect, of all engines.
LEAST_ESS = 1000


def compare(source: Path, folder: Path, engines: tuple[str, ...], **common: Any) -> None:
    """Hold the engines against each other, parameter by parameter and artist by artist."""
    found = {}
    for engine in engines:
        parameters = SampleParameters.model_validate({"tune": 1000, **common, "engine": engine})
        found[engine] = sampled(source, folder / engine, parameters)
    for one, other in itertools.combinations(engines, 2):
        (ours, our_artists), (theirs, their_artists) = found[one], found[other]
        assert set(ours.data_vars) == set(theirs.data_vars)
        assert beyond(furthest(ours, theirs), ERRORS) == {}, (one, other)
        assert list(our_artists["artist"]) == list(their_artists["artist"])
        sd = their_artists["sd"]
        error = np.sqrt(2 / LEAST_ESS)
        assert (np.abs(our_artists["mean"] - their_artists["mean"]) / (sd * error)).max() < ERRORS
        assert (np.abs(our_artists["sd"] / sd - 1) / (error / 2**0.5)).max() < ERRORS


@pytest.mark.usefixtures("room")
@pytest.mark.timeout(1200)
def test_on_the_book_all_engines_agree(grouped_book: Path, tmp_path: Path) -> None:
    compare(grouped_book, tmp_path, ("pymc3", "rows", "collapsed"), draws=2000)
    text = (tmp_path / "pymc3" / "sampling.json").read_text(encoding="utf-8")
    report = SamplingReport.model_validate_json(text)
    assert report.engine == report.sampler == "pymc3"
    assert report.versions["pymc3"] == "3.11.6"
    assert report.versions["theano-pymc"] == "1.1.2"
    assert report.versions["python"].startswith(("3.9.", "3.8."))
    assert report.versions["numpy"].startswith("1.22.")


@pytest.mark.slow
@pytest.mark.usefixtures("room")
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore:.*Cannot cache compiled function")  # its rows are too many for numba's cache
def test_on_the_committed_corpus_all_engines_agree(sample_corpus: Path, tmp_path: Path) -> None:
    compare(grouped(sample_corpus, tmp_path), tmp_path, ("pymc3", "rows", "collapsed"), draws=1000)


@pytest.mark.slow
@pytest.mark.usefixtures("room")
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore:.*Cannot cache compiled function")
def test_on_the_real_book_all_engines_agree(corpora: Path, tmp_path: Path) -> None:
    source = corpora / "bayesrules_spotify.csv"
    compare(grouped(source, tmp_path, repeats="keep"), tmp_path, ("pymc3", "rows", "collapsed"), draws=2000)


@pytest.mark.slow
@pytest.mark.usefixtures("room")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("pooling", ["partial", "complete"])
def test_with_tails_and_slopes_both_generations_agree(pooling: str, tmp_path: Path) -> None:
    write_grouped(simulate(5, 30, slopes=True), tmp_path / "grouped")
    options = {"likelihood": "student_t", "pooling": pooling, "target_accept": 0.95}
    compare(tmp_path / "grouped", tmp_path, ("pymc3", "rows"), draws=1500, **options)
