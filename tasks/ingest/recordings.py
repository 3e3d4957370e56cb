"""Folding re-releases of one recording, which have ids of their own, across partitions and sources, out of core."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow import parquet as pq

from schemas.tracks import arrow_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_MEMORY = "700MB"
_THREADS = 4  # each wants its share of that
_UNIONS = ("genres", "subgenres")
WITHIN_MS = 2000

# What tells releases of one recording apart, and what may stand around it. Not a word of what is performed, mixed or
# cut anew: live, acoustic, remix, mono, radio edit, demo, karaoke.
_KINDS = (
    r"re-?master(?:ed|izado)?",
    r"deluxe",
    r"expanded",
    r"anniversary",
    r"bonus(?: track)?",
    r"(?:single|album|lp) version",
    r"(?:special|collector'?s|limited) edition",
)
_AROUND = (
    *_KINDS,
    r"(?:19|20)\d\d",
    r"\d+(?:st|nd|rd|th)",
    r"digital(?:ly)?",
    r"super",
    r"original",
    r"edition",
    r"version",
)
_KIND, _WORD, _GAP = f"(?:{'|'.join(_KINDS)})", f"(?:{'|'.join(_AROUND)})", r"(?:\s*[/;,\-]\s*|\s+)"
_EDITION = rf"(?:{_WORD}{_GAP})*{_KIND}(?:{_GAP}{_WORD})*"
_EDITIONS = rf"(?:\s*\(\s*{_EDITION}\s*\)|\s*\[\s*{_EDITION}\s*\]|\s+-\s+{_EDITION})+\s*$"
# As code points, for several of them look like each other.
_PUNCTUATION = (
    (r"[\x{2018}\x{2019}\x{201B}\x{2032}\x{0060}\x{00B4}]", "'"),
    (r"[\x{201C}\x{201D}\x{201E}\x{2033}]", '"'),
    (r"[\x{2010}-\x{2015}]", "-"),
    (r"\s+", " "),
)

_KEYS = pa.schema(
    [
        pa.field("source", pa.int64()),
        pa.field("row", pa.int64()),
        pa.field("artist", pa.string()),
        pa.field("title", pa.string()),
        pa.field("track_id", pa.string()),
        pa.field("popularity", pa.float64()),
        pa.field("duration_ms", pa.float64()),
    ]
)
# Titles that come once are most, and go first. Then durations are cut where two neighbours are too far apart: most of
# what is left is no longer than allowed, and one recording.
_CHAINS = f"""
create temp table several as select artist, title from keys group by all having count(*) > 1;
create temp table stepped as
    select keys.*, coalesce(duration_ms - lag(duration_ms) over named > {WITHIN_MS}, true) as starts
    from keys semi join several using (artist, title)
    window named as (partition by artist, title order by duration_ms, source, "row");
create temp table chained as
    select * exclude starts,
        sum(starts::bigint) over (partition by artist, title order by duration_ms, source, "row") as chain
    from stepped;
drop table several;
drop table stepped;
create temp table chains as
    select artist, title, chain, max(duration_ms) - min(duration_ms) > {WITHIN_MS} as long
    from chained group by all having count(*) > 1;
create temp table members as
    select source, "row", track_id, popularity, duration_ms, long, artist, title, chain, 0::bigint as recording
    from chained join chains using (artist, title, chain);
drop table chained;
drop table chains;
"""  # noqa: S608 - a number of ours
_BEST_FIRST = 'popularity desc, duration_ms, track_id nulls last, source, "row"'
_LONG = f"""
select source, "row", duration_ms, dense_rank() over (order by artist, title, chain) as chain
from members where long order by artist, title, chain, {_BEST_FIRST}
"""  # noqa: S608 - a constant of ours
_FOLD = f"""
update members set recording = cut.recording from cut where members.source = cut.source and members."row" = cut."row";
create temp table placed as
    select source, "row", dense_rank() over (order by artist, title, chain, recording) as recording,
        row_number() over (partition by artist, title, chain, recording order by {_BEST_FIRST}) as place
    from members;
create temp table staying as
    select recording, source, "row" from placed where place = 1
    and recording in (select recording from placed where place = 2);
create temp table grown as
    select staying.source, staying."row",
        list_sort(list_distinct(flatten(list(genres) filter (genres is not null)))) as genres,
        list_sort(list_distinct(flatten(list(subgenres) filter (subgenres is not null)))) as subgenres
    from staying join placed using (recording)
    join tracks on tracks.source = placed.source and tracks."row" = placed."row"
    group by all;
