"""Scores of models on the same tracks, and how sure the difference between two is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.evaluation import Score
from tasks.predictive import standard_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from schemas.evaluation import Kind, Pooling
    from tasks.judge.predicting import Judged

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """One model and what it said of n tracks.

    Parameters
    ----------
    pooling : str
    features : bool
    judged : Judged
    y : ndarray, shape (n,)
        On the scale of ``judged.mean``.
    """

    pooling: Pooling
    features: bool
    judged: Judged
    y: Floats


def scored(kind: Kind, candidates: Sequence[Candidate], artist: NDArray[np.int64]) -> list[Score]:
    """Score models on the same n tracks.

    Parameters
    ----------
    kind : {"known", "new", "again"}
    candidates : sequence of Candidate
        The first is the reference.
    artist : ndarray of int, shape (n,)
        Whose tracks they are.

    Returns
    -------
    list of Score
        The highest ELPD first; empty without tracks.
    """
    if not len(artist):
        return []
    reference = candidates[0].judged.log_density
    artists = len(np.unique(artist))
    scores = []
    for candidate in candidates:
        judged = candidate.judged
        paired = judged.log_density - reference
        error = candidate.y - judged.mean
        off_centre = np.abs(judged.place - 0.5)
        scores.append(
            Score(
                judged=kind,
                pooling=candidate.pooling,
                features=candidate.features,
                tracks=len(artist),
                artists=artists,
                elpd=float(judged.log_density.sum()),
                elpd_se=standard_error(judged.log_density, artist),
                difference=float(paired.sum()),
                difference_se=standard_error(paired, artist),
                mae=float(np.abs(error).mean()),
                rmse=math.sqrt(float((error**2).mean())),
                inside_50=float((off_centre <= 0.25).mean()),  # noqa: PLR2004 - half of 50 %
                inside_90=float((off_centre <= 0.45).mean()),  # noqa: PLR2004 - half of 90 %
                effective_draws=None if judged.effective is None else float(judged.effective.min()),
            )
        )
    return sorted(scores, key=lambda score: -score.elpd)
