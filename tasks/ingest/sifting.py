"""One source: its good rows as canonical Parquet, its bad rows in quarantine, and what was found of them.

Nothing here depends on the other sources of a corpus, so that a source is read once, whatever it comes with.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemas.expectations import row_rules
from schemas.quarantine import QUARANTINE
from schemas.reports import SiftReport
from schemas.tracks import COLUMNS, arrow_schema
from tasks.ingest.background import Ahead
from tasks.ingest.changing import blamed_on_changes, check_unchanged
from tasks.ingest.coercion import coerce
from tasks.ingest.evidence import SAMPLE_ROWS
from tasks.ingest.extremes import Extremes
from tasks.ingest.noting import bad_rows, without_noted
from tasks.ingest.partitions import whole
from tasks.ingest.quarantine import Quarantine
from tasks.ingest.readers import open_reader
from tasks.ingest.recognition import recognise
from tasks.ingest.tallies import Tally
from tasks.ingest.writing import PartWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from schemas.parameters import IngestParameters
    from schemas.references import Source
    from tasks.ingest.inspection import Inspection
    from tasks.ingest.readers import Partition
    from tasks.ingest.recognition import Recognised

    Coerced = tuple[Partition, pa.Table | None, pa.Table | None]

REPORT = "sifted.json"
# Where fewer rows than one in so many are bad, those between them are written as they lie.
_FEW = 400


@dataclass(frozen=True)
class Found:
    """What was found of a source, and the hashes of its partitions, by path, which are on the disk already."""

    report: SiftReport
    hashes: Mapping[str, str]


def sift(
    source: Source,
    parameters: IngestParameters,
    folder: Path,
    inspection: Inspection,
    progress: Callable[[int, int | None], None] = lambda _done, _of: None,
) -> Found:
    """Read a source and tell good rows from bad.

    Parameters
    ----------
    source : Source
    parameters : IngestParameters
        Of them, those in `key_parameters` matter here.
    folder : Path
        Is given ``tracks/part-00000.parquet`` and so on, ``quarantine.parquet`` and ``sifted.json``.
    inspection : Inspection
        Judges the rows; set up when it is known that there are some to judge.
    progress : callable
        Told how many rows have been read, and of how many where that is known.

    Returns
    -------
    Found

    Raises
    ------
    CorpusChanging
        If somebody writes to it meanwhile.
    CorpusRejected
        If the source cannot be read or lacks a column that there must be.
    """
    tally, kept = Tally(), Extremes()
    noted: Counter[str] = Counter()
    identity = identity_of(source)
    rows_in = 0
    with (
        blamed_on_changes(source, parameters.max_unfold),
        contextlib.closing(open_reader(source, parameters.max_unfold)) as reader,
        Quarantine(folder / QUARANTINE) as quarantine,
        PartWriter(folder) as writer,
    ):
        sample = whole(reader.partitions(SAMPLE_ROWS)).table
        recognised = recognise(source.name, reader.names, sample, parameters.columns)
        rules = row_rules(recognised.positions)
        inspection.begin()
        pieces = Ahead(reader.partitions(parameters.partition_rows, _numbers(recognised)))
        with pieces, Ahead(_coerced(source, recognised, pieces)) as coerced:
            for piece, values, unreadable in coerced:
                rows_in += len(piece.rows) + len(piece.malformed)
                reasons: dict[int, list[str]] = {}
                if values is not None and unreadable is not None:
                    broken = inspection.inspect(rules, values, unreadable, piece.rows, tally, kept)
                    reasons = bad_rows(broken)
                    emptied, noted_here = without_noted(values, piece.rows, broken, reasons)
                    noted.update(noted_here)
                    writer.add(_kept(_canonical(identity, piece.rows, emptied), piece.rows, reasons))
                if piece.ends:
                    writer.end()
                quarantine.add(reader, piece, reasons)
                progress(rows_in, reader.total)
        quarantine.put(reader)
        with ThreadPoolExecutor(1) as beside:
            checking = beside.submit(check_unchanged, source, parameters.max_unfold)
            inspection.confirm(rules, kept, tally)
            checking.result()
    report = SiftReport(
        layout=recognised.layout.name,
        why="; ".join(filter(None, [recognised.why, reader.note])),
        columns=tuple(column.name for column in COLUMNS if column.name in recognised.positions),
        rows_in=rows_in,
        quarantined=quarantine.rows,
        reasons=quarantine.reasons,
        first=quarantine.first,
        noted=dict(noted),
        tally=tuple(tally.plain()),
        parts=tuple(one.plain() for one in writer.sums),
    )
    (folder / REPORT).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return Found(report, writer.hashes)


def key_parameters(parameters: IngestParameters) -> dict[str, object]:
    """Return the parameters that what is found of a source depends on."""
    return {"partition_rows": parameters.partition_rows, "columns": dict(parameters.columns)}


def identity_of(source: Source) -> int:
    """Return the number that rows carry for their source: the first 15 hex digits of its hash."""
    return int(source.sha256[:15], 16)


def _numbers(recognised: Recognised) -> frozenset[int]:
    """Return the positions of the columns that should hold numbers, as Arrow reads them."""
    if recognised.layout.decimal != ".":
        return frozenset()
    kinds = {column.name: column.kind for column in COLUMNS}
    return frozenset(
        position for name, position in recognised.positions.items() if kinds[name] in {"number", "integer"}
    )


def _coerced(source: Source, recognised: Recognised, pieces: Iterable[Partition]) -> Iterator[Coerced]:
    for piece in pieces:
        if len(piece.rows):
            yield piece, *coerce(source.name, piece.table, recognised)
        else:
            yield piece, None, None


def _kept(tracks: pa.Table, rows: NDArray[np.int64], bad: Mapping[int, object]) -> pa.Table:
    """Return the tracks that are not bad.

    Parameters
    ----------
    tracks : pyarrow.Table, n rows
    rows : ndarray of int64, shape (n,)
        Their record numbers, ascending.
    bad : mapping of int
        Some of these.
    """
    if len(bad) * _FEW > len(rows):
        return tracks.filter(pa.array(~np.isin(rows, list(bad))))
    ends = [*np.searchsorted(rows, sorted(bad)).tolist(), len(rows)]
    starts = [0, *(end + 1 for end in ends[:-1])]
    return pa.concat_tables([tracks.slice(start, end - start) for start, end in zip(starts, ends, strict=True)])


def _canonical(source: int, rows: NDArray[np.int64], values: pa.Table) -> pa.Table:
    count = values.num_rows
    columns = [pa.array(np.full(count, source, dtype=np.int64)), pa.array(rows)]
    columns += [
        values[field.name] if field.name in values.column_names else pa.nulls(count, field.type)
        for field in list(arrow_schema())[2:]
    ]
    return pa.table(columns, schema=arrow_schema())