"""  # noqa: S608 - a constant of ours
_GONE = 'select "row" from placed where place > 1 and source = ? and "row" between ? and ? order by "row"'
_GROWN = 'select "row", genres, subgenres from grown where source = ? and "row" between ? and ? order by "row"'


def normalised_titles(titles: pa.Array) -> pa.Array:
    """Return titles in the form in which releases of one recording agree.

    NFKC, without upper case, with plain quotes and dashes, and without a remark on the edition at the end, such as
    ``- Remastered 2011``, ``(Deluxe Edition)`` or ``- Single Version``. A remark with any other word in it stays:
    ``(Live)``, ``- Acoustic``, ``- 2011 Mix``, ``(feat. Ann)`` are other recordings.

    Parameters
    ----------
    titles : pyarrow.Array of string, shape (n,)

    Returns
    -------
    pyarrow.Array of string, shape (n,)
        Null where there is no title.
    """
    plain = _casefolded(pc.utf8_normalize(titles, form="NFKC"))
    for pattern, replacement in _PUNCTUATION:
        plain = pc.replace_substring_regex(plain, pattern, replacement)
    plain = pc.utf8_trim_whitespace(plain)
    # A title that is nothing but the remark keeps it.
    stripped = pc.replace_substring_regex(plain, _EDITIONS, "")
    return pc.if_else(pc.equal(stripped, ""), plain, stripped)


def _casefolded(titles: pa.Array) -> pa.Array:
    """Return what `str.casefold` does, which Arrow has for ASCII alone."""
    lowered = pc.utf8_lower(titles)
    if pc.all(pc.string_is_ascii(lowered)).as_py() is not False:
        return lowered
    distinct = titles.dictionary_encode()
    folded = [None if title is None else title.casefold() for title in distinct.dictionary.to_pylist()]
    return pc.utf8_normalize(pa.array(folded, pa.string()).take(distinct.indices), form="NFKC")


def fold_recordings(parts: Sequence[Path], scratch: Path, write: Callable[[pa.Table], None]) -> int:
    """Fold re-releases of one recording: of each recording its most popular track stays.

    Tracks are of one recording if they have the same primary artist and `normalised_titles`, and last within 2 s of
    the most popular one of them: it takes all of those, then the most popular one of the rest does so, and so on. Of
    equally popular ones the shortest comes first, and then the smallest id, so the order of rows plays no part. What
    stays is given the genres and subgenres of all, sorted. A track without a title or a duration is of no recording.

    Parameters
    ----------
    parts : sequence of Path
        Canonical Parquet, repeated ids folded; each part has rows of one source, ascending, and at least one.
    scratch : Path
        A folder for what does not fit in memory.
    write : callable
        Given what stays of each part, in order.

    Returns
    -------
    int
        Rows that were folded into another one.
    """
    keys = scratch / "recordings.parquet"
    with pq.ParquetWriter(keys, _KEYS, compression="lz4") as writer:
        for part in parts:
            writer.write_table(_keys(pq.read_table(part, columns=[*_KEYS.names[:2], *_FROM])))
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "threads": _THREADS,
        "temp_directory": str(scratch),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(":memory:", config=settings) as connection:
        # Arrow reads the files: DuckDB would take brackets in their path for a pattern.
        connection.register("keys", ds.dataset([str(keys)], schema=_KEYS))
        connection.register("tracks", ds.dataset([str(part) for part in parts], schema=arrow_schema()))
        connection.execute(_CHAINS)
        connection.register("cut", _cut(connection.sql(_LONG).to_arrow_table()))
        connection.execute(_FOLD)
        folded = int(connection.execute("select count(*) from placed where place > 1").fetchall()[0][0])
        for part in parts:
            table = pq.read_table(part)
            write(_folded(table, connection) if folded else table)
    keys.unlink()
    return folded


_FROM = ("artists", "track_name", "track_id", "popularity", "duration_ms")


def _keys(table: pa.Table) -> pa.Table:
    table = table.combine_chunks()
    # A contract that holds says that every track has an artist.
    artist = pc.list_element(table["artists"], 0)
    title = pa.chunked_array([normalised_titles(chunk) for chunk in table["track_name"].chunks], pa.string())
    columns = [table["source"], table["row"], artist, title]
    columns += [table[name] for name in ("track_id", "popularity", "duration_ms")]
    keys = pa.table(columns, schema=_KEYS)
    return keys.filter(pc.and_(pc.is_valid(keys["title"]), pc.is_valid(keys["duration_ms"])))


def _cut(members: pa.Table) -> pa.Table:
    """Cut chains that are longer than a recording may be: number the recordings in each, from 1."""
    chains, durations = members["chain"].to_numpy(), members["duration_ms"].to_numpy()
    recordings = np.zeros(len(chains), dtype=np.int64)
    ends = [*np.flatnonzero(np.diff(chains)) + 1, len(chains)] if len(chains) else []
    start = 0
    for end in ends:
        recordings[start:end] = _recordings(durations[start:end].tolist())
        start = end
    columns = {name: members[name] for name in ("source", "row")}
    return pa.table({**columns, "recording": pa.array(recordings)})


def _recordings(durations: Sequence[float]) -> list[int]:
    """Return the number of each track's recording, from 1; tracks come with the most popular one first."""
    by_length = sorted(range(len(durations)), key=lambda place: durations[place])
    lengths = [durations[place] for place in by_length]
    numbers = [0] * len(durations)
    found = 0
    for place, length in enumerate(durations):
        if not numbers[place]:
            found += 1
            first = bisect.bisect_left(lengths, length - WITHIN_MS)
            last = bisect.bisect_right(lengths, length + WITHIN_MS)
            for other in by_length[first:last]:
                numbers[other] = numbers[other] or found
    return numbers


def _folded(table: pa.Table, connection: duckdb.DuckDBPyConnection) -> pa.Table:
    rows = table["row"].to_numpy()
    here = [table["source"][0].as_py(), int(rows[0]), int(rows[-1])]
    gone = connection.sql(_GONE, params=here).to_arrow_table()["row"].to_numpy()
    grown = connection.sql(_GROWN, params=here).to_arrow_table()
    # Where a row stays for several, its lists are taken from behind those of the table.
    source = np.arange(len(rows))
    source[np.searchsorted(rows, grown["row"].to_numpy())] = len(rows) + np.arange(grown.num_rows)
    for name in _UNIONS:
        field = table.schema.field(name)
        lists = pa.chunked_array([*table[name].chunks, *grown[name].cast(field.type).chunks], field.type)
        table = table.set_column(table.schema.get_field_index(name), field, lists.take(pa.array(source)))
    return table.filter(pa.array(~np.isin(rows, gone, assume_unique=True)))
