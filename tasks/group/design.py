"""From canonical tracks to the rows A = [Z, y] of the regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import CorpusRejected, InvalidParameter
from tasks.tracks import read_tracks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from schemas.parameters import GroupParameters

# A gradient costs a Cholesky factor of as many columns: 600 take some 30 ms, and minutes to sample.
MOST_COLUMNS = 600


@dataclass(frozen=True)
class Plan:
    """Which columns the regression has, decided before the tracks are summed.

    Parameters
    ----------
    credit : {"primary", "each"}
        Which credited artists a track counts for.
    features : tuple of str
        Audio features, in canonical order.
    genre_level : str
        The canonical column genres come from, or empty.
    genres : tuple of str
        Their names, sorted.
    centre : ndarray, shape (F + 1,)
        What to take from the features and from popularity before summing, near enough to their means.
    lone_genre : bool
        Whether genres were left out since there is one only, whose effect cannot be told from the intercept.
    slopes : bool
        Whether each genre has slopes of its own.
    """

    credit: str
    features: tuple[str, ...]
    genre_level: str
    genres: tuple[str, ...]
    centre: NDArray[np.float64]
    lone_genre: bool = False
    slopes: bool = False

    @property
    def width(self) -> int:
        """K, the number of columns of A = [Z, y]."""
        features, genres = len(self.features), len(self.genres)
        return 1 + features + genres + (features * genres if self.slopes else 0) + 1


def plan_for(partitions: Iterable[Path], columns: Iterable[str], parameters: GroupParameters) -> Plan:
    """Decide the columns of the regression.

    Parameters
    ----------
    partitions : iterable of Path
        Canonical Parquet. Genres are read from all of them, the approximate means from the first.
    columns : iterable of str
        The canonical columns that the whole corpus has.
    parameters : GroupParameters

    Returns
    -------
    Plan

    Raises
    ------
    CorpusRejected
        If slopes by genre are asked for, and there are no genres or no features to have them.
    InvalidParameter
        If the regression would have more than `MOST_COLUMNS` columns.
    """
    import pyarrow.compute as pc

    there = set(columns)
    partitions = list(partitions)
    features = tuple(name for name in parameters.wanted_features() if name in there)
    levels = {"finest": ("subgenres", "genres"), "broadest": ("genres", "subgenres"), "none": ()}[parameters.genres]
    level, genres, lone_genre = "", set[str](), False
    for candidate in levels:
        if candidate not in there:
            continue
        found: set[str] = set()
        for partition in partitions:
            column = read_tracks(partition, [candidate])[candidate]
            found.update(pc.unique(pc.list_flatten(column)).to_pylist())
        if len(found) > 1:
            level, genres = candidate, found
            break
        lone_genre = lone_genre or len(found) == 1
    first = read_tracks(partitions[0], [*features, "popularity"])
    centre = np.array([pc.mean(first[name]).as_py() for name in (*features, "popularity")], dtype=np.float64)
    slopes = parameters.slopes == "genre"
    plan = Plan(parameters.credit, features, level, tuple(sorted(genres)), centre, lone_genre and not level, slopes)
    _reject_slopes_that_cannot_be(plan)
    return plan


def _reject_slopes_that_cannot_be(plan: Plan) -> None:
    if plan.slopes and not (plan.features and plan.genres):
        lacks = "two genres" if plan.features else "audio features"
        message = f"--slopes genre needs {lacks} at least, which this corpus does not have; leave it out"
        raise CorpusRejected(message)
    if plan.width > MOST_COLUMNS:
        message = (
            f"{len(plan.genres):,} genres and {len(plan.features)} features make {plan.width - 1:,} coefficients"
            f"{', with slopes by genre' if plan.slopes else ''}; at most {MOST_COLUMNS:,} can be sampled: take "
            "--genres broadest, fewer --features, or --slopes none"
        )
        raise InvalidParameter(message)


def needed(plan: Plan) -> list[str]:
    """Return the canonical columns that `rows_of` reads."""
    return ["artists", "popularity", *plan.features, *filter(None, [plan.genre_level])]


def rows_of(tracks: pa.Table, plan: Plan) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return the artist and the row of A of each observation.

    Parameters
    ----------
    tracks : pyarrow.Table, n rows
        A partition, with at least the columns of `needed`.
    plan : Plan

    Returns
    -------
    names : ndarray of str, shape (m,)
        m = n for ``credit="primary"``; with ``"each"`` a track gives a row for each credited artist.
    rows : ndarray, shape (m, K)
        Intercept, centred features, genre shares, with slopes each genre's share times each centred feature, and
        centred popularity. A track found in k genres counts 1/k in each, so that its genres together weigh as much as
        anyone's.
    """
    names, parents = credited(tracks, plan.credit)
    count, genres = len(plan.features), len(plan.genres)
    rows = np.empty((tracks.num_rows, plan.width))
    rows[:, 0] = 1.0
    for position, name in enumerate(plan.features):
        rows[:, 1 + position] = tracks[name].to_numpy() - plan.centre[position]
    shares = _genre_shares(tracks, plan)
    rows[:, 1 + count : 1 + count + genres] = shares
    if plan.slopes:
        products = shares[:, :, None] * rows[:, None, 1 : 1 + count]
        rows[:, 1 + count + genres : -1] = products.reshape(len(rows), -1)
    rows[:, -1] = tracks["popularity"].to_numpy() - plan.centre[-1]
    return names, rows[parents]


def credited(tracks: pa.Table, credit: str) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return the artist and the track of each observation.

    Parameters
    ----------
    tracks : pyarrow.Table, n rows
        With at least the column ``artists``.
    credit : {"primary", "each"}

    Returns
    -------
    names : ndarray of str, shape (m,)
    parents : ndarray of int, shape (m,)
        Positions of their tracks.
    """
    import pyarrow.compute as pc

    artists = tracks["artists"].combine_chunks()
    if credit == "each":
        names, parents = pc.list_flatten(artists), pc.list_parent_indices(artists).to_numpy(zero_copy_only=False)
    else:
        names, parents = pc.list_element(artists, 0), np.arange(tracks.num_rows)
    return names.to_numpy(zero_copy_only=False), parents


def _genre_shares(tracks: pa.Table, plan: Plan) -> NDArray[np.float64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    shares = np.zeros((tracks.num_rows, len(plan.genres)))
    if plan.genre_level:
        lists = tracks[plan.genre_level].combine_chunks()
        track = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
        genre = pc.index_in(pc.list_flatten(lists), value_set=pa.array(plan.genres, pa.string())).to_numpy()
        np.add.at(shares, (track, genre), 1.0)
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1.0)
    return shares
