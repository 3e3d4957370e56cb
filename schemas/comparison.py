"""How a new posterior compares with the one that readers have: what the promotion rule goes by."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

COMPARISON = "comparison.json"
JUDGED = "judged.parquet"
# Sivula, Magnusson and Vehtari (2020), "Uncertainty in Bayesian leave-one-out cross-validation based model comparison":
# a difference below 4 is small whatever its standard error.
SMALL = 4.0
SURE = 2.0  # standard errors


class Comparison(BaseModel):
    """Predictive densities of the same tracks, each left out of what both posteriors know of its artist.

    Attributes
    ----------
    version : str
        The version compared with; empty before the first.
    tracks, artists : int
        What was compared, a sample of the new corpus.
    difference : float
        Log predictive density (ELPD) of the new posterior less that of the old, summed over the tracks; in nats.
    se : float or None
        Its standard error, tracks of one artist taken together; None for fewer than two artists.
    note : str
        Why the two could not be compared; empty if they were.
    """

    model_config = ConfigDict(frozen=True)

    version: str = ""
    tracks: int = 0
    artists: int = 0
    difference: float = 0.0
    se: float | None = None
    note: str = ""

    @property
    def clearly_worse(self) -> bool:
        """Whether the new posterior predicts worse by more than chance and by more than a trifle."""
        return self.se is not None and self.difference < -max(SMALL, SURE * self.se)

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        if self.note:
            return f"not compared with the version before: {self.note}"
        error = "" if self.se is None else f" ± {self.se:.1f}"
        return (
            f"{self.difference:+.1f}{error} ELPD against {self.version}, on {self.tracks:,} tracks of "
            f"{self.artists:,} artists, each left out"
        )
