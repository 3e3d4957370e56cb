"""What the gate says: of one shortfall, of a posterior in a line, and of one that is not fit to publish in three."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.verdict import Shortfall, Verdict

_MOST_OF_ONE = 3
_LONGEST = 60


class Check(NamedTuple):
    """What a check is called in a sentence, which side it is bounded on, and how many digits tell."""

    word: str
    bound: str
    digits: str = ".5g"

    @property
    def large_is_bad(self) -> bool:
        """Whether large values are the bad ones."""
        return self.bound == "at most"


CHECKS = {
    "max_rhat": Check("R-hat", "at most"),
    "min_ess_bulk": Check("bulk ESS", "at least"),
    "min_ess_tail": Check("tail ESS", "at least"),
    "max_mcse_mean": Check("Monte Carlo error of the mean, in sds,", "at most", ".3g"),
    "max_mcse_end": Check("Monte Carlo error of an interval's end, in sds,", "at most", ".3g"),
    "longest_stay": Check("share of a chain that is one draw", "at most", ".3g"),
    "divergences": Check("divergences", "at most"),
    "min_bfmi": Check("BFMI", "at least", ".3g"),
    "treedepth_share": Check("share of draws at maximal tree depth", "at most", ".3g"),
}
# What is plainly wrong, and no matter of more draws.
PLAIN = ("missing", "chains", "alike", "not finite", "stuck", "table", "model")


def sentence(check: str, value: float, threshold: float) -> str:
    """Say what one value is and what it should be."""
    word, bound, digits = CHECKS[check]
    shown = format(value, digits) if math.isfinite(value) else "not a number"
    return f"{word} {shown} ({bound} {threshold:g})"


def advice_for(shortfalls: Iterable[Shortfall], chains: int, draws: int) -> str:
    """Say what to try, in a sentence; empty where nothing fell short."""
    by_check: dict[str, list[Shortfall]] = {}
    for shortfall in shortfalls:
        by_check.setdefault(shortfall.check, []).append(shortfall)
    advice = [said for checks, said in _ADVICE if by_check.keys() & checks]
    if not by_check.keys() & _TUNE:
        short = [one for check in ("min_ess_bulk", "min_ess_tail") for one in by_check.get(check, [])]
        if short or by_check.keys() & {"max_mcse_mean", "max_mcse_end"}:
            advice.append(f"sample longer (--draws {_draws(short, draws)})")
    if "chains" in by_check:
        advice.append(f"run more chains (--chains {max(4, 2 * chains)})")
    return "; ".join(advice)


_TUNE = {"max_rhat", "min_bfmi", "stuck", "longest_stay", "not finite"}
_ADVICE: tuple[tuple[set[str], str], ...] = (
    ({"missing"}, "look for what removed parts of posterior.nc, and refit with --force"),
    ({"table"}, "refit with --force, so that the table is made from these draws"),
    ({"alike"}, "have each chain draw with a stream of random numbers of its own"),
    (_TUNE, "tune and sample longer (--tune 1000 --draws 2000)"),
    (
        {"divergences", "treedepth_share"},
        "let NUTS tune longer and take smaller steps (--tune 2000 --target-accept 0.95)",
    ),
    ({"model"}, "see docs/gate.md for what a model check says, and how to have it warn instead"),
)


def _draws(short: list[Shortfall], draws: int) -> int:
    """Return how many draws a chain would reach the threshold, at the same efficiency and with a quarter to spare."""
    factor = max((1.25 * one.threshold / one.value if one.value else 4.0 for one in short), default=2.0)
    return _round_up(max(draws, 1) * min(max(factor, 2.0), 100.0))


def _round_up(draws: float) -> int:
    return max(math.ceil(draws / 500) * 500, 1000)


def counted(number: int, word: str) -> str:
    """Return a number with its word, in the plural where it takes one."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """Return text of strangers for one line of a terminal."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 3]}..."


def severity(shortfall: Shortfall) -> float:
    """Return how far from its threshold a quantity is: 1 is at it, and what could not be computed is furthest."""
    if shortfall.value is None or shortfall.check not in CHECKS:
        return math.inf
    if shortfall.check == "max_rhat":
        return (shortfall.value - 1) / (shortfall.threshold - 1)
    if CHECKS[shortfall.check].large_is_bad:
        return (shortfall.value + 1) / (shortfall.threshold + 1) if shortfall.threshold == 0 else _ratio(shortfall)
    return 1 / _ratio(shortfall) if shortfall.value > 0 else math.inf


def _ratio(shortfall: Shortfall) -> float:
    return (shortfall.value or 0.0) / shortfall.threshold if shortfall.threshold else math.inf


def in_order(verdict: Verdict) -> list[str]:
    """Return who fell short, the worst first.

    What is plainly wrong comes first; then scales and coefficients, which tell more than one artist among thousands.
    """
    by_parameter = _by_parameter(verdict)

    def order(name: str) -> tuple[bool, bool, float, int]:
        mine = by_parameter[name]
        of_artist = name.startswith(("artist_effect[", "level[", "effect["))
        plain = any(one.check in PLAIN for one in mine)
        return not plain, of_artist, -max(severity(one) for one in mine), -len(mine)

    return sorted(by_parameter, key=order)


def worst_of(verdict: Verdict) -> tuple[str, list[str]]:
    """Return who fell short worst, and the sentences on it, at most three."""
    name = in_order(verdict)[0]
    return name, [one.sentence for one in _by_parameter(verdict)[name][:_MOST_OF_ONE]]


def _by_parameter(verdict: Verdict) -> dict[str, list[Shortfall]]:
    by_parameter: dict[str, list[Shortfall]] = {}
    for shortfall in verdict.shortfalls:
        by_parameter.setdefault(shortfall.parameter, []).append(shortfall)
    return by_parameter


def explain(verdict: Verdict) -> str:
    """Say in two lines how many fell short and who worst, and what to do.

    Parameters
    ----------
    verdict : Verdict
        One that did not pass.
    """
    name, sentences = worst_of(verdict)
    many = f"{verdict.quantities:,} {'quantity' if verdict.quantities == 1 else 'quantities'} fell short"
    worst = "" if verdict.quantities == 1 else ", worst"
    return f"{many}{worst}: {printable(name)} {', '.join(map(_said, sentences))}\n  try this: {verdict.advice}"


def _said(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def summary(verdict: Verdict) -> str:
    """Say in one line what was measured.

    Parameters
    ----------
    verdict : Verdict

    Returns
    -------
    str
    """

    def shown(check: str, form: str) -> str:
        value = verdict.measured.get(check)
        return "not a number" if value is None else format(value, form)

    artists = f" and {counted(verdict.artists, 'artist')}" if verdict.artists else ""
    warned = len(verdict.warnings) if verdict.passed else 0
    return (
        f"{'passed' if verdict.passed else 'FAILED'}: {verdict.parameters:,} parameters{artists}, "
        f"{verdict.chains} chains of {verdict.draws:,} draws; largest R-hat {shown('max_rhat', '.4f')}, "
        f"smallest ESS {shown('min_ess_bulk', ',.0f')} (bulk) and {shown('min_ess_tail', ',.0f')} (tail), "
        f"{shown('divergences', '.0f')} divergences, BFMI {shown('min_bfmi', '.2f')}"
        + (f"; {warned} model check{'' if warned == 1 else 's'} warn{'s' if warned == 1 else ''}" if warned else "")
    )
