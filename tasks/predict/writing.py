"""Files of predictions, written some thousands of rows at a time, and of draws."""

from __future__ import annotations

import contextlib
import csv
import json
from typing import TYPE_CHECKING, Any

from schemas.errors import InvalidParameter
from schemas.predictions import as_table, predictions_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tasks.predict.predictor import Predictor

    Columns = Mapping[str, list[Any]]
    Write = Callable[[Columns], object]

FORMATS = (".csv", ".parquet", ".json", ".jsonl")
DRAWS = (".nc",)


def checked_out(path: Path, formats: Sequence[str] = FORMATS) -> Path:
    """Return where to write, if that can be.

    Raises
    ------
    InvalidParameter
        If its ending names none of the formats, or its folder is not there.
    """
    if path.suffix.lower() not in formats:
        message = f"--out {path}: the file has to end in {' or '.join(formats)}"
        raise InvalidParameter(message)
    if not path.absolute().parent.is_dir():
        message = f"--out {path}: there is no folder {path.absolute().parent}; make it first"
        raise InvalidParameter(message)
    return path


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give a file to write, and put it in the place of `path` at the end; an interruption leaves what was there."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def predictions_file(path: Path) -> Iterator[Write]:
    """Give a function that writes columns of predictions to a file, CSV, Parquet, JSON or JSON lines by its ending."""
    formats = {".csv": _csv_out, ".parquet": _parquet_out, ".json": _json_out, ".jsonl": _json_lines_out}
    with beside(path) as partial, formats[path.suffix.lower()](partial) as write:
        yield write


@contextlib.contextmanager
def _csv_out(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(predictions_schema().names)
        yield lambda columns: writer.writerows(_records_of(columns))


@contextlib.contextmanager
def _parquet_out(path: Path) -> Iterator[Write]:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, predictions_schema(), compression="zstd") as writer:
        yield lambda columns: writer.write_table(as_table(columns))


def _lines(columns: Columns) -> Iterator[str]:
    for record in _records_of(columns):
        yield json.dumps(dict(zip(columns, record, strict=True)), ensure_ascii=False, allow_nan=False)


@contextlib.contextmanager
def _json_lines_out(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as file:
        yield lambda columns: file.writelines(f"{line}\n" for line in _lines(columns))


@contextlib.contextmanager
def _json_out(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as file:
        separator = "[\n"

        def write(columns: Columns) -> None:
            nonlocal separator
            for line in _lines(columns):
                file.write(separator + line)
                separator = ",\n"

        yield write
        file.write("\n]\n" if separator == ",\n" else "[]\n")


def _records_of(columns: Columns) -> Iterator[tuple[Any, ...]]:
    """Yield rows, None in the place of NaN."""
    for record in zip(*columns.values(), strict=True):
        yield tuple(None if cell != cell else cell for cell in record)  # noqa: PLR0124 - true of NaN alone


def write_draws(predictor: Predictor, names: Sequence[str], path: Path, seed: int | None = None) -> None:
    """Write ``artist_effect`` and ``artist_level`` of some artists, as ArviZ and xarray open them.

    Parameters
    ----------
    predictor : Predictor
    names : sequence of str
        Each once.
    path : Path
    seed : int, optional

    Raises
    ------
    InvalidParameter
        As `Predictor.artist_draws`.
    """
    import numpy as np
    import xarray as xr

    dims = ("chain", "draw", "artist")
    effects, levels = predictor.artist_draws(names, seed=seed), predictor.level_draws(names, seed=seed)
    manifest = predictor.manifest
    variables = xr.Dataset(
        {
            "artist_effect": (dims, effects, {"description": "net of genre and features, points"}),
            "artist_level": (dims, levels, {"description": "expected popularity of a track like its own, points"}),
        },
        coords={
            "chain": np.arange(effects.shape[0]),
            "draw": np.arange(effects.shape[1]),
            "artist": np.array(names, dtype=object),
        },
        attrs={"publication": manifest.name, "version": manifest.version, "creation_library": "encore"},
    )
    with beside(path) as partial:
        xr.DataTree.from_dict({"posterior": variables}).to_netcdf(partial, engine="h5netcdf")
