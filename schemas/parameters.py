"""What a user may set, in flat models: one a step.

They become the form in the Prefect UI, the options of the command line and part of each step's key, so a field
is a plain type with bounds, a default and a sentence.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.checks import chosen, of_a_canonical_column
from schemas.expectations import REJECTING
from schemas.gate_parameters import GateParameters
from schemas.priors import Priors
from schemas.tracks import FEATURES

__all__ = [
    "EvaluateParameters",
    "GateParameters",
    "GroupParameters",
    "IngestParameters",
    "PublishParameters",
    "SampleParameters",
]


class _Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IngestParameters(_Parameters):
    """How tracks are read."""

    repeats: Literal["drop", "recording", "keep"] = Field(
        "drop",
        title="Repeats",
        description="A track id seen before: drop (keep its highest popularity and all its genres) or keep every row. "
        "recording: drop, and do the same with re-releases of one recording.",
    )
    max_bad_share: float = Field(
        0.1,
        ge=0,
        le=1,
        title="Largest share of bad rows",
        description="A corpus with a larger share of rows in quarantine is rejected as a whole.",
    )
    partition_rows: int = Field(
        250_000,
        ge=1,
        le=10_000_000,
        title="Rows a partition",
        description="How many rows are held in memory at once.",
    )
    column: tuple[Annotated[str, AfterValidator(of_a_canonical_column)], ...] = Field(
        (),
        title="Columns",
        description="canonical=theirs, one each: popularity=score reads popularity from the corpus's column score. "
        "For columns that are not found by their names.",
    )
    max_unfold: float = Field(
        100,
        ge=1,
        title="Largest unfolding",
        description="A compressed file may unfold to this many times its size; 256 MiB are always allowed.",
    )
    min_tracks: int = Field(100, ge=0, title="Fewest tracks", description="Below that, the report warns.")
    max_zeros: float = Field(
        0.5, ge=0, le=1, title="Largest share of zeros", description="Of tracks with popularity 0; above, a warning."
    )
    max_unknown_genres: float = Field(
        0.2,
        ge=0,
        le=1,
        title="Largest share of unknown genres",
        description="Of tracks without a genre, and of those with only genres that the last corpus did not have.",
    )
    max_drift: float = Field(
        5,
        ge=0,
        le=100,
        title="Largest drift of mean popularity",
        description="In points, against the last corpus of that name; above, a warning.",
    )
    reject_on: str = Field(
        "none",
        title="Reject on",
        description="Which of these limits reject the corpus instead of warning: all, none, or names joined by "
        f"commas: {', '.join(REJECTING)}.",
    )

    @field_validator("column")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        canonical = [one.partition("=")[0] for one in value]
        for name in canonical:
            if canonical.count(name) > 1:
                message = f"{name} is given {canonical.count(name)} columns; give it one"
                raise ValueError(message)
        return tuple(sorted(value))

    @property
    def columns(self) -> dict[str, str]:
        """The corpus's own names by the canonical column they are for."""
        return dict(one.split("=", 1) for one in self.column)

    @field_validator("reject_on")
    @classmethod
    def _rejecting(cls, value: str) -> str:
        return chosen(value, REJECTING, "limit")

    def rejecting(self) -> tuple[str, ...]:
        """Return the names of the table rules that reject a corpus."""
        if self.reject_on in {"all", "none"}:
            return REJECTING if self.reject_on == "all" else ()
        return tuple(self.reject_on.split(","))


class GroupParameters(_Parameters):
    """How tracks are grouped."""

    credit: Literal["primary", "each"] = Field(
        "primary",
        title="Credit",
        description="Which of several credited artists a track counts for: the primary one, or each of them.",
    )
    features: str = Field(
        "all",
        title="Audio features",
        description=f"all, none, or names joined by commas: {', '.join(FEATURES)}.",
    )
    genres: Literal["finest", "broadest", "none"] = Field(
        "finest",
        title="Genres",
        description="Genre effects at the finest level the corpus has, at its broadest, or left out.",
    )
    blocks: Literal["declared", "learned"] = Field(
        "declared",
        title="Feature blocks",
        description="Features that share a shrinkage scale: as declared, or clusters of their correlations.",
    )
    slopes: Literal["none", "genre"] = Field(
        "none",
        title="Slopes",
        description="none: a feature is worth the same everywhere; genre: each genre has slopes of its own, shrunk to "
        "the common ones.",
    )

    @field_validator("features")
    @classmethod
    def _known(cls, value: str) -> str:
        return chosen(value, FEATURES, "feature")

    def wanted_features(self) -> tuple[str, ...]:
        """Return the names of the features asked for, in canonical order."""
        if self.features in {"all", "none"}:
            return FEATURES if self.features == "all" else ()
        return tuple(name for name in FEATURES if name in self.features.split(","))


