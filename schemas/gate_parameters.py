"""What the gate asks of a posterior, and what it does where the model is not like the corpus."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Action = Literal["warn", "fail", "off"]


class GateParameters(BaseModel):
    """What a posterior must show before it is published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_rhat: float = Field(1.01, gt=1, le=2, title="Largest R-hat", description="Rank-normalised split R-hat.")
    min_ess_per_chain: float = Field(
        100, ge=0, title="Smallest ESS a chain", description="Bulk and tail effective sample size, each."
    )
    max_divergences: int = Field(0, ge=0, title="Most divergences", description="Divergent transitions after tuning.")
    min_bfmi: float = Field(
        0.3, ge=0, le=2, title="Smallest BFMI", description="Bayesian fraction of missing information, any chain."
    )
    max_treedepth_share: float = Field(
        0.01, ge=0, le=1, title="Largest share at maximal tree depth", description="Share of draws that hit the limit."
    )
    min_chains: int = Field(
        2, ge=2, le=64, title="Fewest chains", description="R-hat compares chains; one says nothing."
    )
    max_mcse_mean: float = Field(
        0.05,
        gt=0,
        title="Largest Monte Carlo error of a mean",
        description="In posterior sds of what it is the mean of.",
    )
    max_mcse_end: float = Field(
        0.15,
        gt=0,
        title="Largest Monte Carlo error of an interval's end",
        description="In posterior sds; at 0.15, a 5 % tail is one of 3.6 to 6.7 %.",
    )
    max_stay: float = Field(
        0.05,
        ge=0,
        le=1,
        title="Longest stay",
        description="Largest share of a chain that is one and the same draw, over and over.",
    )
    rungs: int = Field(
        2,
        ge=0,
        le=5,
        title="Rungs",
        description="How often a posterior that falls short is sampled again, changed as what fell short asks for.",
    )
    check_mean: Action = Field(
        "fail",
        title="Check: mean of tracks",
        description="Mean popularity of replicated corpora beside that of the corpus.",
    )
    check_sd: Action = Field("fail", title="Check: sd of tracks", description="Their sd beside that of the corpus.")
    check_zeros: Action = Field(
        "warn",
        title="Check: share of zeros",
        description="Share of tracks with popularity 0, as replicated and as it is.",
    )
    check_outside: Action = Field(
        "warn", title="Check: share outside", description="Share of tracks that the model puts outside 0 to 100."
    )
    check_highest: Action = Field(
        "warn", title="Check: highest artist", description="Highest mean of an artist, as replicated and as it is."
    )
    check_lowest: Action = Field(
        "warn", title="Check: lowest artist", description="Lowest mean of an artist, as replicated and as it is."
    )
    check_coverage: Action = Field(
        "warn",
        title="Check: artists left out",
        description="How many artists lie inside the 90 % interval that all others predict.",
    )
    check_influence: Action = Field(
        "warn", title="Check: influence", description="Pareto k of the artist that the scales hang on most."
    )
    check_overlap: Action = Field(
        "warn",
        title="Check: overlap with priors",
        description="Posteriors that are still their priors: the data said little.",
    )
    check_conflict: Action = Field(
        "warn",
        title="Check: conflict with priors",
        description="Posteriors far out in their priors: prior and data disagree.",
    )
