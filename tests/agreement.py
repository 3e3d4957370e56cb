"""Whether two posteriors are one, but for Monte Carlo error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import xarray as xr

from tasks.sample.sampling import sample_posterior

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from schemas.parameters import SampleParameters


def sampled(grouped: Path, folder: Path, parameters: SampleParameters) -> tuple[xr.Dataset, pd.DataFrame]:
    """Sample, and return the draws and the table of artists."""
    folder.mkdir()
    sample_posterior(grouped, parameters, folder)
    tree = xr.load_datatree(folder / "posterior.nc", engine="h5netcdf")
    assert int(tree["sample_stats"]["diverging"].sum()) == 0
    return tree["posterior"].to_dataset(), pq.read_table(folder / "artists.parquet").to_pandas()


def furthest(ours: xr.Dataset, theirs: xr.Dataset) -> dict[str, float]:
    """Return by how many standard errors of the difference the means and the sds of each variable differ at most.

    Monte Carlo standard errors are as ArviZ estimates them, from effective sample sizes.
    """
    import arviz_stats

    off = {}
    for method in ("mean", "sd"):
        errors = [arviz_stats.mcse(draws, method=method) for draws in (ours, theirs)]
        for name in ours.data_vars:
            one, other = (
                getattr(draws[name], "mean" if method == "mean" else "std")(("chain", "draw"))
                for draws in (ours, theirs)
            )
            error = np.hypot(*(part[name] for part in errors))
            off[f"{method} of {name}"] = float(np.abs((one - other) / error).max())
    return off


def beyond(off: dict[str, float], limit: float) -> dict[str, float]:
    """Return what is further off than the limit."""
    return {name: round(errors, 1) for name, errors in off.items() if not errors <= limit}
