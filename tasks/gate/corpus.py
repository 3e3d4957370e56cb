"""What the model checks hold the model against: the corpus, as far as its sums tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.statistics import Statistics

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.reports import Design, SamplingReport
    from tasks.gate.artists import Coefficients

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Corpus:
    """A corpus and the posterior that is held against it.

    Parameters
    ----------
    design : Design
        Of D columns.
    report : SamplingReport
    statistics : Statistics
        Of N tracks by J artists; y relative to the corpus mean of popularity.
    coefficients : Coefficients
        S draws.
    scales : dict of str to ndarray, shape (S, ...)
        ``tau_genre``, ``tau_block``, ...
    """

    design: Design
    report: SamplingReport
    statistics: Statistics
    coefficients: Coefficients
    scales: dict[str, Floats]

    @classmethod
    def load(
        cls,
        grouped: Path,
        design: Design,
        report: SamplingReport,
        coefficients: Coefficients,
        scales: dict[str, Floats],
    ) -> Corpus:
        """Read the sums that `group` left."""
        return cls(design, report, Statistics.load(grouped / "statistics"), coefficients, scales)

    def some(self, most: int) -> NDArray[np.int64]:
        """Return at most so many draws, evenly spread over the chains."""
        count = len(self.coefficients.sigma)
        return np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.int64))

    @property
    def normal(self) -> bool:
        """Whether errors are normal: with others, sums do not tell all."""
        return self.report.likelihood == "normal"

    def spread_within(self, theta: Floats) -> Floats:
        """Return theta' W_zz theta of each draw: what features and genres make tracks of one artist differ by; (S,)."""
        within = self.statistics.within[:-1, :-1]
        found: Floats = np.maximum(((theta @ within) * theta).sum(axis=1), 0)
        return found
