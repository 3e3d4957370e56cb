"""What predictions are asked for, checked: artists, features and genres, column by column.

Plain lists rather than Arrow: making the smallest of arrays, pyarrow imports pandas, and one prediction would wait two
seconds for it.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import InvalidParameter
from schemas.predictions import ALIASES, ARTIST, GENRES
from schemas.tracks import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from schemas.reports import Design

    Floats = NDArray[np.float64]
    Columns = Mapping[str, Sequence[object]]

# What programs write where there is no number.
_MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL")
_TYPING_ERROR = 0.8  # as alike as `enrgy` and `energy`


@dataclass(frozen=True)
class Requests:
    """C tracks to be predicted.

    Parameters
    ----------
    artists : list of str or None, length C
        None for an artist nobody has seen.
    features : ndarray, shape (C, F)
        In their own units, in the order of the design; NaN where not given.
    shares : ndarray, shape (C, G)
        Of each genre; zero where no genre is given.
    """

    artists: list[str | None]
    features: Floats
    shares: Floats


def as_columns(requests: Any) -> Columns:
    """Return requests column by column.

    Parameters
    ----------
    requests
        An Arrow table, a data frame of pandas or polars, or a sequence of mappings.
    """
    if hasattr(requests, "__arrow_c_stream__"):
        import pyarrow as pa

        table = pa.table(requests)
        return table.to_pydict() if table.num_columns else {ARTIST: [None] * table.num_rows}
    rows: Sequence[Mapping[str, object]] = list(requests)
    names = dict.fromkeys([ARTIST, *(name for row in rows for name in row if name != "artists")])
    return {name: [row.get(name) for row in rows] for name in names}


def columns_used(names: Sequence[str], design: Design) -> tuple[dict[str, str], list[str]]:
    """Sort out which columns a prediction reads.

    Parameters
    ----------
    names : sequence of str
        Of a table of requests.
    design : Design

    Returns
    -------
    used : dict of str to str
        ``artist``, ``genres`` or a feature of the model, to the name of its column.
    ignored : list of str
        The others.

    Raises
    ------
    InvalidParameter
        If a column comes twice, or looks like a misspelt one: left out in silence, it would change the prediction.
    """
    known = [ARTIST, GENRES, *ALIASES, *design.names("feature")]
    used: dict[str, str] = {}
    ignored = []
    for name in names:
        meaning = ALIASES.get(name, name)
        if meaning in used:
            message = f"columns {used[meaning]!r} and {name!r} both give {meaning}; leave one out"
            raise InvalidParameter(message)
        if name in known:
            used[meaning] = name
            continue
        if name not in BY_NAME and (close := difflib.get_close_matches(name.casefold(), known, 1, _TYPING_ERROR)):
            message = (
                f"column {name!r} is none that predictions read; if it is {close[0]}, call it so, else leave it out"
            )
            raise InvalidParameter(message)
        ignored.append(name)
    return used, ignored


def read_requests(columns: Columns, design: Design, first_row: int | None = 1) -> Requests:
    """Check requests.

    Parameters
    ----------
    columns : mapping of str to sequence, each of length C
        ``artist``: text, or nothing for an artist nobody has seen. ``genres``: text with ``;`` between several, or
        lists of text. Features under their canonical names, in their own units, as numbers or text. Where there is no
        value, it is not given.
    design : Design
    first_row : int, optional
        The number of the first request, for errors; None if they need not say which.

    Returns
    -------
    Requests

    Raises
    ------
    InvalidParameter
        If a value cannot be what its column says, with its row.
    """
    used, _ = columns_used(list(columns), design)
    count = max((len(values) for values in columns.values()), default=0)
    names = design.names("feature")
    features = np.full((count, len(names)), np.nan)
    for place, name in enumerate(names):
        if name in used:
            features[:, place] = _numbers(columns[used[name]], name, first_row)
    artists: list[str | None] = [None] * count
    if ARTIST in used:
        artists = [_artist(cell, _where(first_row, row)) for row, cell in enumerate(columns[used[ARTIST]])]
    shares = np.zeros((count, len(design.names("genre"))))
    if GENRES in used:
        _fill_shares(shares, columns[used[GENRES]], design, first_row)
    return Requests(artists, features, shares)


def rows_for(asked: Requests, means: Floats, design: Design) -> Floats:
    """Return the row of Z of each request.

    Parameters
    ----------
    asked : Requests
        Of C tracks.
    means : ndarray, shape (C, D)
        Where nothing is asked for: the mean row of the artist's own tracks, or of all tracks.
    design : Design
        Of D columns.

    Returns
    -------
    ndarray, shape (C, D)
    """
    z = means.copy()
    given, genres_given = ~np.isnan(asked.features), asked.shares.any(axis=1)
    place_of = {(column.kind, column.name): place for place, column in enumerate(design.columns)}
    features = {name: number for number, name in enumerate(design.names("feature"))}
    genres = {name: number for number, name in enumerate(design.names("genre"))}
    for place, column in enumerate(design.columns):
        match column.kind:
            case "feature":
                number = features[column.name]
                standardised = (asked.features[:, number] - column.centre) / column.scale
                z[:, place] = np.where(given[:, number], standardised, z[:, place])
            case "genre":
                z[:, place] = np.where(genres_given, asked.shares[:, genres[column.name]], z[:, place])
            case "slope":
                # The mean of a product is right only where neither factor is asked to be another.
                moved = genres_given | given[:, features[column.feature]]
                product = z[:, place_of["genre", column.genre]] * z[:, place_of["feature", column.feature]]
                z[:, place] = np.where(moved, product, z[:, place])
    return z


def _artist(cell: object, where: str) -> str | None:
    """Return a name as ingest would have read it, None where there is none."""
    if cell is None or cell != cell:  # noqa: PLR0124 - the NaN that pandas has where there is no text
        return None
    if isinstance(cell, list | tuple | dict):
        message = f"{where}artist is {str(cell)[:60]!r}; give the name of one artist"
        raise InvalidParameter(message)
    text = str(cell).encode("utf-8", "replace").decode()  # half a character, as JSON can have, is written nowhere
    return text.strip().replace("\0", "\N{REPLACEMENT CHARACTER}") or None


def _where(first_row: int | None, row: int) -> str:
    return "" if first_row is None else f"row {first_row + row:,}: "


def _numbers(cells: Sequence[object], name: str, first_row: int | None) -> Floats:
    """Return the values of a feature, NaN where there is none."""
    declared = BY_NAME[name]
    values = np.array([_number(cell, name, _where(first_row, row)) for row, cell in enumerate(cells)], np.float64)
    low, high = (-np.inf if declared.low is None else declared.low), (declared.high or np.inf)
    out = (values < low) | (values > high)
    if out.any():
        row = int(out.argmax())
        within = f"{low:g}..{high:,.12g} {declared.unit}".rstrip()
        message = f"{_where(first_row, row)}{name} is {values[row]:g}, and can only be within {within}"
        raise InvalidParameter(message)
    return values


def _number(cell: object, name: str, where: str) -> float:
    if cell is None:
        return np.nan
    if isinstance(cell, str) and cell.strip() in _MISSING:
        return np.nan
    try:
        return float(cell)  # type: ignore[arg-type]  # what cannot be is caught
    except (TypeError, ValueError):
        message = f"{where}{name} is {str(cell)[:60]!r}, which is no number"
        raise InvalidParameter(message) from None


def _fill_shares(shares: Floats, cells: Sequence[object], design: Design, first_row: int | None) -> None:
    genres = design.names("genre")
    places = {genre: place for place, genre in enumerate(genres)}
    for row, cell in enumerate(cells):
        for genre in (given := _genres(cell, places)):
            if genre not in places:
                message = f"{_where(first_row, row)}{_unknown_genre(genre, genres)}"
                raise InvalidParameter(message)
            shares[row, places[genre]] = 1 / len(given)


def _genres(cell: object, known: Collection[str]) -> list[str]:
    if cell is None or cell != cell:  # noqa: PLR0124 - NaN, as above
        return []
    if isinstance(cell, str):
        parts: list[object] = [cell] if cell in known else [*cell.split(";")]
    else:
        parts = list(cell) if isinstance(cell, list | tuple) else [cell]
    return list(dict.fromkeys(text for part in parts if part is not None and (text := str(part).strip())))


def _unknown_genre(genre: str, genres: tuple[str, ...]) -> str:
    if not genres:
        return f"genre {genre[:60]!r} is given, and this model has no genres; leave it out"
    close = difflib.get_close_matches(genre, genres, 3)
    also = f"there is {', '.join(map(repr, close))}" if close else f"it knows {', '.join(map(repr, genres[:10]))}"
    more = f" and {len(genres) - 10:,} more" if not close and len(genres) > 10 else ""  # noqa: PLR2004 - as cut above
    return f"the model knows no genre {genre[:60]!r}; {also}{more}"
