"""Draws of what is published and is no parameter: shares of variance, and the next track of an artist nobody has seen.

They stand in ``posterior.nc`` as a group of their own, ``derived``: for the gate, which measures their convergence as
that of the parameters, and for whoever would rather have draws than three numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.sample.posterior import average_track, coefficient_draws, new_artist_ends
from tasks.sample.variance import share_draws

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.parameters import SampleParameters
    from tasks.sample.grouped import Grouped
    from tasks.sample.posterior import Posterior

    Floats = NDArray[np.float64]

ENDS = ("low", "high")


def derived_draws(
    grouped: Grouped, posterior: Posterior, parameters: SampleParameters
) -> tuple[dict[str, Floats], dict[str, list[str]]]:
    """Return draws of what follows from the parameters, and the labels of their axes.

    The interval of a new artist's next track has the quantiles of a mixture of all draws: no draw has an end of its
    own. What each has is the probability that such a track lies below the end; the mean of these is the probability
    that the end was chosen for, and their Monte Carlo error is that of the end (by the density there).

    Parameters
    ----------
    grouped : Grouped
    posterior : Posterior
    parameters : SampleParameters

    Returns
    -------
    draws : dict of str to ndarray, shape (chains, draws, ...)
        ``variance_share`` by part, where there are two parts at least; ``new_artist``, the popularity expected of a
        track, in points; ``new_artist_below``, the probability that its popularity is below the ends of the published
        interval (before they are kept within 0..100).
    labels : dict of str to list of str
        Of ``part`` and ``end``.
    """
    shape = posterior.draws["sigma"].shape
    unseen = posterior.unseen
    ends = new_artist_ends(posterior, parameters.interval)
    # With errors that have tails, artists are spread over the draws several times over: their mean is the draw's own.
    below = np.stack([unseen.parts_cdf(end)[:, 0].reshape(-1, *shape).mean(axis=0) for end in ends], axis=-1)
    expected = average_track(grouped, coefficient_draws(grouped, posterior.draws)).reshape(shape)
    draws, labels = {"new_artist": expected, "new_artist_below": below}, {"end": list(ENDS)}
    shares = share_draws(grouped, posterior.draws, parameters)
    if len(shares) > 1:
        draws["variance_share"] = np.stack(list(shares.values()), axis=-1)
        labels["part"] = list(shares)
    return draws, labels
