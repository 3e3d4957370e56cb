"""From measurements to a verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.verdict import ModelCheck, Rung, Shortfall, Verdict
from tasks.gate.wording import CHECKS, advice_for, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from schemas.parameters import GateParameters
    from tasks.gate.diagnostics import Diagnostics

    Floats = NDArray[np.float64]

# A corpus has hundreds of thousands of artists, and a verdict is read.
MOST_LISTED = 40  # of each check: scales and coefficients, stored draws of artists, levels, effects
ARTIST_DRAWS = "artist_effect["
_COLUMN_OF = {"max_rhat": "rhat", "min_ess_bulk": "ess_bulk", "min_ess_tail": "ess_tail"}
OF_SCALARS = ("max_rhat", "min_ess_bulk", "min_ess_tail", "max_mcse_mean", "max_mcse_end", "longest_stay")


@dataclass(frozen=True)
class _Table:
    """Some scalars: how many, what each is called, and its columns."""

    count: int
    name: Callable[[int], str]
    columns: Mapping[str, Floats]

    def of(self, check: str) -> Floats | None:
        """Return what a check is held against; None where it is not measured of these."""
        columns = self.columns
        with np.errstate(all="ignore"):
            match check:
                case "max_mcse_mean":
                    return columns["mcse_mean"] / columns["sd"]
                case "max_mcse_end":
                    return np.maximum(columns["mcse_low"], columns["mcse_high"]) / columns["sd"]
        return columns.get(_COLUMN_OF.get(check, check))


def thresholds_of(parameters: GateParameters, chains: int) -> dict[str, float]:
    """Return what each check is held against."""
    least = parameters.min_ess_per_chain * max(chains, 1)
    return {
        "max_rhat": parameters.max_rhat,
        "min_ess_bulk": least,
        "min_ess_tail": least,
        "max_mcse_mean": parameters.max_mcse_mean,
        "max_mcse_end": parameters.max_mcse_end,
        "longest_stay": parameters.max_stay,
        "divergences": float(parameters.max_divergences),
        "min_bfmi": parameters.min_bfmi,
        "treedepth_share": parameters.max_treedepth_share,
    }


def judge(
    measured: Diagnostics,
    parameters: GateParameters,
    *,
    fixed: frozenset[str] = frozenset(),
    checks: Sequence[ModelCheck] = (),
    rung: Rung | None = None,
) -> Verdict:
    """Hold measurements against thresholds.

    Parameters
    ----------
    measured : Diagnostics
    parameters : GateParameters
    fixed : frozenset of str
        Scalars that the model itself holds constant. Any other that never moves falls short.
    checks : sequence of ModelCheck
        What the model says of the corpus.
    rung : Rung, optional
        Which try this is; as the run was asked, if not given.

    Returns
    -------
    Verdict
        Passed only if everything that should be there is there, is a number and reaches its threshold.
    """
    thresholds = thresholds_of(parameters, measured.chains)
    tables = _tables(measured)
    plain = _plain(measured, parameters, fixed, checks)
    listed, fell_short, worst, who = list(plain), _counted(plain), dict[str, float | None](), dict[str, str]()
    short = [np.zeros(table.count, dtype=bool) for table in tables]
    for check in OF_SCALARS:
        found: list[tuple[float, Shortfall]] = []
        worst[check], who[check] = None, ""
        values = [table.of(check) for table in tables]
        for table, column, mask in zip(tables, values, short, strict=True):
            if column is not None:
                below, shortfalls = _short(check, table.name, column, thresholds[check])
                np.logical_or(mask, below, out=mask)
                found += shortfalls
                fell_short[check] = fell_short.get(check, 0) + int(below.sum())
        listed += [shortfall for _, shortfall in sorted(found, key=lambda one: -one[0])]
        worst[check], who[check] = _worst(check, tables, values)
    whole = {
        "divergences": measured.divergences,
        "min_bfmi": measured.bfmi,
        "treedepth_share": measured.treedepth_share,
    }
    for check, value in whole.items():
        below, shortfalls = _short(check, lambda _: "the sampler", np.array([value]), thresholds[check])
        listed += [shortfall for _, shortfall in shortfalls]
        fell_short[check] = int(below.sum())
        worst[check], who[check] = value if math.isfinite(value) else None, "the sampler"
    rung = rung or Rung()
    names = {shortfall.parameter for shortfall in plain}
    names |= {"the sampler"} if any(fell_short[check] for check in whole) else set()
    artists = measured.artists
    return Verdict(
        passed=not listed,
        chains=measured.chains,
        draws=measured.draws,
        parameters=len(measured.names),
        artists=0 if artists is None else len(artists.names),
        constants=tuple(name for name in measured.constants if name in fixed),
        measured=worst,
        worst=who,
        thresholds=thresholds,
        shortfalls=tuple(listed),
        fell_short={check: count for check, count in fell_short.items() if count},
        quantities=len(names) + sum(int(mask.sum()) for mask in short),
        checks=tuple(checks),
        advice=advice_for(listed, measured.chains, measured.draws),
        rung=rung.number,
        why=rung.why,
        changes=rung.changes,
        earlier=rung.earlier,
    )


def _tables(measured: Diagnostics) -> list[_Table]:
    tables = []
    if measured.columns:
        # Scales and coefficients by themselves: they tell more than an artist among hundreds, and are listed first.
        of_artist = np.array([name.startswith(ARTIST_DRAWS) for name in measured.names], dtype=bool)
        for chosen in (np.flatnonzero(~of_artist), np.flatnonzero(of_artist)):
            names = [measured.names[position] for position in chosen]
            columns = {name: column[chosen] for name, column in measured.columns.items()}
            tables.append(_Table(len(names), names.__getitem__, columns))
    if measured.artists is not None:
        artists = measured.artists.names
        for kind, columns in measured.artists.columns.items():

            def name(position: int, kind: str = kind) -> str:
                return f"{kind}[{artists[position]}]"

            tables.append(_Table(len(artists), name, columns))
    return tables


def _plain(
    measured: Diagnostics, parameters: GateParameters, fixed: frozenset[str], checks: Sequence[ModelCheck]
) -> list[Shortfall]:
    """Return what falls short of nothing that could be measured."""

    def one(check: str, parameter: str, said: str, value: float | None = None, threshold: float = 0) -> Shortfall:
        return Shortfall(check=check, parameter=parameter, value=value, threshold=threshold, sentence=said)

    plain = [one("missing", name, "is missing") for name in measured.missing]
    if not measured.names:
        plain.append(one("missing", "posterior", "nothing was measured", threshold=1))
    if measured.chains < parameters.min_chains:
        said = f"{measured.chains} (at least {parameters.min_chains}, to compare)"
        plain.append(one("chains", "chains", said, measured.chains, parameters.min_chains))
    plain += [one("alike", "chains", said) for said in measured.alike]
    plain += [one("not finite", name, "has draws that are not finite") for name in measured.not_finite]
    plain += [one("stuck", name, "never moves") for name in measured.constants if name not in fixed]
    plain += [one("table", "artists.parquet", said) for said in measured.disagreements]
    plain += [one("table", "the report of sample", said) for said in measured.retold]
    plain += [
        one("model", check.name, check.sentence, check.observed)
        for check in checks
        if check.action == "fail" and not check.passed
    ]
    return plain


def _counted(shortfalls: Sequence[Shortfall]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for shortfall in shortfalls:
        counts[shortfall.check] = counts.get(shortfall.check, 0) + 1
    return counts


def _short(
    check: str, name: Callable[[int], str], values: Floats, threshold: float
) -> tuple[NDArray[np.bool_], list[tuple[float, Shortfall]]]:
    """Return which values fall short of a threshold, and the worst of them, each with how bad it is."""
    large_is_bad = CHECKS[check].large_is_bad
    badness = np.where(np.isfinite(values), values if large_is_bad else -values, np.inf)
    below = badness > (threshold if large_is_bad else -threshold)
    order = np.argsort(-badness, kind="stable")[: min(int(below.sum()), MOST_LISTED)]
    return below, [
        (
            float(badness[position]),
            Shortfall(
                check=check,
                parameter=name(int(position)),
                value=float(values[position]) if math.isfinite(values[position]) else None,
                threshold=threshold,
                sentence=sentence(check, float(values[position]), threshold),
            ),
        )
        for position in order
    ]


def _worst(check: str, tables: Sequence[_Table], values: Sequence[Floats | None]) -> tuple[float | None, str]:
    """Return the worst value and whose it is; None where there is none, or one that is no number."""
    sign = 1 if CHECKS[check].large_is_bad else -1
    found: tuple[float | None, str] = (None, "")
    for table, column in zip(tables, values, strict=True):
        if column is None or not len(column):
            continue
        position = int(np.argmax(np.where(np.isfinite(column), sign * column, np.inf)))
        value = float(column[position])
        if not math.isfinite(value):
            return None, table.name(position)
        if found[0] is None or sign * value > sign * found[0]:
            found = value, table.name(position)
    return found
