"""The model track by track: a reference for the sums, and the only way where errors are not normal.

Which it is, in numbers, is worked out here; how it is written down in PyMC stands in `portable.model`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.sample.portable.specification import Specification
from tasks.sample.scales import resolved

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.parameters import SampleParameters
    from schemas.statistics import Statistics
    from tasks.sample.grouped import Grouped
    from tasks.sample.scales import Scales

    Floats = NDArray[np.float64]


def build(grouped: Grouped, scales: Scales, parameters: SampleParameters) -> Any:
    """Write the model down in PyMC; see `specified`.

    Returns
    -------
    pymc.Model
        Its variables are named and shaped as in a published posterior; `mu` is in points.
    """
    from tasks.sample.portable.dialects import pymc
    from tasks.sample.portable.model import build as written

    return written(specified(grouped, scales, parameters), pymc())


def specified(grouped: Grouped, scales: Scales, parameters: SampleParameters) -> Specification:
    """Gather what the model is made of.

    Parameters
    ----------
    grouped : Grouped
        With its rows kept.
    scales : Scales
    parameters : SampleParameters
        Its likelihood, parametrisation and priors.

    Returns
    -------
    Specification
    """
    design, statistics = grouped.design, grouped.statistics
    blocks = design.blocks()
    block_of = {column.name: column.block for column in design.columns}
    priors = resolved(parameters.priors, design)
    return Specification(
        rows=grouped.folder / "rows",
        popularity_mean=design.popularity_mean,
        genres=len(design.names("genre")),
        blocks=len(blocks),
        slopes=bool(design.names("slope")),
        likelihood=parameters.likelihood,
        parametrisation=parameters.parametrisation,
        fixed_tau=scales.fixed_tau,
        priors={name: (prior.family, prior.arguments, prior.relative) for name, prior in priors.items()},
        block=np.array([blocks.index(block_of[name]) for name in design.names("feature")], dtype=np.int64),
        counts=statistics.counts,
        means=statistics.means,
        seen=_cross_products(statistics, scales),
    )


def _cross_products(statistics: Statistics, scales: Scales) -> Floats:
    """Return A'A as far as artist effects leave it, at the scales around which chains start, shape (D + 1, D + 1).

    Divided by sigma^2 this is the information of the tracks; how much exactly matters to speed alone.
    """
    start = {scale.name: scale.start for scale in scales.free}
    ratio = ((start["tau"] if scales.fixed_tau is None else scales.fixed_tau) / start["sigma"]) ** 2
    left = statistics.counts / (1 + statistics.counts * ratio)
    product: Floats = statistics.within + statistics.means.T @ (statistics.means * left[:, None])
    return product
