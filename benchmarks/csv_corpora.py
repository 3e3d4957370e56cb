"""Simulated corpora as strangers have them: one CSV file in the layout of the 114k tracks.

    python benchmarks/csv_corpora.py FILE --rows 1000000 [--artists 80000] [--seed 1] [--first 0] [--repeats 0.2]

Tracks are those of `corpora`; here they get ids, titles (some with commas and quotes, some not ASCII), albums, second
artists, zeros, and repeats: rows whose id, artists and title are those of another row, in another genre. A few rows in
a thousand are bad. ``--first`` numbers the tracks from there, for a further file of the same corpus.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from corpora import FEATURES, PARTITION, _Simulator, truth_for

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Numbers = NDArray[np.uint64]

WORDS = (
    *("Love", "Night", "Heart", "Summer", "Blue", "Fire", "Dance", "Home", "Road", "River", "Moon", "Gold", "Rain"),
    *("Ghost", "Wild", "Light", "Dream", "City", "Sea", "Time", "Live", "Remix", "Remastered", "Pt.2", "O'Neil"),
    *(
        "Corazón",
        "Noche",
        "Água",
        "Été",
        "Straße",
        "Война",
        "夜",
        "夢",
        "사랑",
        "Güneş",
        "Hey,",
        '"Intro"',
        "(feat.",
    ),
)
SECOND_ARTIST = 0.27  # shares of the rows, as among the 114k
ZEROS = 0.14
EXPLICIT = 0.09
BAD = 0.001
DIGITS = 3  # decimals of a feature


def _mixed(numbers: Numbers, salt: int) -> Numbers:
    """Turn numbers into others that look random (SplitMix64, Steele, Lea and Flood 2014)."""
    z = numbers + np.uint64((salt * 0x9E3779B97F4A7C15) % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _ids(tracks: Numbers) -> pa.Array:
    """Return 22 letters and digits for each number."""
    import pyarrow as pa

    alphabet = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype="S1")
    letters = np.empty((len(tracks), 22), dtype="S1")
    for part in range(2):
        rest = _mixed(tracks, 10 + part)
        for position in range(11 * part, 11 * part + 11):
            letters[:, position] = alphabet[(rest % np.uint64(62)).astype(np.intp)]
            rest //= np.uint64(62)
    return pa.array(letters.view("S22")[:, 0]).cast(pa.string())


def _titles(numbers: Numbers, salt: int) -> pa.Array:
    """Return two or three words for each number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words, mixed = pa.array(WORDS), _mixed(numbers, salt)
    chosen = [words.take(pa.array((mixed >> np.uint64(16 * k)) % np.uint64(len(WORDS)))) for k in range(3)]
    return pc.binary_join_element_wise(*chosen, " ")


def _partition(simulator: _Simulator, start: int, stop: int, first: int, repeats: float) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    artist, genre, features, popularity = simulator.partition(start, stop)
    count = len(artist)
    generator = np.random.default_rng([simulator.truth.seed, 4, first + start])
    track = np.arange(first + start, first + start + count, dtype=np.uint64)
    again = generator.random(count) < repeats
    track[again] = generator.integers(0, first + stop, int(again.sum()), dtype=np.uint64)
    total = np.uint64(len(simulator.artist))
    artist = np.where(again, simulator.artist[(track % total).astype(np.intp)], artist)
    number = pa.array(artist).cast(pa.string())
    artists = pc.binary_join_element_wise(_titles(artist.astype(np.uint64), 1), number, " ")
    two = pc.binary_join_element_wise(artists, _titles(track, 2), ";")
    popularity = np.where(generator.random(count) < ZEROS, 0, popularity).astype(np.int64)
    bad = generator.random(count) < BAD
    popularity[bad] = generator.choice([-1, 101, 255], int(bad.sum()))
    columns: dict[str, pa.Array] = {
        "": pa.array(np.arange(first + start, first + start + count)),
        "track_id": _ids(track),
        "artists": pc.if_else(pa.array(generator.random(count) < SECOND_ARTIST), two, artists),
        "album_name": _titles(track // np.uint64(8), 3),
        "track_name": _titles(track, 4),
        "popularity": pa.array(popularity),
        "duration_ms": pa.array(features[:, list(FEATURES).index("duration_ms")].astype(np.int64)),
        "explicit": pa.array(np.where(generator.random(count) < EXPLICIT, "True", "False")),
    }
    whole = {"key": (0, 12), "mode": (0, 2), "time_signature": (3, 6)}
    order = "danceability energy key loudness mode speechiness acousticness instrumentalness liveness valence tempo"
    for name in (*order.split(), "time_signature"):
        if name in whole:
            columns[name] = pa.array(generator.integers(*whole[name], count))
        else:
            columns[name] = pa.array(features[:, list(FEATURES).index(name)].round(DIGITS))
    columns["track_genre"] = pa.array(list(simulator.truth.subgenres)).take(pa.array(genre))
    return pa.table(columns)


def write_corpus(file: Path, rows: int, artists: int, seed: int = 1, first: int = 0, repeats: float = 0.2) -> None:
    """Write a corpus.

    Parameters
    ----------
    file : Path
    rows, artists : int
    seed : int
    first : int
        The number of its first track.
    repeats : float
        Share of rows that repeat the id of a row up to there.
    """
    from pyarrow import csv

    simulator = _Simulator(truth_for(rows, artists, seed))
    with file.open("wb") as sink:
        for start in range(0, rows, PARTITION):
            table = _partition(simulator, start, min(start + PARTITION, rows), first, repeats)
            csv.write_csv(table, sink, csv.WriteOptions(include_header=start == 0, quoting_style="needed"))


def main() -> None:
    """Write a corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="where to")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--artists", type=int, help="12.5 times fewer than rows unless told")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--repeats", type=float, default=0.2)
    given = parser.parse_args()
    artists = given.artists or max(1, given.rows * 2 // 25)
    write_corpus(given.file, given.rows, artists, given.seed, given.first, given.repeats)


if __name__ == "__main__":
    main()
