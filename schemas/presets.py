"""Priors that others have published for such data, named after where they come from.

A preset holds what its source says and no more; the rest stays ``auto``. Numbers are in points of popularity, whose
scale is the same in every corpus: no preset needs the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Preset:
    """Priors with a name and a source.

    Parameters
    ----------
    priors : mapping of str to str
        By parameter, the way `schemas.priors.parse_prior` reads and writes them.
    source : str
        Where they come from.
    why : str
        A sentence on what they mean, and what to know before using them.
    """

    priors: Mapping[str, str]
    source: str
    why: str


# The rate is -log(alpha) / U with P(sd > U) = alpha: U is 50, the largest sd that numbers from 0 to 100 can have, and
# alpha 0.01.
_PENALISED = "exponential(0.0921)"

PRESETS: dict[str, Preset] = {
    "bayes-rules": Preset(
        priors={"mu": "normal(50, 52)", "sigma": "exponential(0.048)", "tau": "exponential(1) relative to sigma"},
        source="Johnson, Ott and Dogucu (2022), Bayes Rules!, chapter 16, on 350 tracks of 44 artists",
        why="What the book's code does: its decov(1, 1, 1, 1) makes tau a multiple of sigma, where its text writes "
        "tau ~ Exp(1).",
    ),
    "gelman-2006": Preset(
        priors={"tau": "half_cauchy(25)"},
        source="Gelman (2006), Prior distributions for variance parameters in hierarchical models, Bayesian Analysis "
        "1(3), the 3-schools example",
        why="A scale a little above any sd one would expect between groups, and a tail that lets the data say "
        "otherwise; 25 is the article's, and about the sd of popularity, of which artists are a part.",
    ),
    "idsia": Preset(
        priors={"mu": "normal(50, 10)", "sigma": "half_normal(10)", "tau": "half_normal(15)"},
        source="a PyMC notebook of a course at IDSIA, Lugano, on the same 350 tracks",
        why="Informative: they know that popularity is a number from 0 to 100, and leave 5 % to a sigma above 20 "
        "points.",
    ),
    "rstanarm": Preset(
        priors={"tau": "exponential(1) relative to sigma"},
        source="rstanarm's stan_glmer with its default priors (those since July 2020), popularity ~ (1 | artist)",
        why="Its mu ~ normal(mean, 2.5 sd) and sigma ~ exponential(1 / sd) of the data are what auto is, and its "
        "decov(1, 1, 1, 1) makes tau a multiple of sigma.",
    ),
    "simpson-2017": Preset(
        priors={
            "sigma": _PENALISED,
            "tau": _PENALISED,
            "tau_genre": _PENALISED,
            "tau_block": _PENALISED,
            "tau_slope": _PENALISED,
        },
        source="Simpson, Rue, Riebler, Martins and Sørbye (2017), Penalising model component complexity, Statistical "
        "Science 32(1)",
        why="Exponential priors pull each sd towards the simpler model without it, with P(sd > U) = alpha: here "
        "P(sd > 50) = 0.01, for numbers from 0 to 100 have no larger sd.",
    ),
}


def is_preset(word: str) -> bool:
    """Return whether `word` names a preset, whatever its case, with dashes or underscores."""
    return _key(word) in PRESETS


def preset_named(word: str) -> Preset:
    """Return the preset of a name, whatever its case, with dashes or underscores.

    Raises
    ------
    InvalidParameter
        If there is none, with those there are.
    """
    if not is_preset(word):
        message = f"there is no preset {word!r}; there are {', '.join(PRESETS)}"
        raise InvalidParameter(message)
    return PRESETS[_key(word)]


def _key(word: str) -> str:
    return word.strip().lower().replace("_", "-")
