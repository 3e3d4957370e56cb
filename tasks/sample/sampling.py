"""Grouped data in, a posterior out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.publication import ARTIST_CONVERGENCE
from schemas.reports import SamplingReport
from tasks.sample.engines import ENGINES
from tasks.sample.grouped import Grouped
from tasks.sample.scales import resolved, scales_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from schemas.parameters import SampleParameters
    from tasks.sample.posterior import Posterior


def sample_posterior(
    grouped_folder: Path,
    parameters: SampleParameters,
    folder: Path,
    *,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> SamplingReport:
    """Draw from the posterior of the hierarchical model.

    Parameters
    ----------
    grouped_folder : Path
        What group wrote. The collapsed engine reads its sums alone.
    parameters : SampleParameters
    folder : Path
        Where to write ``posterior.nc``, ``artists.parquet`` and ``sampling.json``; row by row, also
        ``artist_convergence.parquet``.
    progress : callable
        Told how many of how many iterations are done, over all chains.

    Returns
    -------
    SamplingReport
    """
    # SciPy brings a BLAS of its own, and a limit holds for what is loaded by then: load it first.
    import scipy.linalg  # noqa: F401 - for its BLAS
    from threadpoolctl import threadpool_limits

    # With several threads BLAS adds in another order, and the same seed no longer gives the same bits.
    with threadpool_limits(1):
        return _sample(Grouped.load(grouped_folder), parameters, folder, progress)


def _sample(
    grouped: Grouped, parameters: SampleParameters, folder: Path, progress: Callable[[int, int], None]
) -> SamplingReport:
    from tasks.sample.derived import derived_draws
    from tasks.sample.posterior import new_artist, write_artists, write_convergence, write_netcdf
    from tasks.sample.prior_predictive import prior_predictive
    from tasks.sample.variance import summaries

    posterior, versions = _draw(grouped, parameters, folder, progress)
    derived, labels = derived_draws(grouped, posterior, parameters)
    shares = np.moveaxis(derived["variance_share"], -1, 0) if "variance_share" in derived else ()
    used = {"mu", "sigma", *posterior.draws}
    priors = {name: str(prior) for name, prior in resolved(parameters.priors, grouped.design).items() if name in used}
    if parameters.pooling == "none":
        priors["tau"] = f"fixed at {posterior.draws['tau'].flat[0]:.6g}"
    engine = ENGINES[parameters.resolved_engine]
    report = SamplingReport(
        engine=parameters.resolved_engine,
        sampler=engine.sampler,
        pooling=parameters.pooling,
        likelihood=parameters.likelihood,
        priors=priors,
        new_artist=new_artist(posterior, parameters.interval),
        interval=parameters.interval,
        versions=versions,
        variance=summaries(dict(zip(labels.get("part", ()), shares, strict=True)), parameters.interval),
        derived={name: int(np.prod(values.shape[2:])) for name, values in derived.items()},
        prior_predictive=prior_predictive(grouped, parameters),
    )
    attributes = {
        "inference_library": engine.sampler,
        "inference_library_version": versions[engine.sampler],
        "creation_library": "encore",
        "engine": parameters.resolved_engine,
        "pooling": parameters.pooling,
        "likelihood": parameters.likelihood,
    }
    write_netcdf(grouped, posterior, (derived, labels), attributes, folder / "posterior.nc")
    write_artists(grouped, posterior, parameters.interval, folder / "artists.parquet")
    if posterior.convergence is not None:
        write_convergence(grouped, posterior.convergence, folder / ARTIST_CONVERGENCE)
    (folder / "sampling.json").write_text(report.model_dump_json(indent=1), encoding="utf-8")
    return report


def _draw(
    grouped: Grouped, parameters: SampleParameters, folder: Path, progress: Callable[[int, int], None]
) -> tuple[Posterior, dict[str, str]]:
    """Return the posterior, and the versions of what drew it."""
    scales = scales_for(grouped.design, parameters)
    engine = ENGINES[parameters.resolved_engine]
    if parameters.row_by_row:
        from tasks.sample.from_rows import from_rows
        from tasks.sample.rows import sample_rows

        chains = sample_rows(grouped, scales, parameters, folder, progress)
        return from_rows(grouped, chains, parameters), chains.versions or engine.versions()
    from tasks.sample.collapsed import CollapsedDensity
    from tasks.sample.nuts import sample_scales
    from tasks.sample.posterior import from_scales

    density = CollapsedDensity(grouped.statistics, scales)
    chains = sample_scales(density, parameters, progress)
    return from_scales(grouped, density, chains, parameters), engine.versions()
