"""Parquet in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file, or some of its columns."""
    import pyarrow.parquet as pq

    # Not `pq.read_table`: it goes through pyarrow.dataset, which imports pandas, and a leaderboard of ten rows waits.
    with pq.ParquetFile(path) as file:
        return file.read(columns=columns)


def write_table(table: pa.Table, path: Path) -> None:
    """Write Parquet whose bytes depend on the table alone."""
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd")
