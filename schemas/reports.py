"""What each step says about its work, as JSON beside its files."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, computed_field


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True)


class RowCounts(_Report):
    """Where the rows went; ``rows_in == kept + repeats + quarantined``, always.

    ``recordings`` of the repeats are re-releases of a recording under another id.
    """

    rows_in: int
    kept: int
    repeats: int
    quarantined: int
    recordings: int = 0

    @computed_field  # type: ignore[prop-decorator]  # pydantic stacks it on property, which mypy cannot follow
    @property
    def balanced(self) -> bool:
        """Whether every row is accounted for."""
        return self.rows_in == self.kept + self.repeats + self.quarantined


class SiftReport(_Report):
    """What was found of one source by itself: ``sift/<key>/sifted.json``.

    Attributes
    ----------
    layout, why : str
        The layout it has, and why we think so.
    columns : tuple of str
        Canonical columns that it has.
    rows_in, quarantined : int
    reasons, first : dict
        Reason for quarantine to number of rows, and to the first of them.
    noted : dict
        Reason for leaving a value out to number of rows.
    tally : tuple of dict
        How many rows kept each rule; see `tasks.ingest.tallies`.
    parts : tuple of dict
        What each partition is like; see `tasks.ingest.sums`.
    """

    layout: str
    why: str
    columns: tuple[str, ...]
    rows_in: int
    quarantined: int
    reasons: dict[str, int]
    first: dict[str, int]
    noted: dict[str, int]
    tally: tuple[dict[str, Any], ...]
    parts: tuple[dict[str, Any], ...]


class SourceReport(_Report):
    """One source: what its rows are marked with, its name and hash, its layout, why we think so, and its rows."""

    id: int
    name: str
    sha256: str
    layout: str
    why: str
    rows_in: int


class IngestReport(_Report):
    """What ingest read: ``ingest/<key>/report.json``.

    Attributes
    ----------
    sources : tuple of SourceReport
    rows : RowCounts
    reasons : dict
        Reason for quarantine to number of rows; a row can have several.
    columns : tuple of str
        Canonical columns that every source has.
    conflicts : int
        Repeated ids whose popularity differs between repeats.
    mean_popularity, share_of_zeros : float
        Of the kept rows.
    warnings : tuple of str
        What Great Expectations found that is no reason to stop.
    noted : dict
        Reason to number of rows that stay without a value which could not be true.
    genres : tuple of str
        Genres of the kept rows at any level, sorted; empty where there are very many.
    """

    sources: tuple[SourceReport, ...]
    rows: RowCounts
    reasons: dict[str, int]
    columns: tuple[str, ...]
    conflicts: int
    mean_popularity: float
    share_of_zeros: float
    warnings: tuple[str, ...] = ()
    noted: dict[str, int] = {}
    genres: tuple[str, ...] = ()


class LastCorpus(_Report):
    """What a corpus published under a name was like, to hold the next one against.

    Attributes
    ----------
    sources : tuple of str
        SHA-256 of its files, sorted: the same files are the same corpus.
    names : tuple of str
        What those were called, in that order; empty where it is not known.
    mean_popularity : float
        In points.
    genres : tuple of str
        Empty where it had none.
    """

    sources: tuple[str, ...]
    mean_popularity: float
    genres: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class DesignColumn(_Report):
    """One column of the regression.

    Attributes
    ----------
    name : str
    kind : str
        ``intercept``, ``feature``, ``genre`` or ``slope`` (genre share x standardised feature).
    block : str
        The block a feature or slope is shrunk in.
    centre, scale : float
        What was taken from a feature, and what it was divided by.
    genre, feature : str
        What a slope is the product of.
    """

    name: str
    kind: str
    block: str = ""
    centre: float = 0.0
    scale: float = 1.0
    genre: str = ""
    feature: str = ""

    @property
    def variable(self) -> tuple[str, ...]:
        """Where the draws of its coefficient are: a variable of ``posterior.nc``, and the labels in it."""
        match self.kind:
            case "feature":
                return "beta", self.name
            case "genre":
                return "genre_effect", self.name
            case "slope":
                return "slope_deviation", self.genre, self.feature
        return ("mu",)


class Design(_Report):
    """What group made: ``group/<key>/design.json``.

    Attributes
    ----------
    columns : tuple of DesignColumn
        The D columns of Z: the intercept first, then features, then genres, then slopes, genre by genre.
    observations : int
        Rows of the regression: tracks, or track x credited artist.
    artists : int
    popularity_mean, popularity_sd : float
        In points. y enters the sums minus its mean.
    dropped : tuple of str
        Features left out because they do not vary, or genres because there is one only.
    genre_level : str
        ``genres``, ``subgenres`` or empty.
    share_of_zeros : float, optional
        Of the observations; None in a design of an older Encore.
    blocks_from : str
        ``declared`` or ``learned``.
    correlation : tuple of tuple of float
        Between the features, over observations, in the order of `names("feature")`.
    """

    columns: tuple[DesignColumn, ...]
    observations: int
    artists: int
    popularity_mean: float
    popularity_sd: float
    dropped: tuple[str, ...] = ()
    genre_level: str = ""
    blocks_from: str = "declared"
    correlation: tuple[tuple[float, ...], ...] = ()
    share_of_zeros: float | None = None

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the names of the columns of a kind: ``intercept``, ``feature``, ``genre`` or ``slope``."""
        return tuple(column.name for column in self.columns if column.kind == kind)

    def blocks(self) -> tuple[str, ...]:
        """Return the names of the feature blocks, sorted."""
        return tuple(sorted({column.block for column in self.columns if column.kind == "feature"}))


class SamplingReport(_Report):
    """How the posterior was drawn: ``sample/<key>/sampling.json``.

    Attributes
    ----------
    engine, sampler : str
    pooling, likelihood : str
    priors : dict of str to str
        The priors as used, defaults resolved.
    new_artist : dict of str to float
        Next track of an artist nobody has seen: ``mean, sd, low, high`` in points, the ends kept within 0..100.
    interval : float
    versions : dict of str to str
        Packages that the posterior depends on.
    variance : dict of str to dict
        Share of the variance of popularity that goes with each part: ``block: <name>``, ``genres``, ``slopes``,
        ``artists``, ``residual``; each ``mean, low, high`` over the posterior.
    prior_predictive : dict of str to dict
        What the priors expect before any track is seen, beside what was observed: a quantity to ``low, median, high,
        observed``.
    derived : dict of str to int
        Variables in the group ``derived`` of ``posterior.nc``, with how many scalars each; empty in older ones, which
        have no such group.
    """

    engine: str
    sampler: str
    pooling: str
    priors: dict[str, str]
    new_artist: dict[str, float]
    interval: float
    versions: dict[str, str]
    likelihood: str = "normal"
    variance: dict[str, dict[str, float]] = {}
    prior_predictive: dict[str, dict[str, float]] = {}
    derived: dict[str, int] = {}
