"""What a publication is written from: the reports, tables and draws that earlier steps left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import CorruptStep
from schemas.reports import Design, IngestReport, SamplingReport
from schemas.verdict import Verdict
from tasks.publish.coefficients import coefficients_of, read_posterior, slopes_of
from tasks.publish.parquet import read_table

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from tasks.publish.coefficients import Coefficient, Draws, Slope

REPORT = "report.json"
QUARANTINE = "quarantine.parquet"
DATA_DOCS = "data_docs"
DESIGN = "design.json"
POSTERIOR = "posterior.nc"
ARTISTS = "artists.parquet"
SAMPLING = "sampling.json"
VERDICT = "verdict.json"
DIAGNOSTICS = "diagnostics.parquet"


@dataclass(frozen=True)
class Inputs:
    """The folders that the earlier steps made.

    Parameters
    ----------
    ingest, group, sample, gate : Path
    compare : Path, optional
        None where nothing was compared.
    """

    ingest: Path
    group: Path
    sample: Path
    gate: Path
    compare: Path | None = None


@dataclass(frozen=True)
class Evidence:
    """Everything that the reports and tables say, read once.

    Parameters
    ----------
    corpus, design, sampling, verdict
        What the steps reported.
    artists : pyarrow.Table
        As `sample` left it.
    diagnostics : pyarrow.Table
        As `gate` left it.
    coefficients, genres : tuple of Coefficient
        Genres by posterior mean, the highest first.
    slopes : tuple of Slope
        Genre by genre, in the order of the design; empty where a feature is worth the same everywhere.
    posterior : Draws
        All that is published of it, but for the effects of artists.
    """

    corpus: IngestReport
    design: Design
    sampling: SamplingReport
    verdict: Verdict
    artists: pa.Table
    diagnostics: pa.Table
    coefficients: tuple[Coefficient, ...]
    genres: tuple[Coefficient, ...]
    slopes: tuple[Slope, ...]
    posterior: Draws


def read_evidence(inputs: Inputs) -> Evidence:
    """Read what the earlier steps left.

    Raises
    ------
    CorruptStep
        If `sample` drew nothing, or from something else than `group` describes.
    """
    design = Design.model_validate_json((inputs.group / DESIGN).read_bytes())
    sampling = SamplingReport.model_validate_json((inputs.sample / SAMPLING).read_bytes())
    artists = read_table(inputs.sample / ARTISTS)
    if artists.num_rows != design.artists:
        message = f"{inputs.sample} has {artists.num_rows} artists and {inputs.group} {design.artists}; refit by force"
        raise CorruptStep(message)
    posterior = read_posterior(inputs.sample / POSTERIOR)
    block_of = {column.name: column.block for column in design.columns if column.kind == "feature"}
    coefficients, genres = coefficients_of(posterior, block_of, sampling.interval)
    return Evidence(
        corpus=IngestReport.model_validate_json((inputs.ingest / REPORT).read_bytes()),
        design=design,
        sampling=sampling,
        verdict=Verdict.model_validate_json((inputs.gate / VERDICT).read_bytes()),
        artists=artists,
        diagnostics=read_table(inputs.gate / DIAGNOSTICS),
        coefficients=coefficients,
        genres=genres,
        slopes=slopes_of(posterior, block_of, sampling.interval),
        posterior=posterior,
    )
