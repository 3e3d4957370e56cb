"""From a corpus's own text and types to canonical values."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import CorpusRejected
from schemas.tracks import COLUMNS, arrow_schema
from tasks.ingest.lists import split_cells

if TYPE_CHECKING:
    from schemas.tracks import Column
    from tasks.ingest.recognition import Recognised

    Read = tuple[pa.Array, pa.Array]

# What programs write where there is no value. Exact, since Na, None and Null are names of artists too.
MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL")
_TRUE = ("true", "1", "1.0", "yes")
_FALSE = ("false", "0", "0.0", "no")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TRACK = r"^(?:spotify:track:|https?://\S*/track/)([^/?#\s]+)(?:[?#].*)?$"
_INT32_END = 2**31


def coerce(file: str, table: pa.Table, recognised: Recognised) -> tuple[pa.Table, pa.Table]:
    """Return the canonical values of raw rows, and where something was there that could not be read.

    Parameters
    ----------
    file : str
        The source's name, for the error.
    table : pyarrow.Table, n rows
        Raw columns, named by position.
    recognised : Recognised
        Which of them is which, and in which units.

    Returns
    -------
    values : pyarrow.Table, n rows
        The canonical columns that the source has, in canonical order and types. What cannot be read is null.
    unreadable : pyarrow.Table, n rows
        The same columns, boolean.

    Raises
    ------
    CorpusRejected
        If a column is of a type that cannot hold what it should.
    """
    columns = [column for column in COLUMNS if column.name in recognised.positions]
    schema = pa.schema([arrow_schema().field(column.name) for column in columns])
    flags = pa.schema([pa.field(column.name, pa.bool_()) for column in columns])
    values, unreadable = [], []
    for batch in table.to_batches():
        read = [_column(file, batch, column, recognised) for column in columns]
        values.append(pa.RecordBatch.from_arrays([value for value, _ in read], schema=schema))
        unreadable.append(pa.RecordBatch.from_arrays([flag for _, flag in read], schema=flags))
    return pa.Table.from_batches(values, schema), pa.Table.from_batches(unreadable, flags)


def as_text(array: pa.Array) -> pa.Array:
    """Return any scalar array as strings; raises `pyarrow.ArrowException` for types that have no text."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.string())


def _column(file: str, batch: pa.RecordBatch, column: Column, recognised: Recognised) -> Read:
    """Return one canonical column, and where it could not be read."""
    raw = batch.column(recognised.positions[column.name])
    try:
        if column.kind == "texts":
            return _texts(raw, recognised.layout.credits if column.name == "artists" else None)
        if column.kind == "text":
            return _text(raw, is_track_id=column.name == "track_id")
        if column.kind == "boolean":
            return _booleans(raw)
        value, unreadable = _numbers(raw, recognised.layout.factors.get(column.name, 1.0))
        return (value, unreadable) if column.kind == "number" else _integers(value, unreadable)
    except pa.ArrowException:
        message = f"{file} has {column.name} of type {raw.type}, which cannot be read: store it as plain values"
        raise CorpusRejected(message) from None


def _present_text(raw: pa.Array) -> pa.Array:
    """Return values as trimmed text, with null for everything that stands for no value."""
    text = _without_nul(pc.utf8_trim_whitespace(as_text(raw)))
    return _null_where(pc.is_in(text, value_set=pa.array(MISSING)), text)


def _without_nul(text: pa.Array) -> pa.Array:
    """Replace NUL, which no name has and HDF5 cannot store."""
    if not pc.any(pc.match_substring(text, "\0"), min_count=0).as_py():
        return text
    return pc.replace_substring(text, "\0", "\N{REPLACEMENT CHARACTER}")


def _null_where(mask: pa.Array, values: pa.Array) -> pa.Array:
    if not pc.any(mask, min_count=0).as_py():
        return values
    return pc.if_else(mask, pa.scalar(None, values.type), values)


def _readable(count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value=False), count)


def _text(raw: pa.Array, *, is_track_id: bool) -> Read:
    text = _present_text(raw)
    if is_track_id:  # given as an address, it ends in the id
        text = pc.replace_substring_regex(text, _TRACK, r"\1")
    return text, _readable(len(text))


def _booleans(raw: pa.Array) -> Read:
    text = pc.utf8_lower(_present_text(raw))
    true = pc.is_in(text, value_set=pa.array(_TRUE))
    known = pc.or_(true, pc.is_in(text, value_set=pa.array(_FALSE)))
    return _null_where(pc.invert(known), true), pc.and_(pc.is_valid(text), pc.invert(known))


def _numbers(raw: pa.Array, factor: float) -> Read:
    if pa.types.is_integer(raw.type) or pa.types.is_floating(raw.type):
        values = raw.cast(pa.float64(), safe=False)  # popularity needs no more than 53 bits
        present = pc.and_(pc.is_valid(values), pc.invert(pc.is_nan(values).fill_null(True)))  # noqa: FBT003 - Arrow's signature
    else:
        text = _present_text(raw)
        values, present = _parsed(text), pc.is_valid(text)
    # A number that is not finite measures nothing.
    values = _null_where(pc.invert(pc.is_finite(values)), values)
    unreadable = pc.and_(present, pc.is_null(values))
    return values if factor == 1 else pc.multiply(values, factor), unreadable


def _parsed(text: pa.Array) -> pa.Array:
    try:
        return text.cast(pa.float64())  # all or nothing, but fast
    except pa.ArrowInvalid:
        distinct = text.dictionary_encode()
        numbers = [float(one) if _NUMBER.fullmatch(one) else math.nan for one in distinct.dictionary.to_pylist()]
        return pa.array(numbers, pa.float64()).take(distinct.indices)


def _integers(values: pa.Array, unreadable: pa.Array) -> Read:
    """Narrow whole numbers; 10.0 is one, 10.5 is not."""
    whole = pc.and_(pc.equal(values, pc.floor(values)), pc.less(pc.abs(values), _INT32_END))
    broken = pc.invert(whole).fill_null(False)  # noqa: FBT003 - Arrow's signature
    return _null_where(broken, values).cast(pa.int32()), pc.or_(unreadable, broken)


def _texts(raw: pa.Array, separator: str | None) -> Read:
    """Return lists of distinct, non-empty texts; null where none is left."""
    if pa.types.is_list(raw.type) or pa.types.is_large_list(raw.type):
        lists = [
            _distinct(_without_nul(as_text(pa.array(cell, raw.type.value_type))).to_pylist()) if cell else None
            for cell in raw.to_pylist()
        ]
        return pa.array(lists, pa.list_(pa.string())), _readable(len(raw))
    return split_cells(_present_text(raw), separator), _readable(len(raw))


def _distinct(texts: list[str | None]) -> list[str] | None:
    return list(dict.fromkeys(text.strip() for text in texts if text and text.strip())) or None
