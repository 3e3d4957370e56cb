"""What an evaluation is made from and what it says."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from schemas.references import Reference

EVALUATIONS = "evaluations"
EVALUATION = "evaluation.json"

Pooling = Literal["partial", "none", "complete"]
# What is predicted: held-out tracks of known artists, tracks of held-out artists, each seen track from all others.
Kind = Literal["known", "new", "again"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Fit(_Model):
    """One fit to judge.

    Attributes
    ----------
    pooling : str
    features : bool
        Whether audio features are in it.
    grouped, sampled : Reference
        What `group` and `sample` made; the fits of one evaluation hold out the same tracks.
    """

    pooling: Pooling
    features: bool
    grouped: Reference
    sampled: Reference


class Score(_Model):
    """How well one model predicts tracks of one kind.

    Attributes
    ----------
    judged : str
        ``known``: held-out tracks of artists who have others in training; ``new``: tracks of artists who have none;
        ``again``: tracks in training whose artist has others there, each predicted from all the rest.
    pooling : str
    features : bool
    tracks, artists : int
    elpd, elpd_se : float
        Sum of the log predictive densities, in nats, and its standard error, tracks of an artist taken together; None
        with a single artist.
    difference, difference_se : float
        Of ``elpd`` to that of the reference on the same tracks; below 0 is worse. The standard error is of the paired
        difference.
    mae, rmse : float
        Mean absolute and root mean squared error of the predictive mean, in points.
    inside_50, inside_90 : float
        Share of tracks within the central 50 % and 90 % predictive intervals.
    effective_draws : float or None
        Of ``again``, the smallest effective number of draws of the scales that any track was judged by, of some 200 to
        4,000.
    """

    judged: Kind
    pooling: Pooling
    features: bool
    tracks: int
    artists: int
    elpd: float
    elpd_se: float | None
    difference: float
    difference_se: float | None
    mae: float
    rmse: float
    inside_50: float
    inside_90: float
    effective_draws: float | None = None


class Evaluation(_Model):
    """``evaluation.json``: how the models compare on one corpus.

    Attributes
    ----------
    key : str
        Hash of everything it was made from.
    sources : tuple of dict
        ``name`` and ``sha256`` of each file of the corpus.
    parameters : dict
        By step, as the run was given them.
    steps : dict of str to int
        The version of each step's code.
    tracks, artists : int
        In training: rows of the regression, and who they are by.
    held_out : int
        Rows that no fit saw.
    reference : str
        The model that `Score.difference` is to.
    scores : tuple of Score
        By kind; within one, the highest ELPD first.
    conclusions : tuple of str
        What they say, in sentences.
    files : dict of str to str
        The other files beside it, with their SHA-256.
    """

    key: str
    sources: tuple[dict[str, str], ...]
    parameters: dict[str, Any]
    steps: dict[str, int]
    tracks: int
    artists: int
    held_out: int
    reference: str
    scores: tuple[Score, ...]
    conclusions: tuple[str, ...]
    files: dict[str, str] = {}


class Evaluated(_Model):
    """A finished evaluation, as the flow returns it.

    Attributes
    ----------
    name, key : str
    path : str
        Its folder.
    new : bool
        False where it was there already.
    """

    name: str
    key: str
    path: str
    new: bool
