"""A posterior in, a verdict out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from schemas.publication import ARTIST_CONVERGENCE
from schemas.reports import Design, SamplingReport
from tasks.convergence import FEWEST_DRAWS
from tasks.gate.artists import measure_artists
from tasks.gate.corpus import Corpus
from tasks.gate.diagnostics import COLUMNS, measure_drawn
from tasks.gate.inputs import (
    artists_of_group,
    artists_of_sample,
    coefficients_of,
    expected_variables,
    with_slopes,
    without_draws,
)
from tasks.gate.model_checks import model_checks
from tasks.gate.ranks import RANKS, draw_ranks
from tasks.gate.reading import read_posterior
from tasks.gate.tables import disagreements, summaries_that_differ
from tasks.gate.verdict import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from schemas.parameters import GateParameters
    from schemas.verdict import ModelCheck, Rung, Verdict
    from tasks.gate.artists import ArtistDiagnostics, Coefficients, Part
    from tasks.gate.diagnostics import Diagnostics
    from tasks.gate.reading import Drawn

POSTERIOR = "posterior.nc"


@dataclass(frozen=True)
class Measured:
    """What was read and measured of a posterior.

    Parameters
    ----------
    diagnostics : Diagnostics
    drawn : Drawn
    coefficients : Coefficients, optional
        None where the draws do not allow for them.
    """

    diagnostics: Diagnostics
    drawn: Drawn
    coefficients: Coefficients | None


def gate_posterior(
    grouped: Path, sampled: Path, parameters: GateParameters, folder: Path, rung: Rung | None = None
) -> Verdict:
    """Measure a posterior and decide whether it may be published.

    Parameters
    ----------
    grouped, sampled : Path
        What group and sample wrote.
    parameters : GateParameters
    folder : Path
        Where to write ``verdict.json`` and ``diagnostics.parquet`` (a row a scalar, and a row for each of the artists
        that came out worst); of a posterior that falls short also ``ranks.png``.
    rung : Rung, optional
        Which try this is.

    Returns
    -------
    Verdict
        Also where it did not pass: the evidence is stored before anyone raises.
    """
    design = Design.model_validate_json((grouped / "design.json").read_text(encoding="utf-8"))
    report = SamplingReport.model_validate_json((sampled / "sampling.json").read_text(encoding="utf-8"))
    own = sampled / ARTIST_CONVERGENCE
    measured = measure_all(
        sampled / POSTERIOR,
        sampled / "artists.parquet",
        design,
        report,
        artists_of_group(grouped),
        (lambda: artists_of_sample(own)) if own.exists() else None,
    )
    checks = _checks(grouped, design, report, measured, parameters)
    verdict = judge(measured.diagnostics, parameters, fixed=fixed_by(report), checks=checks, rung=rung)
    write_diagnostics(measured.diagnostics, folder / "diagnostics.parquet")
    if not verdict.passed:
        draw_ranks(verdict, measured.drawn, folder / RANKS)
    (folder / "verdict.json").write_text(verdict.model_dump_json(indent=1), encoding="utf-8")
    return verdict


def _checks(
    grouped: Path, design: Design, report: SamplingReport, measured: Measured, parameters: GateParameters
) -> tuple[ModelCheck, ...]:
    """Check the model, where there is a posterior to check it by."""
    diagnostics, coefficients = measured.diagnostics, measured.coefficients
    if coefficients is None or diagnostics.missing or diagnostics.not_finite:
        return ()
    shape = len(coefficients.sigma)
    scales = {
        name: draws.reshape(shape, *draws.shape[2:])
        for name, draws in measured.drawn.variables.items()
        if name in {"tau_genre", "tau_block", "tau_slope", "nu"}
    }
    with threadpool_limits(1):
        return model_checks(Corpus.load(grouped, design, report, coefficients, scales), parameters)


def fixed_by(report: SamplingReport) -> frozenset[str]:
    """Return the scalars that the model itself holds constant."""
    return frozenset({"tau"} if report.pooling == "none" else ())


def measure_all(
    posterior: Path,
    table: Path,
    design: Design,
    report: SamplingReport,
    parts: Iterable[Part] | None,
    drawn_one_by_one: Callable[[], ArtistDiagnostics] | None = None,
) -> Measured:
    """Measure every scalar of a posterior and every artist, and hold the table of artists against them.

    Parameters
    ----------
    posterior, table : Path
        ``posterior.nc`` and ``artists.parquet``.
    design : Design
    report : SamplingReport
    parts : iterable, optional
        What was seen of each artist; see `artists.measure_artists`. Without, artists are left out.
    drawn_one_by_one : callable, optional
        Gives what was measured of artists whose effects NUTS drew, rather than exactly from all else.
    """
    from scipy.special import ndtri

    drawn = with_slopes(read_posterior(posterior, expected_variables(design, report), report.derived))
    measured = replace(measure_drawn(drawn, report.interval), retold=summaries_that_differ(drawn, report))
    coefficients = coefficients_of(drawn, design) if drawn.draws >= FEWEST_DRAWS and drawn.chains else None
    if coefficients is None:
        return Measured(measured, drawn, None)
    if unnamed := without_draws(coefficients, design):
        return Measured(replace(measured, missing=[*measured.missing, *unnamed]), drawn, None)
    if drawn_one_by_one is not None:
        artists = drawn_one_by_one()
    elif parts is None:
        return Measured(measured, drawn, coefficients)
    else:
        artists = measure_artists(coefficients, parts, float(ndtri((1 + report.interval) / 2)))
        artists.means["level"] += design.popularity_mean
    wrong = disagreements(table, artists)
    return Measured(replace(measured, artists=artists, disagreements=wrong), drawn, coefficients)


def write_diagnostics(measured: Diagnostics, path: Path) -> None:
    """Write a row a scalar, and one for each of the artists that were measured in full."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(measured.names)
    wanted = (*COLUMNS, "longest_stay")
    columns = {name: [measured.columns.get(name, np.full(len(names), np.nan))] for name in wanted}
    if measured.artists is not None:
        for kind, of_kind in measured.artists.columns.items():
            chosen = measured.artists.in_full.get(kind, np.empty(0, dtype=np.int64))
            names += [f"{kind}[{measured.artists.names[position]}]" for position in chosen]
            every = {**of_kind, "mean": measured.artists.means[kind], "longest_stay": np.zeros(len(of_kind["sd"]))}
            for name in wanted:
                columns[name].append(every[name][chosen])
    table = {name: np.concatenate(parts) for name, parts in columns.items()}
    pq.write_table(pa.table({"parameter": pa.array(names, pa.string()), **table}), path, compression="zstd")
