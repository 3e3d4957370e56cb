"""The gate once more, on what was published: from the files of a version alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pydantic import ValidationError

from schemas.parameters import GateParameters
from schemas.publication import ARTIST_CONVERGENCE, ARTIST_MEANS, ARTISTS, DESIGN, POSTERIOR
from schemas.reports import Design
from tasks.gate.gating import fixed_by, measure_all
from tasks.gate.inputs import artists_of_publication, artists_of_sample
from tasks.gate.verdict import judge
from tasks.published import published_file, read_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from schemas.publication import Manifest
    from schemas.verdict import Verdict

# Two measurements of the same draws: artists' means are published rounded, to the twelfth digit.
_SAME = 1e-3
_READ = (POSTERIOR, ARTISTS, ARTIST_MEANS, DESIGN)
FILES = (*_READ, ARTIST_CONVERGENCE)
_COLLAPSED = "collapsed"


@dataclass(frozen=True)
class Regated:
    """What was found of a version.

    Parameters
    ----------
    manifest : Manifest
    verdict : Verdict
    differing : tuple of str
        Checks of which something else was measured than the manifest says.
    """

    manifest: Manifest
    verdict: Verdict
    differing: tuple[str, ...]


def gate_publication(version: Path, changed: Mapping[str, object]) -> Regated:
    """Measure a published posterior again, and its artists, and hold its table of artists against them.

    Model checks need the corpus, which a publication does not hold: they are those of the manifest. Of artists whose
    effects NUTS drew (row by row), those with stored draws are measured again; of the others it is taken from
    ``artist_convergence.parquet`` what `sample` measured while it had their draws.

    Parameters
    ----------
    version : Path
        Its folder.
    changed : mapping
        Parameters of the gate that differ from those it was published with.

    Returns
    -------
    Regated

    Raises
    ------
    PublicationConflict
        If there is no publication, or a file is not what was published.
    """
    manifest = read_manifest(version)
    posterior, table, means, own = (published_file(version, manifest, name) for name in _READ)
    design = Design.model_validate_json(own.read_bytes())
    exact = manifest.sampling.engine == _COLLAPSED
    parts = artists_of_publication(means, design) if exact else None
    drawn_one_by_one = None
    if ARTIST_CONVERGENCE in manifest.files:
        drawn_one_by_one = partial(artists_of_sample, published_file(version, manifest, ARTIST_CONVERGENCE))
    measured = measure_all(posterior, table, design, manifest.sampling, parts, drawn_one_by_one).diagnostics
    parameters = _parameters(manifest, changed)
    # What they found stays; what that does may have changed.
    actions = {
        check.name: str(getattr(parameters, f"check_{check.name}", check.action)) for check in manifest.verdict.checks
    }
    checks = [
        check.model_copy(update={"action": actions[check.name]})
        for check in manifest.verdict.checks
        if actions[check.name] != "off"
    ]
    verdict = judge(measured, parameters, fixed=fixed_by(manifest.sampling), checks=checks)
    return Regated(manifest, verdict, _differing(manifest.verdict, verdict) if exact or drawn_one_by_one else ())


def _parameters(manifest: Manifest, changed: Mapping[str, object]) -> GateParameters:
    """Return the gate's parameters as the run was given them, with changes; defaults where they cannot be read."""
    try:
        given = GateParameters.model_validate(manifest.parameters.get("gate", {}))
    except ValidationError:  # of an older Encore, or a newer one
        given = GateParameters()
    return GateParameters.model_validate({**given.model_dump(), **changed})


def _differing(published: Verdict, found: Verdict) -> tuple[str, ...]:
    differing = []
    for check, value in found.measured.items():
        before = published.measured.get(check)
        if check not in published.measured:  # published by an older Encore, which did not measure it
            continue
        if (value is None) != (before is None) or (
            value is not None and before is not None and abs(value - before) > _SAME * max(abs(before), _SAME)
        ):
            differing.append(check)
    return tuple(differing)
