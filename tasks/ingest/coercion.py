"""From a corpus's own text and types to canonical values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import CorpusRejected
from schemas.layouts import LISTS
from schemas.tracks import COLUMNS, ID_LENGTH, arrow_schema
from tasks.ingest.blanks import trimmed
from tasks.ingest.buffers import all_finite, all_long, cells_of, may_hold, span
from tasks.ingest.lists import split_cells
from tasks.ingest.wording import FALSE, MISSING, TRUE, date, number, split_at, texts_of_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.layouts import Decimal, Layout
    from schemas.tracks import Column
    from tasks.ingest.recognition import Recognised

    Read = tuple[pa.Array, pa.Array]

_TRACK = r"^(?:spotify:track:|https?://\S*/tracks?/)([^/?#\s]+)(?:[?#].*)?$"
_DATE = r"^[1-9]\d{3}(-(0[1-9]|1[0-2])(-(0[1-9]|1\d|2[0-8]))?)?$"
_WITHIN = "\x1f"
_INT32_END = 2**31
_MISSING = pa.array(MISSING)
_LONGEST_MISSING = max(len(word.encode()) for word in MISSING)


def coerce(file: str, table: pa.Table, recognised: Recognised) -> tuple[pa.Table, pa.Table]:
    """Return the canonical values of raw rows, and where something was there that could not be read.

    Parameters
    ----------
    file : str
        The source's name, for the error.
    table : pyarrow.Table, n rows
        Raw columns, named by position.
    recognised : Recognised
        Which of them is which, and how the source writes them.

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
        array = array.cast(array.type.value_type)
    return array.cast(pa.string())


def _column(file: str, batch: pa.RecordBatch, column: Column, recognised: Recognised) -> Read:
    """Return one canonical column, and where it could not be read."""
    raw = batch.column(recognised.positions[column.name])
    layout = recognised.layout
    try:
        if column.kind == "texts":
            return _texts(raw, layout.credits if column.name == "artists" else layout.genres)
        if column.name == "release_date":
            return _dates(raw, layout)
        if column.kind == "text":
            return _text(raw, is_track_id=column.name == "track_id")
        if column.kind == "boolean":
            return _booleans(raw)
        value, unreadable = _numbers(raw, column.name, layout)
        return (value, unreadable) if column.kind == "number" else _integers(value, unreadable)
    except pa.ArrowException:
        message = f"{file} has {column.name} of type {raw.type}, which cannot be read: store it as plain values"
        raise CorpusRejected(message) from None


def _present_text(raw: pa.Array) -> pa.Array:
    """Return values as trimmed text, with null for everything that stands for no value."""
    text = _without_nul(trimmed(as_text(raw)))
    _, ends = cells_of(text)
    short = np.flatnonzero(np.diff(ends) <= _LONGEST_MISSING)
    if not len(short):
        return text
    missing = pc.is_in(text.take(pa.array(short)), value_set=_MISSING).to_numpy(zero_copy_only=False)
    if not missing.any():
        return text
    mask = np.zeros(len(text), dtype=bool)
    mask[short[missing]] = True
    return _null_where(pa.array(mask), text)


def _without_nul(text: pa.Array) -> pa.Array:
    """Replace NUL, which no name has and HDF5 cannot store."""
    if not may_hold(text, b"\0"):
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
    if is_track_id and not all_long(text, ID_LENGTH) and may_hold(text, b"track"):  # an address ends in the id
        text = pc.replace_substring_regex(text, _TRACK, r"\1")
    return text, _readable(len(text))


def _dates(raw: pa.Array, layout: Layout) -> Read:
    """Return dates from the year on."""
    text = _present_text(raw)
    certain = pc.match_substring_regex(text, _DATE)
    if not pc.any(pc.invert(certain)).as_py():
        return text, _readable(len(text))
    others = _each_distinct(_null_where(certain, text), lambda one: date(one, layout.dates), pa.string())
    dates = pc.if_else(certain, text, others)
    return dates, pc.and_(pc.is_valid(text), pc.is_null(dates))


def _booleans(raw: pa.Array) -> Read:
    cells = as_text(raw).dictionary_encode()  # of few distinct ones
    text = pc.utf8_lower(_present_text(cells.dictionary))
    true = pc.is_in(text, value_set=pa.array(TRUE))
    known = pc.or_(true, pc.is_in(text, value_set=pa.array(FALSE)))
    values, unreadable = _null_where(pc.invert(known), true), pc.and_(pc.is_valid(text), pc.invert(known))
    if not pc.any(unreadable, min_count=0).as_py():
        return values.take(cells.indices), _readable(len(raw))
    return values.take(cells.indices), unreadable.take(cells.indices).fill_null(False)  # noqa: FBT003 - Arrow's signature


