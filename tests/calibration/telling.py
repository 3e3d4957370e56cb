"""What calibration found: numbers to keep, a table for the terminal, and tables for docs/calibration.md."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from quantities import TABLES
from uniformity import PLACES, adjusted, coverage, p_value
from variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Records = Sequence[Mapping[str, Any]]
    Summary = dict[str, Any]

LEVELS = (0.5, 0.8, 0.95)
# The chance that a calibrated model is called one that is not: all of its quantities and intervals together.
ALARM = 0.01
BINS = 20
_PACKAGES = ("numpy", "scipy", "nutpie", "pymc", "pytensor")
_BEGIN, _END = "<!-- {name}: from make calibrate -->", "<!-- end of {name} -->"


def ranks_of(records: Records, kind: str = "ranks") -> dict[str, np.ndarray]:
    """Return the ranks of each quantity, shape (N,)."""
    return {name: np.array([record[kind][name] for record in records]) for name in records[0][kind]}


def summary(records: Records) -> Summary:
    """Sum a variant up.

    Parameters
    ----------
    records : sequence of mappings
        Of `ranking.Ranked`, one a corpus.

    Returns
    -------
    dict
        As JSON has it. ``p`` of a quantity is that of its ranks being uniform, ``adjusted`` after Holm over all
        quantities and intervals of the variant.
    """
    ranks = ranks_of(records)
    p_values = {name: p_value(values) for name, values in ranks.items()}
    covered = {
        name: {
            f"{level:g}": coverage([record["covered"][name][place] for record in records], level)._asdict()
            for place, level in enumerate(LEVELS)
        }
        for name in records[0]["covered"]
    }
    exact = [one["p_value"] for name, levels in covered.items() if name not in TABLES for one in levels.values()]
    together = adjusted([*p_values.values(), *exact])
    return {
        "corpora": len(records),
        "numbers": [records[0]["number"], records[-1]["number"]],
        "tracks": float(np.median([record["tracks"] for record in records])),
        "smallest_ess": float(min(record["ess"] for record in records)),
        "divergences": int(sum(record["divergences"] for record in records)),
        "versions": {name: version(name) for name in _PACKAGES},
        "alarm": ALARM,
        "calibrated": bool(together.min() > ALARM),
        "smallest_adjusted": float(together.min()),
        "most_surprising": min(p_values, key=lambda name: p_values[name]),
        "quantities": {
            name: {
                "p": p_values[name],
                "adjusted": float(together[place]),
                "ranks": np.bincount(values * BINS // PLACES, minlength=BINS).tolist(),
            }
            for place, (name, values) in enumerate(ranks.items())
        },
        "covered": covered,
        "ten_percent_off": {name: p_value(values) for name, values in ranks_of(records, "off").items()},
    }


def power(ranks: np.ndarray, corpora: int, quantities: int, repeats: int = 60) -> float:
    """Return how often a fault is noticed with fewer corpora, drawn from those there are.

    Parameters
    ----------
    ranks : ndarray of int, shape (N,)
        As the fault leaves them.
    corpora : int
        At most N.
    quantities : int
        That are looked at, by Bonferroni; a false alarm in any of them has the chance `ALARM`.
    repeats : int
    """
    generator = np.random.default_rng(corpora)
    noticed = [p_value(generator.choice(ranks, corpora, replace=False)) * quantities < ALARM for _ in range(repeats)]
    return float(np.mean(noticed))


def tell(summaries: Mapping[str, Summary]) -> str:
    """Return what was found, for a terminal."""
    lines = []
    for name, one in summaries.items():
        verdict = "calibrated" if one["calibrated"] else "NOT CALIBRATED"
        lines.append(
            f"{name:<10} {verdict}: {one['corpora']} corpora, {len(one['quantities'])} quantities; most surprising "
            f"{one['most_surprising']}, p {one['quantities'][one['most_surprising']]['p']:.3g}; smallest p of all "
            f"after Holm {one['smallest_adjusted']:.3g}, a false alarm below {one['alarm']:g}; "
            f"{one['divergences']} divergences, smallest ESS {one['smallest_ess']:.0f}"
        )
        lines += [
            f"           {kind:<28} "
            + "   ".join(
                f"{float(level):.0%} covers {found['share']:.1%} ± {2 * found['error']:.1%}"
                for level, found in levels.items()
            )
            for kind, levels in one["covered"].items()
        ]
        lines += [
            f"           {scale} published 10 % too large would have had p {p:.2g}"
            for scale, p in one["ten_percent_off"].items()
        ]
    return "\n".join(lines)


def calibration_table(summaries: Mapping[str, Summary]) -> str:
    """Return docs/calibration.md's table of models."""
    lines = [
        "| model | corpora | quantities | most surprising | its p | smallest p after Holm | divergences |",
        "|---|---:|---:|---|---:|---:|---:|",
    ]
    lines += [
        f"| {VARIANTS[name].what} | {one['corpora']} | {len(one['quantities'])} | `{one['most_surprising']}` | "
        f"{one['quantities'][one['most_surprising']]['p']:.3f} | {one['smallest_adjusted']:.2f} | "
        f"{one['divergences']} |"
        for name, one in summaries.items()
    ]
    return "\n".join(lines)


def coverage_table(summaries: Mapping[str, Summary]) -> str:
    """Return docs/calibration.md's table of coverage, with two standard errors."""
    lines = ["| model | what | 50 % | 80 % | 95 % |", "|---|---|---:|---:|---:|"]
    for name, one in summaries.items():
        for kind, levels in one["covered"].items():
            shares = [f"{100 * found['share']:.1f} ± {200 * found['error']:.1f}" for found in levels.values()]
            what = kind.replace("artists.parquet", "`artists.parquet`")
            lines.append(f"| {VARIANTS[name].what} | {what} | {' | '.join(shares)} |")
    return "\n".join(lines)


TABLES_OF_DOCS = {"models": calibration_table, "coverage": coverage_table}


def renewed(page: str, summaries: Mapping[str, Summary]) -> str:
    """Return a page with its tables, each between two comments, made anew."""
    for name, table in TABLES_OF_DOCS.items():
        begin, end = _BEGIN.format(name=name), _END.format(name=name)
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n{table(summaries)}\n{end}{after}"
    return page


def write_docs(summaries: Mapping[str, Summary], docs: Path) -> None:
    """Keep the numbers in docs/calibration.json, those of other variants too, and renew the tables of the page."""
    kept, page = docs / "calibration.json", docs / "calibration.md"
    known = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    together = known | dict(summaries)
    ordered = {name: together[name] for name in VARIANTS if name in together}
    kept.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    page.write_text(renewed(page.read_text(encoding="utf-8"), ordered), encoding="utf-8")
