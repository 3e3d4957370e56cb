"""How much of a prior is left in its posterior: too much, and the data said little; none, and they disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from schemas.priors import parse_prior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.priors import Prior
    from tasks.gate.corpus import Corpus

    Floats = NDArray[np.float64]

_BINS = 20


class Overlap(NamedTuple):
    """A parameter, how much its posterior overlaps with its prior (0 to 1), and where in the prior its median lies."""

    parameter: str
    overlap: float
    median: float


def overlaps(corpus: Corpus) -> list[Overlap]:
    """Hold the posterior of mu and of each scale against its prior.

    Draws go through the distribution function of their prior: were the posterior the prior, what comes out would be
    uniform. The overlap is the area that the two densities share (Garrett and Zeger 2000, Latent class model
    diagnosis, Biometrics 56), here of a histogram of 20 bins and of the uniform density.

    Parameters
    ----------
    corpus : Corpus

    Returns
    -------
    list of Overlap
        Of the parameters that have a prior, in the order of the model.
    """
    sigma = corpus.coefficients.sigma
    draws = {
        "mu": corpus.coefficients.theta[:, 0] + corpus.design.popularity_mean,
        "sigma": sigma,
        "tau": corpus.coefficients.tau,
        **corpus.scales,
    }
    found = []
    for name, text in corpus.report.priors.items():
        try:
            prior = parse_prior(text)
        except ValueError:  # fixed, and no prior
            continue
        if name not in draws:
            continue
        values = draws[name].reshape(len(sigma), -1)
        labels = corpus.design.blocks() if values.shape[1] > 1 or name in {"tau_block", "tau_slope"} else ("",)
        for place, label in enumerate(labels):
            column = values[:, place] / sigma if prior.relative else values[:, place]
            told = probability_below(prior, column)
            shares = np.histogram(told, _BINS, (0, 1))[0] / len(told)
            overlap = float(np.minimum(shares, 1 / _BINS).sum())
            found.append(Overlap(f"{name}[{label}]" if label else name, overlap, float(np.median(told))))
    return found


def probability_below(prior: Prior, value: Floats) -> Floats:
    """Return the distribution function of a prior."""
    from scipy.special import gammainc, ndtr, stdtr

    first, *rest = prior.arguments
    with np.errstate(all="ignore"):
        match prior.family:
            case "normal":
                told = ndtr((value - first) / rest[0])
            case "exponential":
                told = -np.expm1(-first * value)
            case "half_normal":
                told = 2 * ndtr(value / first) - 1
            case "half_cauchy":
                told = 2 * np.arctan(value / first) / np.pi
            case "half_student_t":
                told = 2 * stdtr(first, value / rest[0]) - 1
            case "gamma":
                told = gammainc(first, rest[0] * value)
            case _:
                told = ndtr((np.log(value) - first) / rest[0])
    found: Floats = np.asarray(told, dtype=np.float64)
    return found
