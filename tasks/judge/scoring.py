"""Scores of models on the same tracks, and how sure the difference between two is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.evaluation import Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from schemas.evaluation import Kind, Pooling
    from tasks.judge.predicting import Judged

    Floats = NDArray[np.float64]

_FEWEST_ARTISTS = 2


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


def standard_error(values: Floats, artist: NDArray[np.int64]) -> float | None:
    """Return the standard error of a sum over tracks of which those of one artist are not independent.

    Around the mean over tracks, deviations are added up by artist. Where each artist has a single track, it is
    sqrt(n) times their standard deviation (the estimator of Vehtari, Gelman and Gabry 2017, Statistics and Computing
    27, section 5.1); else it is that of Liang and Zeger (1986), Biometrika 73(1), for clusters.

    Parameters
    ----------
    values : ndarray, shape (n,)
    artist : ndarray of int, shape (n,)

    Returns
    -------
    float or None
        None with a single artist.
    """
    _, position = np.unique(artist, return_inverse=True)
    count = int(position.max()) + 1 if len(position) else 0
    if count < _FEWEST_ARTISTS:
        return None
    totals = np.bincount(position, weights=values - values.mean())
    return math.sqrt(count / (count - 1) * float(totals @ totals))


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