class SampleParameters(_Parameters):
    """How the posterior is drawn."""

    pooling: Literal["partial", "none", "complete"] = Field(
        "partial",
        title="Pooling",
        description="partial: artists are pulled towards each other as far as the data say; none: each stands alone; "
        "complete: artists do not differ.",
    )
    likelihood: Literal["normal", "student_t"] = Field(
        "normal",
        title="Likelihood",
        description="How tracks lie around what is expected of them. student_t: heavier tails, sampled row by row.",
    )
    engine: Literal["auto", "collapsed", "rows", "pymc", "numpyro", "pymc3"] = Field(
        "auto",
        title="Engine",
        description="collapsed: exact, from sums, its cost does not grow with the tracks; the others sample the same "
        "model row by row, slowly, as references: rows with nutpie, pymc with PyMC's own NUTS, numpyro with NumPyro's, "
        "pymc3 with PyMC3 itself, in an environment that is made for it. "
        "auto: collapsed where the likelihood is normal, else rows.",
    )
    parametrisation: Literal["auto", "centred", "non_centred"] = Field(
        "auto",
        title="Parametrisation",
        description="What NUTS moves in, row by row: centred suits groups with many tracks, non_centred with few; "
        "auto puts each in between, by how much its tracks say. The posterior is the same.",
    )
    time_limit: float = Field(
        60,
        ge=0,
        le=10_000,
        title="Time limit",
        description="Minutes after which PyMC3 is stopped, with engine pymc3; 0: never.",
    )
    draws: int = Field(1000, ge=4, le=100_000, title="Draws a chain", description="Kept draws of each chain.")
    tune: int = Field(
        300, ge=4, le=100_000, title="Tuning steps", description="Steps of each chain that are thrown away."
    )
    chains: int = Field(4, ge=1, le=64, title="Chains", description="The gate wants at least 2.")
    seed: int = Field(1, ge=0, le=2**32 - 1, title="Seed", description="The same seed gives the same posterior.")
    target_accept: float = Field(
        0.8, gt=0.5, lt=1, title="Target acceptance", description="Higher: smaller, safer steps."
    )
    artist_draws: int = Field(
        500,
        ge=0,
        le=100_000,
        title="Artists with stored draws",
        description="posterior.nc holds artist_effect for this many artists, those with most tracks first. "
        "Every artist's mean, sd and interval are published whatever this is.",
    )
    interval: float = Field(
        0.9, gt=0, lt=1, title="Interval", description="Probability inside the published intervals."
    )
    priors: Priors = Field(Priors(), title="Priors", description="auto, or a distribution: normal(50, 52).")

    @model_validator(mode="after")
    def _sums_are_of_the_normal_model(self) -> Self:
        if self.engine == "collapsed" and self.likelihood != "normal":
            message = (
                "the collapsed engine works from sums, which only the normal likelihood has; use engine auto or rows"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _only_pymc3_is_stopped(self) -> Self:
        if self.engine != "pymc3" and self.time_limit != type(self).model_fields["time_limit"].default:
            message = f"a time limit is kept by engine pymc3 alone, and the engine is {self.engine}: leave it out"
            raise ValueError(message)
        return self

    @property
    def resolved_engine(self) -> str:
        """The engine that `auto` stands for."""
        if self.engine != "auto":
            return self.engine
        return "collapsed" if self.likelihood == "normal" else "rows"

    @property
    def row_by_row(self) -> bool:
        """Whether the engine needs every row, and not just sums."""
        return self.resolved_engine != "collapsed"


class PublishParameters(_Parameters):
    """How a publication looks."""

    promote: Literal["not_worse", "always", "never"] = Field(
        "not_worse",
        title="Promote",
        description="When readers see what was published: not_worse, unless it predicts clearly worse than what they "
        "see; always; never, until somebody says encore promote.",
    )
    figures: bool = Field(True, title="Figures", description="Draw figures/*.png.")  # noqa: FBT003 - a pydantic default


class EvaluateParameters(_Parameters):
    """How predictions are judged."""

    held_out_tracks: float = Field(
        0.1,
        ge=0,
        le=0.5,
        title="Share of tracks held out",
        description="Tracks that no fit sees, of artists that it does see: each keeps at least one.",
    )
    held_out_artists: float = Field(
        0.1,
        ge=0,
        le=0.5,
        title="Share of artists held out",
        description="Artists of whom no fit sees a track.",
    )
    most_rows: int = Field(
        20_000,
        ge=100,
        le=1_000_000,
        title="Most tracks judged",
        description="Of a large corpus a smaller share is held out: about this many tracks of each kind.",
    )
    leave_one_out: bool = Field(
        True,  # noqa: FBT003 - a pydantic default
        title="Leave one out",
        description="Also predict each track that the fits did see from all others: exact, from the sums.",
    )
    seed: int = Field(
        1, ge=0, le=2**32 - 1, title="Seed of the split", description="The same seed holds out the same tracks."
    )
