"""From measurements to a verdict, and from a verdict to words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from schemas.reports import Shortfall, Verdict

if TYPE_CHECKING:
    from schemas.parameters import GateParameters
    from tasks.gate.diagnostics import Diagnostics

_SHOWN = 5
# What each check is called in a sentence, and whether large values are the bad ones.
CHECKS = {
    "max_rhat": ("R-hat", True),
    "min_ess_bulk": ("bulk ESS", False),
    "min_ess_tail": ("tail ESS", False),
    "divergences": ("divergences", True),
    "min_bfmi": ("BFMI", False),
    "treedepth_share": ("share of draws at maximal tree depth", True),
}
_COLUMN_OF = {"max_rhat": "rhat", "min_ess_bulk": "ess_bulk", "min_ess_tail": "ess_tail"}


def judge(measured: Diagnostics, parameters: GateParameters, *, fixed: frozenset[str] = frozenset()) -> Verdict:
    """Hold measurements against thresholds.

    Parameters
    ----------
    measured : Diagnostics
    parameters : GateParameters
    fixed : frozenset of str
        Scalars that the model itself holds constant. Any other that never moves falls short.

    Returns
    -------
    Verdict
        Passed only if everything that should be there is there, is a number and reaches its threshold.
    """
    least = parameters.min_ess_per_chain * max(measured.chains, 1)
    thresholds = {
        "max_rhat": parameters.max_rhat,
        "min_ess_bulk": least,
        "min_ess_tail": least,
        "divergences": float(parameters.max_divergences),
        "min_bfmi": parameters.min_bfmi,
        "treedepth_share": parameters.max_treedepth_share,
    }
    shortfalls = [
        Shortfall(check="missing", parameter=name, value=None, threshold=0, sentence="is missing")
        for name in measured.missing
    ]
    if measured.chains < parameters.min_chains:
        shortfalls.append(
            Shortfall(
                check="chains",
                parameter="chains",
                value=measured.chains,
                threshold=parameters.min_chains,
                sentence=f"{measured.chains} (at least {parameters.min_chains}, to compare)",
            )
        )
    shortfalls += [
        Shortfall(check="not finite", parameter=name, value=None, threshold=0, sentence="has draws that are not finite")
        for name in measured.not_finite
    ]
    shortfalls += [
        Shortfall(check="stuck", parameter=name, value=None, threshold=0, sentence="never moves")
        for name in measured.constants
        if name not in fixed
    ]
    for check, column in _COLUMN_OF.items():
        values = measured.columns.get(column, np.empty(0))
        shortfalls += _short(check, measured.names, values, thresholds[check])
    whole = {
        "divergences": measured.divergences,
        "min_bfmi": measured.bfmi,
        "treedepth_share": measured.treedepth_share,
    }
    for check, value in whole.items():
        shortfalls += _short(check, ["the sampler"], np.array([value]), thresholds[check])
    worst: dict[str, float | None] = {
        check: _worst(measured.columns.get(column, np.empty(0)), largest=CHECKS[check][1])
        for check, column in _COLUMN_OF.items()
    }
    worst |= {check: value if math.isfinite(value) else None for check, value in whole.items()}
    if not measured.names:
        shortfalls.append(
            Shortfall(check="missing", parameter="posterior", value=None, threshold=1, sentence="nothing was measured")
        )
    return Verdict(
        passed=not shortfalls,
        chains=measured.chains,
        draws=measured.draws,
        parameters=len(measured.names),
        constants=tuple(name for name in measured.constants if name in fixed),
        measured=worst,
        thresholds=thresholds,
        shortfalls=tuple(shortfalls),
        advice=_advice({shortfall.check for shortfall in shortfalls}),
    )


def _short(
    check: str, names: list[str], values: np.ndarray[tuple[int], np.dtype[np.float64]], threshold: float
) -> list[Shortfall]:
    """Return what falls short of a threshold, the worst first."""
    word, large_is_bad = CHECKS[check]
    badness = np.where(np.isfinite(values), values if large_is_bad else -values, np.inf)
    limit = threshold if large_is_bad else -threshold
    return [
        Shortfall(
            check=check,
            parameter=names[position],
            value=float(values[position]) if math.isfinite(values[position]) else None,
            threshold=threshold,
            sentence=_sentence(word, float(values[position]), threshold, large_is_bad=large_is_bad),
        )
        for position in np.argsort(-badness, kind="stable")
        if badness[position] > limit
    ]


def _sentence(word: str, value: float, threshold: float, *, large_is_bad: bool) -> str:
    bound = "at most" if large_is_bad else "at least"
    shown = f"{value:.5g}" if math.isfinite(value) else "not a number"
    return f"{word} {shown} ({bound} {threshold:g})"


def _worst(values: np.ndarray[tuple[int], np.dtype[np.float64]], *, largest: bool) -> float | None:
    if not len(values) or not np.isfinite(values).all():
        return None
    return float(values.max() if largest else values.min())


def _advice(checks: set[str]) -> str:
    advice = []
    if checks & {"max_rhat", "min_ess_bulk", "min_ess_tail", "min_bfmi", "stuck", "not finite"}:
        advice.append("sample longer (--tune and --draws of 1000 or more)")
    if checks & {"divergences", "treedepth_share"}:
        advice.append("let NUTS tune longer and take other steps (--tune 2000 --target-accept 0.95)")
    if "chains" in checks:
        advice.append("run more chains (--chains 4)")
    if "missing" in checks:
        advice.append("look for what removed parts of posterior.nc")
    return "; ".join(advice)


def explain(verdict: Verdict) -> str:
    """Say in a few lines which parameters fell short, and why.

    Parameters
    ----------
    verdict : Verdict
        One that did not pass.

    Returns
    -------
    str
        A line a parameter, the worst first, at most five; then what to try.
    """
    by_parameter: dict[str, list[str]] = {}
    for shortfall in verdict.shortfalls:
        by_parameter.setdefault(shortfall.parameter, []).append(shortfall.sentence)
    plain = {one.parameter for one in verdict.shortfalls if one.check in {"missing", "chains", "stuck", "not finite"}}
    # What is plainly wrong first; then scales and coefficients, which tell more than one artist among thousands.
    order = sorted(
        by_parameter,
        key=lambda name: (name not in plain, name.startswith("artist_effect["), -len(by_parameter[name])),
    )
    lines = [f"  {name}: {', '.join(by_parameter[name])}" for name in order[:_SHOWN]]
    if len(order) > _SHOWN:
        lines.append(f"  and {len(order) - _SHOWN:,} more")
    lines.append(f"  try this: {verdict.advice}")
    return "\n".join(lines)


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
        value = verdict.measured[check]
        return "not a number" if value is None else format(value, form)

    return (
        f"{'passed' if verdict.passed else 'FAILED'}: {verdict.parameters:,} parameters, "
        f"{verdict.chains} chains of {verdict.draws:,} draws; largest R-hat {shown('max_rhat', '.4f')}, "
        f"smallest ESS {shown('min_ess_bulk', ',.0f')} (bulk) and {shown('min_ess_tail', ',.0f')} (tail), "
        f"{shown('divergences', '.0f')} divergences, BFMI {shown('min_bfmi', '.2f')}"
    )
