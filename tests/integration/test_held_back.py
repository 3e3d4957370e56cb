"""A refit that predicts worse than what readers have is published, and readers keep what they have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from schemas.parameters import GroupParameters, IngestParameters, PublishParameters, SampleParameters
from schemas.publication import Manifest, Publication

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Corpus = Sequence[tuple[str, str, float]]

pytestmark = pytest.mark.usefixtures("prefect_server")


def drawn(what: str) -> Corpus:
    """Return tracks of artists whose levels stay what they are."""
    levels = np.random.default_rng(3).normal(50, 15, 40)
    generator = np.random.default_rng(list(what.encode()))
    return [
        (
            f"{what}{number}",
            f"artist {number % 40}",
            float(np.clip(levels[number % 40] + generator.normal(0, 12), 0, 100)),
        )
        for number in range(360)
    ]


def refit(corpus: Path, to: Path, pooling: str, promote: str = "not_worse") -> tuple[Publication, Manifest]:
    from flows.refit import refit

    made = refit(
        [str(corpus)],
        name="weekly",
        to=str(to),
        ingestion=IngestParameters(repeats="keep"),
        grouping=GroupParameters(features="none", genres="none"),
        sampling=SampleParameters.model_validate({"draws": 600, "tune": 300, "pooling": pooling}),
        publishing=PublishParameters.model_validate({"figures": False, "promote": promote}),
    )
    assert isinstance(made, Publication)
    return made, Manifest.model_validate_json((Path(made.path) / "manifest.json").read_text(encoding="utf-8"))


def test_a_poorer_model_does_not_reach_readers_unless_they_are_told(
    write_corpus: Callable[[str, Corpus], Path], tmp_path: Path
) -> None:
    to, current = tmp_path / "to", tmp_path / "to" / "weekly" / "current"
    tracks = drawn("first")
    corpus = write_corpus("tracks.csv", tracks)
    first, manifest = refit(corpus, to, "partial")
    assert manifest.comparison.note == "nothing was current"

    pooled, manifest = refit(corpus, to, "complete")
    assert manifest.comparison.version == first.version
    assert manifest.comparison.tracks == len(tracks)
    assert manifest.comparison.clearly_worse
    assert "ELPD" in pooled.held_back
    assert current.resolve() == Path(first.path).resolve()
    assert Path(pooled.path, "artists.parquet").exists()

    # A year later: other tracks of the same artists, which the current posterior has never seen.
    fresh, manifest = refit(write_corpus("later.csv", drawn("later")), to, "partial")
    assert manifest.comparison.version == first.version
    assert not fresh.held_back
    assert current.resolve() == Path(fresh.path).resolve()

    told, manifest = refit(corpus, to, "complete", promote="always")
    assert manifest.comparison.clearly_worse or told.version == pooled.version
    assert current.resolve() == Path(told.path).resolve()
