"""What the model says of the corpus it was fitted to, beside what the corpus is like: model checks.

Convergence says that the numbers are the model's; these say how far the model is the corpus's. docs/gate.md has what
each asks and why it warns or fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.verdict import ModelCheck
from tasks.gate.leaving_out import leave_out_artists
from tasks.gate.overlapping import overlaps
from tasks.gate.replicating import replicated

if TYPE_CHECKING:
    from schemas.parameters import GateParameters
    from tasks.gate.corpus import Corpus
    from tasks.gate.replicating import Replicated

# Of replicates: 98 % of them lie inside.
_INSIDE = (0.01, 0.5, 0.99)
# Of artists' means, where 90 % should lie inside.
_INTERVAL, _COVERED = 0.9, (0.85, 0.95)
_MOST_OUTSIDE, _MOST_OVERLAP = 0.1, 0.8
_FAR_OUT = 0.001
_MOST_K = 0.7
_REPLICATES = {
    "mean": ("mean popularity of tracks", "points"),
    "sd": ("sd of the popularity of tracks", "points"),
    "zeros": ("share of tracks with popularity 0", ""),
    "highest": ("highest mean of an artist", "points"),
    "lowest": ("lowest mean of an artist", "points"),
}
NAMES = ("mean", "sd", "zeros", "outside", "highest", "lowest", "coverage", "influence", "overlap", "conflict")


def model_checks(corpus: Corpus, parameters: GateParameters) -> tuple[ModelCheck, ...]:
    """Check the model, as far as the parameters ask for it.

    Parameters
    ----------
    corpus : Corpus
    parameters : GateParameters

    Returns
    -------
    tuple of ModelCheck
        In the order of `NAMES`; without those that are off, and those that cannot be made of such a fit.
    """
    actions = {name: str(getattr(parameters, f"check_{name}")) for name in NAMES}
    wanted = {name for name, action in actions.items() if action != "off"}
    found: dict[str, ModelCheck] = {}
    if wanted & {*_REPLICATES, "outside"}:
        told = replicated(corpus)
        for name, (quantity, unit) in _REPLICATES.items():
            if name in told and told[name].observed is not None:
                found[name] = _replicate(name, quantity, unit, told[name], actions[name])
        found["outside"] = _outside(told["outside"], actions["outside"])
    if wanted & {"coverage", "influence"} and corpus.normal and corpus.report.pooling != "none":
        found |= _left_out(corpus, actions)
    if wanted & {"overlap", "conflict"}:
        found |= _overlap(corpus, actions)
    return tuple(found[name] for name in NAMES if name in found and name in wanted)


def _replicate(name: str, quantity: str, unit: str, told: Replicated, action: str) -> ModelCheck:
    low, median, high = (float(value) for value in np.quantile(told.replicates, _INSIDE))
    observed = float("nan") if told.observed is None else told.observed
    # Where replicates are cut at 0 and 100, so is what was seen: the end itself is inside.
    passed = low <= observed <= high
    shown = [f"{value:.1f} {unit}" if unit else f"{value:.1%}" for value in (observed, low, high)]
    sentence = f"{quantity}: {shown[0]} in the corpus, {shown[1]} to {shown[2]} as the model has it"
    return _check(name, quantity, action, passed=passed, observed=observed, ends=(low, median, high), sentence=sentence)


def _outside(told: Replicated, action: str) -> ModelCheck:
    share = float(told.replicates.mean())
    quantity = "share of tracks that the model puts outside 0 to 100"
    ends = (0.0, None, _MOST_OUTSIDE)
    sentence = f"{quantity}: {share:.1%} (at most {_MOST_OUTSIDE:.0%})"
    return _check(
        "outside", quantity, action, passed=share <= _MOST_OUTSIDE, observed=share, ends=ends, sentence=sentence
    )


def _left_out(corpus: Corpus, actions: dict[str, str]) -> dict[str, ModelCheck]:
    left = leave_out_artists(corpus)
    if left is None:
        return {}
    inside = float((np.abs(left.place - 0.5) <= _INTERVAL / 2).mean())
    # Counting so many artists errs by itself: two standard errors are let pass on either side.
    error = 2 * float(np.sqrt(_INTERVAL * (1 - _INTERVAL) / len(left.place)))
    low, high = max(_COVERED[0] - error, 0.0), min(_COVERED[1] + error, 1.0)
    quantity = "share of artists inside the 90% interval that all others predict"
    coverage = _check(
        "coverage",
        quantity,
        actions["coverage"],
        passed=low <= inside <= high,
        observed=inside,
        ends=(low, _INTERVAL, high),
        sentence=f"{quantity}: {inside:.1%} of {len(left.place):,} ({low:.0%} to {high:.0%})",
    )
    most = min(1 - 1 / float(np.log10(max(left.draws, 20))), _MOST_K)
    quantity = "Pareto k of the artist that the scales hang on most"
    influence = _check(
        "influence",
        quantity,
        actions["influence"],
        passed=left.largest_k <= most,
        observed=left.largest_k,
        ends=(None, None, most),
        sentence=f"{quantity}: {left.largest_k:.2f} (at most {most:.2f})",
    )
    return {"coverage": coverage, "influence": influence}


def _overlap(corpus: Corpus, actions: dict[str, str]) -> dict[str, ModelCheck]:
    told = overlaps(corpus)
    if not told:
        return {}
    most = max(told, key=lambda one: one.overlap)
    furthest = min(told, key=lambda one: min(one.median, 1 - one.median))
    quantity = "overlap of a posterior with its prior, the largest"
    little = " and more" if sum(one.overlap > _MOST_OVERLAP for one in told) > 1 else ""
    overlap = _check(
        "overlap",
        quantity,
        actions["overlap"],
        passed=most.overlap <= _MOST_OVERLAP,
        observed=most.overlap,
        ends=(None, None, _MOST_OVERLAP),
        sentence=f"{quantity}: {most.overlap:.0%}, {most.parameter}{little} (at most {_MOST_OVERLAP:.0%})",
    )
    quantity = "place of a posterior's median in its prior, the furthest out"
    conflict = _check(
        "conflict",
        quantity,
        actions["conflict"],
        passed=_FAR_OUT <= furthest.median <= 1 - _FAR_OUT,
        observed=furthest.median,
        ends=(_FAR_OUT, 0.5, 1 - _FAR_OUT),
        sentence=f"{quantity}: {furthest.median:.3g}, {furthest.parameter} ({_FAR_OUT:g} to {1 - _FAR_OUT:g})",
    )
    return {"overlap": overlap, "conflict": conflict}


def _check(
    name: str,
    quantity: str,
    action: str,
    *,
    passed: bool,
    observed: float,
    ends: tuple[float | None, float | None, float | None],
    sentence: str,
) -> ModelCheck:
    finite = bool(np.isfinite(observed)) and all(end is None or bool(np.isfinite(end)) for end in ends)
    low, median, high = (end if end is None or np.isfinite(end) else None for end in ends)
    return ModelCheck(
        name=name,
        quantity=quantity,
        observed=observed if np.isfinite(observed) else None,
        low=low,
        median=median,
        high=high,
        passed=passed and finite,
        action=action,
        sentence=sentence,
    )