def _numbers(raw: pa.Array, name: str, layout: Layout) -> Read:
    factor = layout.factors.get(name, 1.0)
    if factor == 1 and all_finite(raw):
        return raw, _readable(len(raw))
    if pa.types.is_integer(raw.type) or pa.types.is_floating(raw.type) or pa.types.is_boolean(raw.type):
        values = raw.cast(pa.float64(), safe=False)  # popularity needs no more than 53 bits
        present = pc.and_(pc.is_valid(values), pc.invert(pc.is_nan(values).fill_null(True)))  # noqa: FBT003 - Arrow's signature
        values = values if factor == 1 else pc.multiply(values, factor)
    else:
        text = _present_text(raw)
        values, present = _parsed(text, name, layout.decimal, factor), pc.is_valid(text)
    # A number that is not finite measures nothing.
    values = _null_where(pc.invert(pc.is_finite(values)), values)
    return values, pc.and_(present, pc.is_null(values))


def _parsed(text: pa.Array, name: str, decimal: Decimal, factor: float) -> pa.Array:
    if decimal == ".":
        try:
            values = text.cast(pa.float64())  # all or nothing, but fast
        except pa.ArrowInvalid:
            pass
        else:
            return values if factor == 1 else pc.multiply(values, factor)
    return _each_distinct(text, lambda one: number(one, name, decimal, factor), pa.float64())


def _each_distinct(text: pa.Array, read: Callable[[str], object], kind: pa.DataType) -> pa.Array:
    """Return what is read from each text; the same few come again and again, so each distinct one is read once."""
    cells = text.dictionary_encode()
    return pa.array([read(one) for one in cells.dictionary.to_pylist()], kind).take(cells.indices)


def _integers(values: pa.Array, unreadable: pa.Array) -> Read:
    """Narrow whole numbers; 10.0 is one, 10.5 is not."""
    ends = span(values)
    if ends is not None and ends[0] > -_INT32_END and ends[1] < _INT32_END:
        numbers = values.to_numpy()
        narrow = numbers.astype(np.int32)
        if np.array_equal(narrow, numbers):
            return pa.array(narrow), unreadable
    whole = pc.and_(pc.equal(values, pc.floor(values)), pc.less(pc.abs(values), _INT32_END))
    broken = pc.invert(whole).fill_null(False)  # noqa: FBT003 - Arrow's signature
    return _null_where(broken, values).cast(pa.int32()), pc.or_(unreadable, broken)


def _texts(raw: pa.Array, separator: str | None) -> Read:
    """Return lists of distinct, non-empty texts; null where none is left.

    A cell that is a list of quoted texts is taken for one in every layout: nobody is called ``['A', 'B']``.
    """
    if pa.types.is_list(raw.type) or pa.types.is_large_list(raw.type):
        raw, separator = _joined(raw), _WITHIN
    text = _present_text(raw)
    quoted = separator != _WITHIN and _any_begins(text, "[")
    if not quoted and separator not in {LISTS, ","}:
        return split_cells(text, separator), _readable(len(raw))

    def split(cell: str) -> list[str] | None:
        listed = texts_of_list(cell)
        if listed is None:
            if separator == LISTS and cell.startswith(("['", '["')):
                return None  # a list that was cut
            listed = split_at(cell, separator) if separator and separator != LISTS else [cell]
        return list(dict.fromkeys(one.strip() for one in listed if one and one.strip())) or None

    values = _each_distinct(text, split, pa.list_(pa.string()))
    if separator != LISTS:
        return values, _readable(len(raw))
    broken = pc.and_(pc.is_valid(text), pc.is_null(values))
    return values, pc.and_(broken, pc.not_equal(text, "[]").fill_null(False))  # noqa: FBT003 - Arrow's signature


def _any_begins(text: pa.Array, letter: str) -> bool:
    """Say whether any cell begins with a letter of ASCII."""
    data, ends = cells_of(text)
    return bool((data[ends[:-1][np.diff(ends) > 0]] == ord(letter)).any())


def _joined(lists: pa.Array) -> pa.Array:
    """Return each list as one text, parted by a sign that no name has."""
    values = lists.flatten()
    if pa.types.is_struct(values.type):  # credits as the Web API gives them
        values = pc.struct_field(values, "name")
    values = _without_nul(as_text(values)).fill_null("")
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    whole = pa.ListArray.from_arrays(offsets, values, mask=lists.is_null())
    return pc.binary_join(whole, _WITHIN)
