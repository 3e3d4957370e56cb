"""Blocks of features: those whose coefficients share a shrinkage scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from schemas.tracks import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Clusters are joined while their features' mean absolute correlation is at least this: Cohen's "medium" (1988).
LEAST_CORRELATION = 0.3


def declared_blocks(features: Sequence[str]) -> dict[str, str]:
    """Return the block of each feature, as `schemas.tracks` declares it."""
    return {name: BY_NAME[name].block or "" for name in features}


def learned_blocks(features: Sequence[str], correlation: Floats) -> dict[str, str]:
    """Cluster features by their correlations: average linkage on 1 - |r|.

    Parameters
    ----------
    features : sequence of str, length F
    correlation : ndarray, shape (F, F)

    Returns
    -------
    dict
        Feature to block; a block is named after its features, joined by ``+``.
    """
    if len(features) < 2:  # noqa: PLR2004 - a pair is the least that can correlate
        return {name: name for name in features}
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distance = np.clip(1 - np.abs(correlation), 0, None)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="average")
    clusters = fcluster(tree, 1 - LEAST_CORRELATION, criterion="distance")
    names = {
        cluster: "+".join(sorted(name for name, own in zip(features, clusters, strict=True) if own == cluster))
        for cluster in set(clusters.tolist())
    }
    return {name: names[cluster] for name, cluster in zip(features, clusters.tolist(), strict=True)}
