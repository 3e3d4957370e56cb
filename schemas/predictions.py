"""What a prediction says, and what it can be asked."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

ARTIST = "artist"
GENRES = "genres"
# What else the columns of a file of tracks may be called.
ALIASES = {"artists": ARTIST, "genre": GENRES}

NOBODY = "nobody seen"


@cache
def predictions_schema() -> pa.Schema:
    """Return the Arrow schema of predictions, a row a request."""
    import pyarrow as pa

    def column(name: str, kind: pa.DataType, description: str) -> pa.Field:
        return pa.field(name, kind, metadata={"description": description})

    number = pa.float64()
    return pa.schema(
        [
            column("row", pa.int64(), "number of the request, from 1"),
            column("artist", pa.string(), "as asked for; null for an artist nobody has seen"),
            column("tracks", pa.int64(), "tracks of the artist that the model has seen"),
            column("basis", pa.string(), "what the prediction rests on: those tracks, or nobody seen"),
            column("mean", number, "expected popularity of the track, points"),
            column("sd", number, "sd of its popularity, points; null where it has none"),
            column("low", number, "lower end of its interval, kept within 0..100"),
            column("high", number, "upper end of its interval, kept within 0..100"),
            column("p_zero", number, "probability that the model puts at 0 or below"),
            column("p_hundred", number, "probability that the model puts at 100 or above"),
        ]
    )


def as_table(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Return columns of `predictions_schema` as a table; NaN becomes null."""
    import pyarrow as pa

    schema = predictions_schema()
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
    return pa.table(arrays, schema=schema)
