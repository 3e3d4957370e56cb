"""The quarantine: rows that were left out, each as it came, with everything that is wrong with it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import pyarrow as pa

QUARANTINE = "quarantine.parquet"
REJECTED = "rejected"
REJECTED_REPORT = "rejected.json"


@cache
def quarantine_schema() -> pa.Schema:
    """Return the Arrow schema of ``quarantine.parquet``."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("source", pa.string(), metadata={"description": "file name"}),
            pa.field("row", pa.int64(), metadata={"description": "number of the record in it, from 1"}),
            pa.field("line", pa.int64(), metadata={"description": "line that it starts in, from 1; null if unknown"}),
            pa.field("reasons", pa.list_(pa.string()), metadata={"description": "what is wrong with it"}),
            pa.field("raw", pa.string(), metadata={"description": "JSON of its columns and text; else its line"}),
        ]
    )


class RejectedReport(BaseModel):
    """``rejected.json``: why a corpus was rejected, and which files it was."""

    model_config = ConfigDict(frozen=True)

    reason: str
    sources: tuple[str, ...]
