"""From raw sums to the design that the regression sees: standardised features, named columns, blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from schemas.errors import CorpusRejected
from schemas.reports import Design, DesignColumn
from tasks.group.blocks import declared_blocks, learned_blocks
from tasks.group.sums import Sums, changed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from schemas.parameters import GroupParameters
    from tasks.group.design import Plan

    Floats = NDArray[np.float64]


class Standardised(NamedTuple):
    """What the regression sees.

    Parameters
    ----------
    design : Design
    sums : Sums
        Of the columns of the design and y, artists in the order of their names.
    change : ndarray, shape (K, D + 1)
        Raw rows times this are rows of the design and y.
    """

    design: Design
    sums: Sums
    change: Floats


def standardise(sums: Sums, plan: Plan, parameters: GroupParameters) -> Standardised:
    """Scale the features, drop those that do not vary, and put the artists in the order of their names.

    Parameters
    ----------
    sums : Sums
        Of the raw rows that `tasks.group.design.rows_of` makes.
    plan : Plan
    parameters : GroupParameters

    Returns
    -------
    Standardised

    Raises
    ------
    CorpusRejected
        If popularity does not vary.
    """
    count = len(plan.features)
    mean = sums.cross[0] / sums.observations
    sd = np.sqrt(np.maximum(np.diag(sums.cross) / sums.observations - mean**2, 0))
    # A spread this far below the size of the numbers is their rounding, not a spread.
    if sd[-1] <= 1e-9 * (1 + abs(plan.centre[-1])):
        message = f"every track has popularity {plan.centre[-1]:g}; there is nothing to tell artists apart by"
        raise CorpusRejected(message)
    varies = sd[1 : 1 + count] > 1e-9 * (1 + np.abs(plan.centre[:-1]))
    kept = [position for position in range(count) if varies[position]]
    features = [plan.features[position] for position in kept]
    change = _change(plan, kept, mean, sd)
    order = np.argsort(sums.names, kind="stable")
    standard = changed(Sums(sums.names[order], sums.counts[order], sums.totals[order], sums.cross), change)
    correlation = standard.cross[1 : 1 + len(kept), 1 : 1 + len(kept)] / sums.observations
    learned = parameters.blocks == "learned"
    blocks = learned_blocks(features, correlation) if learned else declared_blocks(features)
    columns = [DesignColumn(name="intercept", kind="intercept")]
    columns += [
        DesignColumn(
            name=plan.features[position],
            kind="feature",
            block=blocks[plan.features[position]],
            centre=float(plan.centre[position] + mean[1 + position]),
            scale=float(sd[1 + position]),
        )
        for position in kept
    ]
    columns += [DesignColumn(name=name, kind="genre") for name in plan.genres]
    columns += [
        DesignColumn(name=f"{genre}: {name}", kind="slope", block=blocks[name], genre=genre, feature=name)
        for genre in (plan.genres if plan.slopes else ())
        for name in features
    ]
    dropped = [name for position, name in enumerate(plan.features) if not varies[position]]
    dropped += [name for name in parameters.wanted_features() if name not in plan.features]
    dropped += ["the only genre"] if plan.lone_genre else []
    design = Design(
        columns=tuple(columns),
        observations=sums.observations,
        artists=len(sums.names),
        popularity_mean=float(plan.centre[-1] + mean[-1]),
        popularity_sd=float(sd[-1]),
        dropped=tuple(dropped),
        genre_level=plan.genre_level,
        blocks_from=parameters.blocks,
        correlation=tuple(tuple(float(value) for value in row) for row in correlation),
    )
    return Standardised(design, standard, change)


def _change(plan: Plan, kept: list[int], mean: Floats, sd: Floats) -> Floats:
    """Return the matrix that takes raw rows to rows of the design and y.

    A slope's raw column is share * (feature - centre). Its standardised one, share * (feature - mean) / sd, is linear
    in that and in the genre's share.
    """
    count, genres = len(plan.features), len(plan.genres)
    change = np.zeros((len(mean), 1 + len(kept) + genres + (len(kept) * genres if plan.slopes else 0) + 1))
    change[0, 0] = 1.0
    for column, position in enumerate(kept, start=1):
        change[1 + position, column] = 1 / sd[1 + position]
        change[0, column] = -mean[1 + position] / sd[1 + position]
    for genre in range(genres):
        share = 1 + count + genre
        change[share, 1 + len(kept) + genre] = 1.0
        if plan.slopes:
            for place, position in enumerate(kept):
                column = 1 + len(kept) + genres + genre * len(kept) + place
                change[1 + count + genres + genre * count + position, column] = 1 / sd[1 + position]
                change[share, column] = -mean[1 + position] / sd[1 + position]
    change[-1, -1] = 1.0
    change[0, -1] = -mean[-1]
    return change
