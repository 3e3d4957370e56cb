"""Which tracks no fit sees, so that its predictions can be judged by them.

A track is held out by a number made from its id, and an artist by one made from the name, so that neither the order of
rows nor that of partitions matters, and repeats of a track go the same way. A track that credits a held-out artist is
held out. Of each other artist the track with the largest number stays, so that the fits have seen who it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.group.design import credited, rows_of
from tasks.tracks import read_tracks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from schemas.parameters import EvaluateParameters
    from tasks.group.design import Plan

    Names = NDArray[np.object_]
    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Numbers = NDArray[np.uint64]
    Flags = NDArray[np.bool_]

COLUMNS = ("source", "row", "track_id", "artists")
FOLDER = "held_out"


class HeldOut:
    """The split of a corpus, and the rows that are judged.

    Parameters
    ----------
    partitions : sequence of Path
        Canonical Parquet; each artist's largest number is found in a first pass over them.
    tracks : int
        How many there are in all.
    plan : Plan
    parameters : EvaluateParameters
    """

    def __init__(self, partitions: Sequence[Path], tracks: int, plan: Plan, parameters: EvaluateParameters) -> None:
        self._plan, self._seed = plan, parameters.seed
        most = parameters.most_rows / max(tracks, 1)
        self._tracks_below = _threshold(min(parameters.held_out_tracks, most))
        self._again_below = _threshold(min(1.0, most))
        self._tested: list[tuple[Names, Floats]] = []
        self._again: list[tuple[Names, Floats]] = []
        self._artists, self._largest = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint64)
        for partition in partitions:
            self._note_largest(read_tracks(partition, COLUMNS))
        # As many as were asked for, and not about as many: of a small corpus it would be none now and then.
        count = round(min(parameters.held_out_artists, most) * len(self._artists))
        self._artists_below = self._artists[count] if count else np.uint64(0)

    def training(self, tracks: pa.Table) -> pa.Table:
        """Return the tracks that the fits may see, and keep the rows of those to judge by.

        Parameters
        ----------
        tracks : pyarrow.Table
            A partition, with at least `COLUMNS` and what `tasks.group.design.needed` names.

        Returns
        -------
        pyarrow.Table
        """
        import pyarrow as pa

        number, artist, parents = self._numbers(tracks)
        last = number[parents] == self._largest[np.searchsorted(self._artists, artist)]
        of_held_out_artist, stays = (
            _any(flags, parents, len(number)) for flags in (artist < self._artists_below, last)
        )
        held = of_held_out_artist | ((number < self._tracks_below) & ~stays)
        again = ~held & (self._hashed(_ids(tracks), "again") < self._again_below)
        for chosen, kept in ((held, self._tested), (again, self._again)):
            if chosen.any():
                kept.append(rows_of(tracks.filter(pa.array(chosen)), self._plan))
        return tracks.filter(pa.array(~held))

    def write(self, names: Names, counts: Integers, change: Floats, folder: Path) -> None:
        """Write the rows to judge by, as the regression sees them.

        Parameters
        ----------
        names : ndarray of str, shape (J,)
            Artists with a track in training, in their order.
        counts : ndarray of int, shape (J,)
            How many they have there.
        change : ndarray, shape (K, D + 1)
            Raw rows times this are rows of the design and y.
        folder : Path
            Where to make ``tested``, rows that no fit sees, and ``again``, a sample of those in training whose artist
            has others there. Each has ``z.npy`` (n, D), ``y.npy`` (n,), popularity less the mean of training, and
            ``artist.npy`` (n,), positions among `names`: J and above for artists without a track in training.
        """
        folder.mkdir()
        artist, rows = _joined(self._tested, names, change.shape[0])
        _save(artist, rows @ change, folder / "tested")
        artist, rows = _joined(self._again, names, change.shape[0])
        others = counts[artist] > 1
        _save(artist[others], rows[others] @ change, folder / "again")

    def _hashed(self, texts: Names, stream: str) -> Numbers:
        """Return numbers, even between 0 and 2^64, that look drawn anew for each seed and stream."""
        from pandas.util import hash_array

        key = f"{stream:<6}{self._seed:010d}"  # SipHash takes 16 bytes
        numbers: Numbers = hash_array(texts, hash_key=key, categorize=stream == "artist")
        return numbers

    def _numbers(self, tracks: pa.Table) -> tuple[Numbers, Numbers, Integers]:
        """Return the numbers of the n tracks and of the m credited artists, and the artists' tracks."""
        names, parents = credited(tracks, self._plan.credit)
        return self._hashed(_ids(tracks), "track"), self._hashed(names, "artist"), parents

    def _note_largest(self, tracks: pa.Table) -> None:
        number, artist, parents = self._numbers(tracks)
        artists = np.concatenate([self._artists, artist])
        numbers = np.concatenate([self._largest, number[parents]])
        self._artists, position = np.unique(artists, return_inverse=True)
        self._largest = np.zeros(len(self._artists), dtype=np.uint64)
        np.maximum.at(self._largest, position, numbers)


def _threshold(share: float) -> np.uint64:
    return np.uint64(min(int(share * 2**64), 2**64 - 1))


def _any(flags: Flags, parents: Integers, count: int) -> Flags:
    """Say of each of `count` tracks whether any of its observations is flagged."""
    found: Flags = np.bincount(parents[flags], minlength=count) > 0
    return found


def _ids(tracks: pa.Table) -> Names:
    """Return what tells a track from others: its id, or where it came from if it has none."""
    ids: Names = tracks["track_id"].to_numpy(zero_copy_only=False).astype(object)
    without = np.flatnonzero(tracks["track_id"].is_null().to_numpy())
    if len(without):
        source, row = (tracks[name].to_numpy() for name in ("source", "row"))
        ids = ids.copy()
        ids[without] = [f"{source[place]}:{row[place]}" for place in without]
    return ids


def _joined(parts: list[tuple[Names, Floats]], names: Names, columns: int) -> tuple[Integers, Floats]:
    """Return the positions of artists, those not among `names` after them, and the rows, of all parts."""
    import pandas as pd

    if not parts:
        return np.empty(0, dtype=np.int64), np.empty((0, columns))
    of_artist = np.concatenate([artists for artists, _ in parts])
    artist = pd.Index(names).get_indexer(pd.Index(of_artist)).astype(np.int64)
    fresh = artist < 0
    artist[fresh] = len(names) + pd.factorize(of_artist[fresh], sort=True)[0]
    return artist, np.concatenate([rows for _, rows in parts])


def _save(artist: Integers, rows: Floats, folder: Path) -> None:
    folder.mkdir()
    np.save(folder / "artist.npy", artist, allow_pickle=False)
    np.save(folder / "z.npy", rows[:, :-1], allow_pickle=False)
    np.save(folder / "y.npy", rows[:, -1], allow_pickle=False)
