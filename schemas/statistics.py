"""Sufficient statistics of the normal hierarchical model: what `group` sums up and `sample` works from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics: J artists, U distinct track counts, K = D + 1 columns of A = [Z, y].

    Parameters
    ----------
    within : ndarray, shape (K, K)
        W, cross products of A around each artist's mean.
    sizes, artists_of_size : ndarray, shape (U,)
        u, the distinct track counts, and m_u, how many artists have each.
    between : ndarray, shape (U, K, K)
        B_u, cross products of the artists' means.
    counts : ndarray, shape (J,)
        n_j.
    means : ndarray, shape (J, K)
        Abar_j; its last column is the mean of y, which is popularity less the corpus mean.
    """

    within: Floats
    sizes: Floats
    artists_of_size: Floats
    between: Floats
    counts: NDArray[np.int64]
    means: Floats

    @property
    def observations(self) -> int:
        """N, the number of tracks."""
        return int(self.counts.sum())

    def save(self, folder: Path) -> None:
        """Write each array as ``<its name>.npy`` into a new folder."""
        folder.mkdir()
        for field in fields(self):
            np.save(folder / f"{field.name}.npy", getattr(self, field.name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; unpickles nothing."""
        return cls(**{field.name: np.load(folder / f"{field.name}.npy", allow_pickle=False) for field in fields(cls)})
