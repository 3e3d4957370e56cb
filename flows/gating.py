"""`encore gate`: whether what was published can be trusted, from its files alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.options import Check, actions
from flows.reading import TO, To
from schemas.errors import NotConverged

if TYPE_CHECKING:
    from tasks.gate.regating import Regated


def gate(  # noqa: PLR0913, PLR0917 - one option each
    publication: Annotated[
        str, typer.Argument(metavar="PUBLICATION", help="Name of a publication, or the folder of one or of a version.")
    ],
    to: To = TO,
    max_rhat: Annotated[float | None, typer.Option(help="Largest R-hat; as published unless given.")] = None,
    min_ess_per_chain: Annotated[
        float | None, typer.Option(help="Smallest ESS a chain; as published unless given.")
    ] = None,
    max_divergences: Annotated[int | None, typer.Option(help="Most divergences; as published unless given.")] = None,
    max_mcse_mean: Annotated[
        float | None, typer.Option(help="Largest Monte Carlo error of a mean, in posterior sds.")
    ] = None,
    max_mcse_end: Annotated[
        float | None, typer.Option(help="Largest Monte Carlo error of an interval's end, in posterior sds.")
    ] = None,
    check: Check = None,
    json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Measure a published posterior again, from its files alone, and hold it against thresholds.

    Exit code 4 if it falls short, 5 if a file is not what was published. Model checks need the corpus: they are shown
    as they were published, and --check decides anew which of them fail.
    """
    given = {
        "max_rhat": max_rhat,
        "min_ess_per_chain": min_ess_per_chain,
        "max_divergences": max_divergences,
        "max_mcse_mean": max_mcse_mean,
        "max_mcse_end": max_mcse_end,
    }
    changed: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    regate(to, publication, {**changed, **actions(check)}, json=json)


def regate(to: str, publication: str, changed: dict[str, object], *, json: bool) -> None:
    """Print what the gate finds of a publication.

    Parameters
    ----------
    to : str
        Where publications are.
    publication : str
    changed : dict
        Parameters of the gate that differ from those it was published with.
    json : bool

    Raises
    ------
    NotConverged
        If it falls short.
    EncoreError
        If there is no whole publication.
    """
    from flows.options import checked
    from flows.terminal import print_line
    from schemas.parameters import GateParameters
    from tasks.gate.regating import FILES, gate_publication
    from tasks.gate.wording import explain
    from tasks.published import version_folder
    from tasks.stores import open_store

    checked(GateParameters, **changed)
    here = Path(publication)
    version = version_folder(here) if here.is_dir() else open_store(to).current_folder(publication, FILES)
    found = gate_publication(version, changed)
    if json:
        print_line(_as_json(found))
    else:
        _print(found)
    if not found.verdict.passed:
        name = f"{found.manifest.name} {found.manifest.version}"
        message = f"{name} is not fit to be published: {explain(found.verdict)}"
        raise NotConverged(message)


def _as_json(found: Regated) -> str:
    import json

    told = {
        "name": found.manifest.name,
        "version": found.manifest.version,
        "verdict": found.verdict.model_dump(mode="json"),
        "published": found.manifest.verdict.measured,
        "differing": list(found.differing),
    }
    return json.dumps(told, indent=1)


def _print(found: Regated) -> None:
    from flows.terminal import print_line
    from tasks.gate.wording import CHECKS, printable, summary
    from tasks.publish.text import aligned

    verdict, published = found.verdict, found.manifest.verdict.measured
    print_line(f"{found.manifest.name} {found.manifest.version}\n{summary(verdict)}\n")
    rows = [("check", "measured", "published", "threshold", "worst")]
    for check, (word, bound, digits) in CHECKS.items():
        told = [_number(each.get(check), digits) for each in (verdict.measured, published)]
        threshold = f"{bound} {verdict.thresholds[check]:g}"
        worst = printable(verdict.worst.get(check, ""))
        rows.append((word.rstrip(","), told[0], told[1], threshold, worst))
    print_line(aligned(rows, left={0, 4}))
    if verdict.checks:
        print_line("\nmodel checks, as published")
        for check_ in verdict.checks:
            print_line(f"  {'ok' if check_.passed else check_.action:<5}{check_.sentence}")
    if verdict.rung or found.manifest.verdict.rung:
        print_line(f"\nrung {found.manifest.verdict.rung} of the ladder: {found.manifest.verdict.why}")
    if found.differing:
        sys.stderr.write(f"encore: not what the manifest says was measured: {', '.join(found.differing)}\n")


def _number(value: float | None, digits: str) -> str:
    return "-" if value is None else format(value, digits)
