"""The models that are calibrated, each with priors of fixed numbers.

Simulation-based calibration needs parameters to come from the very prior that the fit has. The defaults are scaled to
the sd of the popularity that was simulated, so there is no drawing from them; here they have the numbers they would
have at an sd of 20 points.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from schemas.parameters import GroupParameters, SampleParameters
from schemas.priors import Priors

# In canonical order, with their declared blocks.
FEATURES = {"danceability": "rhythm", "energy": "energy", "loudness": "energy", "valence": "mood"}
# auto at sd = 20 and four features; see `tasks.sample.scales.resolved`.
DEFAULTS = {
    "mu": "normal(50, 50)",
    "sigma": "exponential(0.05)",
    "tau": "exponential(0.05)",
    "tau_genre": "half_normal(10)",
    "tau_block": "half_normal(5)",
    "tau_slope": "half_normal(2.5)",
    "nu": "gamma(2, 0.1)",
}
# Every family that `DEFAULTS` has not, and scales relative to sigma.
OTHERS = {
    "mu": "normal(40, 15)",
    "sigma": "lognormal(2.5, 0.4)",
    "tau": "exponential(1) relative to sigma",
    "tau_genre": "gamma(2, 0.2)",
    "tau_block": "half_student_t(4, 0.4) relative to sigma",
}


@dataclass(frozen=True)
class Variant:
    """A model, the corpora that are drawn from it, and how many of them by default.

    Parameters
    ----------
    name : str
    what : str
        In words, for tables.
    corpora : int
    priors : dict of str to str
    grouping, sampling : dict
        What `GroupParameters` and `SampleParameters` are given besides.
    artists : int
    features : tuple of str
    one_layout : bool
        All corpora have the same artists, features and genres, and differ in popularity alone: a model that is
        compiled then serves them all.
    """

    name: str
    what: str
    corpora: int
    priors: dict[str, str] = field(default_factory=lambda: dict(DEFAULTS))
    grouping: dict[str, Any] = field(default_factory=dict)
    sampling: dict[str, Any] = field(default_factory=dict)
    artists: int = 30
    features: tuple[str, ...] = tuple(FEATURES)
    one_layout: bool = False

    @property
    def group_parameters(self) -> GroupParameters:
        """What `group` is told."""
        return GroupParameters.model_validate({"features": ",".join(self.features), **self.grouping})

    def sample_parameters(self, seed: int, **more: Any) -> SampleParameters:
        """Return what `sample` is told: draws of every artist are stored, and 400 in all are enough to rank among."""
        told = {"artist_draws": 1000, "draws": 100, "tune": 150, "seed": seed, "priors": Priors(**self.priors)}
        return SampleParameters.model_validate(told | self.sampling | more)

    @property
    def pooling(self) -> str:
        """``partial``, ``none`` or ``complete``."""
        return str(self.sampling.get("pooling", "partial"))

    @property
    def slopes(self) -> bool:
        """Whether genres have slopes of their own."""
        return self.grouping.get("slopes") == "genre"

    @property
    def student_t(self) -> bool:
        """Whether errors are Student's t."""
        return self.sampling.get("likelihood") == "student_t"

    def block_of(self, feature: str) -> str:
        """Return the block of a feature, as this variant's grouping makes it."""
        if self.grouping.get("blocks") == "learned":
            # Energy and loudness go together (`prior_corpora.layout`), and nothing else does.
            return "energy+loudness" if FEATURES[feature] == "energy" else feature
        return FEATURES[feature]


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("partial", "partial pooling, the default model", 500),
        Variant("none", "no pooling", 150, sampling={"pooling": "none"}),
        Variant("complete", "complete pooling", 150, sampling={"pooling": "complete"}),
        Variant(
            "slopes", "slopes by genre", 150, grouping={"slopes": "genre"}, features=("energy", "loudness", "valence")
        ),
        Variant("learned", "learned blocks", 100, grouping={"blocks": "learned"}),
        Variant("families", "other families of priors, relative to sigma", 150, priors=DEFAULTS | OTHERS),
        Variant(
            "rows",
            "track by track, normal errors",
            100,
            sampling={"engine": "rows", "tune": 300, "draws": 200},
            one_layout=True,
        ),
        Variant(
            "student_t",
            "track by track, errors of Student's t",
            150,
            sampling={"likelihood": "student_t", "tune": 400, "draws": 200, "target_accept": 0.9},
            one_layout=True,
        ),
    )
}
