"""Whether what is told of a posterior is what follows from its draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.reports import SamplingReport
    from tasks.gate.artists import ArtistDiagnostics
    from tasks.gate.reading import Drawn

    Floats = NDArray[np.float64]

# Of a mean that follows from the same draws in another way, in its Monte Carlo errors; of an sd, as a share. Of a
# million means, one is six errors off in one of five hundred posteriors.
_ERRORS, _SHARE = 6.0, 0.2
_ROUNDING = 1e-3  # points: single precision, and means that are published rounded
_SAME = 1e-6  # of the same draws, by the same sums
_COLUMNS = {"level": ("mean", "sd"), "effect": ("effect_mean", "effect_sd")}


def disagreements(path: Path, artists: ArtistDiagnostics) -> list[str]:
    """Hold ``artists.parquet`` against what was found of each artist.

    Parameters
    ----------
    path : Path
        In any order of rows.
    artists : ArtistDiagnostics

    Returns
    -------
    list of str
        A sentence on each thing that does not agree.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = ["artist", *(name for kind in artists.columns for name in _COLUMNS[kind])]
    try:
        table = pq.read_table(path, columns=wanted)
    except (OSError, pa.ArrowException) as error:
        return [f"cannot be read ({' '.join(str(error).split())[:120]})"]
    if lacking := [name for name in wanted if name not in table.column_names]:
        return [f"has no column {', '.join(lacking)}"]
    place_of = {name: place for place, name in enumerate(artists.names)}
    names = table["artist"].to_pylist()
    if len(names) != len(place_of) or set(names) != place_of.keys():
        return [f"has {len(set(names)):,} artists, the draws are of {len(place_of):,}, and they are not the same"]
    place = np.array([place_of[name] for name in names], dtype=np.int64)
    found = []
    for kind, columns in artists.columns.items():
        published_mean, published_sd = (_numbers(table[name]) for name in _COLUMNS[kind])
        sd = columns["sd"][place]
        with np.errstate(all="ignore"):
            far = np.abs(published_mean - artists.means[kind][place])
            wrong = ~(far <= _ERRORS * columns["mcse_mean"][place] + _ROUNDING)
            # An sd has the relative error of the ends and more; a table of another posterior is further off.
            other = ~(np.abs(published_sd - sd) <= _SHARE * sd + _ROUNDING)
        for column, mask in zip(_COLUMNS[kind], (wrong, other), strict=True):
            if mask.any():
                first = names[int(np.argmax(mask))]
                found.append(f"{column} of {int(mask.sum()):,} artists is not what the draws say, {first} for one")
    return found


def summaries_that_differ(drawn: Drawn, report: SamplingReport) -> list[str]:
    """Hold what the report of `sample` says of shares and of a new artist against the draws of both.

    Parameters
    ----------
    drawn : Drawn
    report : SamplingReport

    Returns
    -------
    list of str
        A sentence on each thing that does not agree; empty where there are no such draws.
    """
    found = []
    shares, below = (drawn.variables.get(name) for name in ("variance_share", "new_artist_below"))
    if shares is not None:
        means = dict(zip(drawn.labels["part"], shares.mean(axis=(0, 1)).tolist(), strict=True))
        told = {part: share["mean"] for part, share in report.variance.items()}
        if means.keys() != told.keys() or not all(abs(means[part] - told[part]) <= _SAME for part in told):
            found.append("does not hold the shares of variance that follow from the draws")
    if below is not None:
        tails = np.array([(1 - report.interval) / 2, (1 + report.interval) / 2])
        means_below = below.mean(axis=(0, 1))
        if means_below.shape != tails.shape or not (np.abs(means_below - tails) <= _SAME).all():
            found.append("does not hold the interval of a new artist that follows from the draws")
    return found


def _numbers(column: Any) -> Floats:
    return np.asarray(column.to_numpy(), dtype=np.float64)
