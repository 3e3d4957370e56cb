"""The ladder: how a posterior that fell short is sampled again.

What is changed follows from what fell short, and nothing is left to chance: the seed stays, so that a rung is no second
throw of the same dice. docs/gate.md states the rules.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from schemas.verdict import Attempt, Rung
from tasks.gate.wording import printable, summary, worst_of

if TYPE_CHECKING:
    from schemas.parameters import SampleParameters
    from schemas.verdict import Verdict

# Nothing that more or better draws would mend.
_HOPELESS = frozenset({"missing", "chains", "alike", "not finite", "table", "model"})
_TUNING = frozenset({"max_rhat", "divergences", "treedepth_share", "min_bfmi", "stuck", "longest_stay"})
_STEPS = frozenset({"divergences", "stuck", "longest_stay"})
_DRAWS = frozenset({"max_rhat", "min_ess_bulk", "min_ess_tail", "max_mcse_mean", "max_mcse_end"})
_GEOMETRY = frozenset({"max_rhat", "divergences", "treedepth_share", "min_bfmi", "stuck", "longest_stay"})
_LEAST, _MOST_TUNING, _MOST_DRAWS = 1000, 10_000, 10_000
_LARGEST_FACTOR, _SPARE = 10.0, 1.25
_HIGHEST_ACCEPTANCE = 0.99
_SECOND = 2
_OTHER = {"auto": "non_centred", "centred": "non_centred", "non_centred": "centred"}


def next_rung(
    asked: SampleParameters, tried: SampleParameters, verdict: Verdict
) -> tuple[SampleParameters, Rung] | None:
    """Return what to sample with next, and why.

    Parameters
    ----------
    asked, tried : SampleParameters
        As the run was asked, and as the posterior was drawn that the verdict is on.
    verdict : Verdict
        One that did not pass.

    Returns
    -------
    tuple of SampleParameters and Rung, or None
        None where sampling again would not mend it.
    """
    short = set(verdict.fell_short)
    if short & _HOPELESS:
        return None
    number = verdict.rung + 1
    changes: dict[str, int | float | str] = {}
    if short & _TUNING:
        changes["tune"] = _at_most(2 * tried.tune, tried.tune, _MOST_TUNING)
    if short & _STEPS:
        # Half way to 1: 0.8, 0.9, 0.95, ...
        halved = round(1 - (1 - tried.target_accept) / 2, 4)
        changes["target_accept"] = max(min(halved, _HIGHEST_ACCEPTANCE), tried.target_accept)
    if short & _DRAWS:
        changes["draws"] = _at_most(tried.draws * _factor(verdict), tried.draws, _MOST_DRAWS)
    if tried.row_by_row and short & _GEOMETRY and number >= _SECOND:
        changes["parametrisation"] = _OTHER[tried.parametrisation]
    changes = {name: value for name, value in changes.items() if getattr(tried, name) != value}
    if not changes:
        return None
    following = tried.model_copy(update=changes)
    told = ", ".join(f"{_WORDS[name]} {getattr(tried, name)} -> {value}" for name, value in changes.items())
    name, sentences = worst_of(verdict)
    rung = Rung(
        number=number,
        why=f"{printable(name)} fell short: {', '.join(sentences)}; so {told}",
        changes={name: getattr(following, name) for name in _WORDS if getattr(following, name) != getattr(asked, name)},
        earlier=(*verdict.earlier, attempt(verdict)),
    )
    return following, rung


_WORDS = {
    "tune": "tuning steps",
    "draws": "draws",
    "target_accept": "target acceptance",
    "parametrisation": "parametrisation",
}


def attempt(verdict: Verdict) -> Attempt:
    """Return what is kept of a posterior that fell short."""
    return Attempt(
        rung=verdict.rung,
        why=verdict.why,
        changes=verdict.changes,
        quantities=verdict.quantities,
        summary=summary(verdict),
    )


def _at_most(wanted: float, now: int, most: int) -> int:
    """Round up to hundreds; at least `_LEAST`, at most `most`, and never less than there is."""
    rounded = math.ceil(wanted / 100) * 100
    return max(min(max(rounded, _LEAST), most), now)


def _factor(verdict: Verdict) -> float:
    """Return how many times the draws would do at the same efficiency, with a quarter to spare; 2 to 10.

    An effective sample size grows with the draws, a Monte Carlo error falls with their root.
    """
    factors = [2.0]
    for check in ("min_ess_bulk", "min_ess_tail", "max_mcse_mean", "max_mcse_end"):
        value, threshold = verdict.measured.get(check), verdict.thresholds[check]
        if not verdict.fell_short.get(check):
            continue
        if not value:
            factors.append(_LARGEST_FACTOR)
        elif check.startswith("min"):
            factors.append(_SPARE * threshold / value)
        else:
            factors.append(_SPARE * (value / threshold) ** 2)
    return min(max(factors), _LARGEST_FACTOR)
