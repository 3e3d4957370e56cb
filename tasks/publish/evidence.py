"""What a publication is written from: the reports, tables and draws that earlier steps left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.errors import CorruptStep
from schemas.reports import Design, IngestReport, SamplingReport, Verdict
from tasks.publish.parquet import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

REPORT = "report.json"
QUARANTINE = "quarantine.parquet"
DATA_DOCS = "data_docs"
DESIGN = "design.json"
POSTERIOR = "posterior.nc"
ARTISTS = "artists.parquet"
SAMPLING = "sampling.json"
VERDICT = "verdict.json"
DIAGNOSTICS = "diagnostics.parquet"

_SCALARS = ("mu", "sigma", "tau", "tau_genre")


@dataclass(frozen=True)
class Inputs:
    """The folders that the earlier steps made.

    Parameters
    ----------
    ingest, group, sample, gate : Path
    """

    ingest: Path
    group: Path
    sample: Path
    gate: Path


@dataclass(frozen=True)
class Coefficient:
    """A row of ``coefficients.parquet`` or ``genres.parquet``.

    Parameters
    ----------
    name : str
    kind : str
        ``intercept``, ``scale``, ``feature`` or ``genre``.
    block : str
        Feature block, or empty.
    mean, sd, low, high : float
        Posterior mean, sd and equal-tailed interval, in points of popularity; for a feature, in points for each
        standard deviation of it.
    """

    name: str
    kind: str
    block: str
    mean: float
    sd: float
    low: float
    high: float


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
    draws : mapping of str to ndarray, shape (chains, draws)
        Of the intercept and the scales.
    """

    corpus: IngestReport
    design: Design
    sampling: SamplingReport
    verdict: Verdict
    artists: pa.Table
    diagnostics: pa.Table
    coefficients: tuple[Coefficient, ...]
    genres: tuple[Coefficient, ...]
    draws: Mapping[str, NDArray[np.float64]]


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
    coefficients, genres, draws = _posterior(inputs.sample / POSTERIOR, design, sampling.interval)
    return Evidence(
        corpus=IngestReport.model_validate_json((inputs.ingest / REPORT).read_bytes()),
        design=design,
        sampling=sampling,
        verdict=Verdict.model_validate_json((inputs.gate / VERDICT).read_bytes()),
        artists=artists,
        diagnostics=read_table(inputs.gate / DIAGNOSTICS),
        coefficients=coefficients,
        genres=genres,
        draws=draws,
    )


def _posterior(
    path: Path, design: Design, interval: float
) -> tuple[tuple[Coefficient, ...], tuple[Coefficient, ...], dict[str, NDArray[np.float64]]]:
    # h5netcdf alone: xarray would bring pandas with it for the sake of a few arrays.
    import h5netcdf

    with h5netcdf.File(path, "r", decode_vlen_strings=True) as file:
        posterior = file["posterior"]
        draws = {name: _scalar(posterior, name) for name in _SCALARS if name in posterior.variables}
        blocks = _vector(posterior, "tau_block", "block")
        betas = _vector(posterior, "beta", "feature")
        effects = _vector(posterior, "genre_effect", "genre")
    if "mu" not in draws:
        message = f"{path} holds no draws of mu; run sampling again by force"
        raise CorruptStep(message)
    rows = [_summary(name, "intercept" if name == "mu" else "scale", "", draws[name], interval) for name in draws]
    for block, values in blocks.items():
        name = f"tau_block[{block}]"
        draws[name] = values
        rows.append(_summary(name, "scale", block, values, interval))
    block_of = {column.name: column.block for column in design.columns if column.kind == "feature"}
    rows += [_summary(name, "feature", block_of.get(name, ""), values, interval) for name, values in betas.items()]
    genres = [_summary(name, "genre", "", values, interval) for name, values in effects.items()]
    return tuple(rows), tuple(sorted(genres, key=lambda row: (-row.mean, row.name))), draws


def _scalar(posterior: Any, name: str) -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(posterior.variables[name][...], dtype=np.float64)


def _vector(posterior: Any, name: str, axis: str) -> dict[str, NDArray[np.float64]]:
    """Return the draws of each element, shape (chains, draws), by its label; empty if there is no such variable."""
    import numpy as np

    if name not in posterior.variables:
        return {}
    variable = posterior.variables[name]
    values = np.moveaxis(np.asarray(variable[...], dtype=np.float64), variable.dimensions.index(axis), 0)
    labels = [str(label) for label in posterior.variables[axis][...]]
    return dict(zip(labels, values, strict=True))


def _summary(name: str, kind: str, block: str, draws: NDArray[np.float64], interval: float) -> Coefficient:
    import numpy as np

    low, high = np.quantile(draws, [(1 - interval) / 2, (1 + interval) / 2])
    return Coefficient(name, kind, block, float(draws.mean()), float(draws.std(ddof=1)), float(low), float(high))
