"""What the parts of the model are worth and what its priors expect, laid out for report, card and figures."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.reports import Design
    from tasks.publish.coefficients import Coefficient, Slope
    from tasks.publish.evidence import Evidence

_BLOCK = "block: "
_PARTS = {
    "genres": "which genre a track is in",
    "slopes": "features being worth more in some genres than in others",
    "shared": "parts that go together; below 0 where one takes back what another adds",
    "artists": "whose track it is, features and genre being equal",
    "residual": "what tracks of one artist differ by, features and genre being equal",
}
_QUANTITIES = {
    "mean": ("Mean popularity", "of all tracks"),
    "sd_of_tracks": ("How far tracks differ", "sd of popularity"),
    "sd_of_artist_means": ("How far artists differ", "sd of their tracks' means"),
    "sd_of_genre_means": ("How far genres differ", "sd of their tracks' means"),
}
_OUTSIDE = "share_outside"
_MOSTLY = 0.5


@dataclass(frozen=True)
class Share:
    """A part's share of the variance of popularity.

    Parameters
    ----------
    name, meaning : str
    block : str
        Feature block, or empty.
    mean, low, high : float
        Shares of 1.
    """

    name: str
    meaning: str
    block: str
    mean: float
    low: float
    high: float


def shares(evidence: Evidence) -> list[Share]:
    """Name the parts that the variance is shared out to; none without pooling."""
    features: dict[str, list[str]] = {}
    for column in evidence.design.columns:
        if column.kind == "feature":
            features.setdefault(column.block, []).append(column.name)
    named = []
    for part, share in evidence.sampling.variance.items():
        block = part.removeprefix(_BLOCK) if part.startswith(_BLOCK) else ""
        # A learned block is named after its features, and its name says it all.
        own = [] if set(block.split("+")) == set(features.get(block, [])) else features.get(block, [])
        meaning = ", ".join(own) if block else _PARTS.get(part, "")
        named.append(Share(block or part, meaning, block, share["mean"], share["low"], share["high"]))
    return named


@dataclass(frozen=True)
class Correlations:
    """Correlations between the features, block by block.

    Parameters
    ----------
    features, blocks : tuple of str, length F
        Those of a block stand together.
    matrix : tuple of tuple of float, F of F
    """

    features: tuple[str, ...]
    blocks: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]

    def spans(self) -> list[tuple[str, int, int]]:
        """Return each block with its first place and the one after its last."""
        ends = [at for at in range(1, len(self.blocks)) if self.blocks[at] != self.blocks[at - 1]]
        edges = [0, *ends, len(self.blocks)]
        return [(self.blocks[start], start, stop) for start, stop in pairwise(edges)]


def correlations(design: Design) -> Correlations | None:
    """Return the correlations that the design has, put in the order of its blocks; None for fewer than two features."""
    columns = [column for column in design.columns if column.kind == "feature"]
    if len(columns) < 2 or len(design.correlation) != len(columns):  # noqa: PLR2004 - a pair
        return None
    order = sorted(range(len(columns)), key=lambda place: columns[place].block)
    return Correlations(
        tuple(columns[place].name for place in order),
        tuple(columns[place].block for place in order),
        tuple(tuple(design.correlation[row][column] for column in order) for row in order),
    )


@dataclass(frozen=True)
class SlopeTable:
    """Slopes, a row a genre.

    Parameters
    ----------
    common : tuple of Coefficient, length F
        What the features are worth over all genres; block by block.
    genres : tuple of (str, tuple of Slope)
        Those whose slopes lie furthest from the common ones, the furthest first.
    total : int
        How many genres there are.
    strongest : float
        The largest absolute mean in it, in points.
    """

    common: tuple[Coefficient, ...]
    genres: tuple[tuple[str, tuple[Slope, ...]], ...]
    total: int
    strongest: float


def slope_table(evidence: Evidence, most: int) -> SlopeTable | None:
    """Lay out the slopes of at most `most` genres; None where the model has none.

    Genres are ordered by the root mean square of what their slopes differ from the common ones by.
    """
    if not evidence.slopes:
        return None
    common = sorted((row for row in evidence.coefficients if row.kind == "feature"), key=lambda row: row.block)
    by_genre: dict[str, dict[str, Slope]] = {}
    for slope in evidence.slopes:
        by_genre.setdefault(slope.genre, {})[slope.name] = slope
    rows = [(genre, tuple(slopes[each.name] for each in common)) for genre, slopes in by_genre.items()]

    def distance(slopes: tuple[Slope, ...]) -> float:
        return sum((slope.mean - each.mean) ** 2 for slope, each in zip(slopes, common, strict=True))

    rows.sort(key=lambda row: (-distance(row[1]), row[0]))
    shown = tuple(rows[:most])
    strongest = max(abs(cell.mean) for cells in (tuple(common), *(slopes for _, slopes in shown)) for cell in cells)
    return SlopeTable(tuple(common), shown, len(rows), strongest)


@dataclass(frozen=True)
class Expectation:
    """What the priors expect of a quantity, beside what was seen.

    Parameters
    ----------
    name, meaning : str
    low, median, high, observed : float
        In points; 90 % of the expected corpora lie between the ends.
    lies : {"within", "below", "above"}
        Where the observed value lies.
    """

    name: str
    meaning: str
    low: float
    median: float
    high: float
    observed: float
    lies: str


@dataclass(frozen=True)
class PriorCheck:
    """The prior predictive check.

    Parameters
    ----------
    rows : tuple of Expectation
    outside : float
        In half of the corpora that the priors expect, at least this share of tracks lies below 0 or above 100.
    mostly_outside : bool
        Whether that is most of them.
    """

    rows: tuple[Expectation, ...]
    outside: float
    mostly_outside: bool


def prior_check(found: Mapping[str, Mapping[str, float]]) -> PriorCheck | None:
    """Name the quantities of `SamplingReport.prior_predictive`; None if it has none."""
    if not found:
        return None
    rows = []
    for key, (name, meaning) in _QUANTITIES.items():
        if key in found:
            row = found[key]
            lies = "below" if row["observed"] < row["low"] else "above" if row["observed"] > row["high"] else "within"
            rows.append(
                Expectation(name, meaning, row["low"], row["median"], row["high"], row["observed"], lies),
            )
    outside = found[_OUTSIDE]["median"] if _OUTSIDE in found else 0.0
    return PriorCheck(tuple(rows), outside, outside > _MOSTLY)
