"""The canonical track table: the one place that says what a track is.

The Arrow schema, the Great Expectations suite, the reasons in the quarantine and docs/tracks.md are all built from
`COLUMNS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "number", "integer", "boolean", "texts"]
Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Column:
    """One column of the canonical track table.

    Parameters
    ----------
    name : str
        Its name in canonical Parquet, snake_case.
    kind : {"text", "number", "integer", "boolean", "texts"}
        ``texts`` is a list of strings; the rest are scalars.
    description : str
        What it means, for the docs and the Data Docs.
    unit : str
        The unit of its values after reading.
    low, high : float, optional
        The closed range outside which a value cannot be true.
    required : bool
        Whether a corpus without it is rejected as a whole. Other columns may be absent from a corpus.
    nullable : bool
        Whether a row may lack it although the corpus has it.
    pattern : str, optional
        A regular expression that the text must match.
    block : str, optional
        The feature block whose shrinkage scale its coefficient shares. Set for audio features, and only for them.
    severity : {"critical", "warning"}
        What a value that cannot be true costs: critical, the row goes to quarantine; warning, the row stays without
        the value. A value that is missing where it may not be always costs the row.
    """

    name: str
    kind: Kind
    description: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    required: bool = False
    nullable: bool = False
    pattern: str | None = None
    block: str | None = None
    severity: Severity = "critical"


ID_LENGTH = 22
TRACK_ID = rf"^[0-9A-Za-z]{{{ID_LENGTH}}}$"

COLUMNS: tuple[Column, ...] = (
    Column("track_id", "text", "Spotify's id of the track", nullable=True, pattern=TRACK_ID),
    Column("track_name", "text", "title of the track", nullable=True),
    Column("artists", "texts", "credited artists, the primary one first", required=True),
    Column("album_name", "text", "title of the album", nullable=True),
    Column("popularity", "number", "Spotify's popularity of the track", "points", 0, 100, required=True),
    Column("genres", "texts", "genres it was found in, broad", nullable=True),
    Column("subgenres", "texts", "genres it was found in, fine", nullable=True),
    # The model uses none of the next five, so a bad one need not cost the track.
    Column(
        "release_date",
        "text",
        "date of release: YYYY, YYYY-MM or YYYY-MM-DD",
        nullable=True,
        pattern=r"^\d{4}(?:-\d\d){0,2}$",
        severity="warning",
    ),
    Column("explicit", "boolean", "whether the lyrics are marked explicit", nullable=True, severity="warning"),
    Column(
        "key",
        "integer",
        "pitch class, 0 = C; -1 where none was detected",
        "pitch class",
        -1,
        11,
        nullable=True,
        severity="warning",
    ),
    Column("mode", "integer", "1 = major, 0 = minor", "", 0, 1, nullable=True, severity="warning"),
    Column("time_signature", "integer", "beats in a bar", "beats", 0, 12, nullable=True, severity="warning"),
    Column("danceability", "number", "how suitable for dancing", "share", 0, 1, block="rhythm"),
    Column("energy", "number", "intensity and activity", "share", 0, 1, block="energy"),
    Column("loudness", "number", "mean loudness", "dB", -70, 10, block="energy"),
    Column("speechiness", "number", "presence of spoken words", "share", 0, 1, block="voice"),
    Column("acousticness", "number", "confidence that it is acoustic", "share", 0, 1, block="energy"),
    Column("instrumentalness", "number", "confidence that it has no vocals", "share", 0, 1, block="voice"),
    Column("liveness", "number", "confidence that it was played live", "share", 0, 1, block="mood"),
    Column("valence", "number", "musical positiveness", "share", 0, 1, block="mood"),
    Column("tempo", "number", "tempo; 0 where none was detected", "beats/min", 0, 300, block="rhythm"),
    Column("duration_ms", "number", "length", "ms", 1, 36_000_000, block="rhythm"),
)

BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}
FEATURES: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.block)
BLOCKS: tuple[str, ...] = tuple(sorted({column.block for column in COLUMNS if column.block}))


@cache
def arrow_schema() -> pa.Schema:
    """Return the Arrow schema of canonical Parquet.

    Besides `COLUMNS` it holds where each row came from: ``source`` (the id of a source in the ingest report) and
    ``row`` (the record's number in that source, from 1).

    Returns
    -------
    pyarrow.Schema
        Units, ranges and severities stand in each field's metadata.
    """
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "number": pa.float64(),
        "integer": pa.int32(),
        "boolean": pa.bool_(),
        "texts": pa.list_(pa.string()),
    }
    fields = [pa.field("source", pa.int64(), nullable=False), pa.field("row", pa.int64(), nullable=False)]
    for column in COLUMNS:
        metadata = {"description": column.description, "unit": column.unit, "severity": column.severity}
        if column.low is not None:
            metadata["range"] = f"{column.low:g}..{column.high:g}"
        fields.append(pa.field(column.name, types[column.kind], nullable=True, metadata=metadata))
    return pa.schema(fields)
