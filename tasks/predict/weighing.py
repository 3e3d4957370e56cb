"""Whether a new posterior predicts clearly worse than the one that readers have.

Both are asked the same tracks: a sample of the new corpus, chosen by the ids of tracks alone. What a posterior has seen
of a track is left out first, so that neither is asked what it was told. Given draw s of the scales and coefficients the
density of a track given the others of its artist, p_s(y_i | y_-i), is normal (`tasks.predictive.conditional`), and the
draws are weighted by 1 / p_s of what was seen of that track (Gelfand, Dey and Chang 1992, Bayesian Statistics 4): that
is exact leave-one-out, with artists' effects integrated out. One track says little about scales and coefficients, so
the weights are nearly even. A track that a posterior has not seen is predicted as it is.

What the old posterior has seen stands in the sample that was published with it. Which tracks are in a sample depends on
their ids and on a threshold; below both thresholds, a track that is not in the old sample was not in the old corpus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from schemas.comparison import JUDGED, Comparison
from schemas.errors import PublicationConflict
from schemas.predictions import ARTIST, GENRES
from schemas.publication import ARTIST_MEANS, DESIGN, POSTERIOR
from schemas.reports import Design
from tasks.predict.draws import read_posterior
from tasks.predict.lookup import Artists
from tasks.predict.requests import read_requests, rows_for
from tasks.predictive import Draws, Known, conditional, standard_error
from tasks.published import published_file
from tasks.tracks import partitions_of, read_tracks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from tasks.stores import Store

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.uint64]

MOST_TRACKS, MOST_DRAWS = 10_000, 400
FEWEST_TRACKS = 50
THRESHOLD = b"threshold"
_HASH_KEY = "encore-compare-1"  # SipHash takes 16 bytes
_AT_ONCE = 2_000
_TRACK, _POPULARITY = "track", "popularity"


def sample_tracks(ingested: Path, tracks: int, design: Design, credit: str) -> pa.Table:
    """Choose tracks of a corpus by their ids.

    Parameters
    ----------
    ingested : Path
        What ingest wrote.
    tracks : int
        How many there are.
    design : Design
        Which features and genres they are described by.
    credit : {"primary", "each"}

    Returns
    -------
    pyarrow.Table
        ``track``, a number made from the id; ``artist``; ``popularity``; ``genres``; the features. A row for each
        artist that a track counts for. Its metadata has the threshold below which all numbers are in it.
    """
    import pyarrow as pa
    from pandas.util import hash_array

    below = np.uint64(min(int(MOST_TRACKS / max(tracks, 1) * 2**64), 2**64 - 1))
    features, level = list(design.names("feature")), design.genre_level
    columns = ["artists", _POPULARITY, *features, *([level] if level else [])]
    parts = []
    for partition in partitions_of(ingested):
        ids = read_tracks(partition, ["track_id"])["track_id"].combine_chunks()
        numbers = hash_array(ids.fill_null("").to_numpy(zero_copy_only=False).astype(object), hash_key=_HASH_KEY)
        chosen = (numbers <= below) & ids.is_valid().to_numpy(zero_copy_only=False)
        if chosen.any():
            rows = read_tracks(partition, columns).filter(pa.array(chosen))
            parts.append(_described(rows, numbers[chosen], features, level, credit))
    schema = pa.schema(
        [
            pa.field(_TRACK, pa.uint64()),
            pa.field(ARTIST, pa.string()),
            pa.field(_POPULARITY, pa.float64()),
            pa.field(GENRES, pa.list_(pa.string())),
            *(pa.field(name, pa.float64()) for name in features),
        ],
        metadata={THRESHOLD: str(int(below))},
    )
    if not parts:
        return schema.empty_table()
    joined = pa.concat_tables([part.cast(schema.remove_metadata()) for part in parts])
    return joined.sort_by([(_TRACK, "ascending"), (ARTIST, "ascending")]).replace_schema_metadata(schema.metadata)


def _described(rows: pa.Table, numbers: Numbers, features: Sequence[str], level: str, credit: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    lists = rows["artists"].combine_chunks()
    if credit == "each":
        artists, parents = pc.list_flatten(lists), pc.list_parent_indices(lists)
    else:
        artists, parents = pc.list_element(lists, 0), pa.array(np.arange(rows.num_rows))
    genres = rows[level] if level else pa.array([[]] * rows.num_rows, pa.list_(pa.string()))
    named = {_TRACK: pa.array(numbers, pa.uint64()), _POPULARITY: rows[_POPULARITY], GENRES: genres}
    table = pa.table(named | {name: rows[name] for name in features}).take(parents)
    return table.add_column(1, ARTIST, artists)


@dataclass(frozen=True)
class Fitted:
    """A posterior, and what it knows of artists.

    Parameters
    ----------
    design : Design
    draws : Draws
        S of them.
    known : callable
        Returns what was seen of some artists, `tasks.predictive.Known`.
    """

    design: Design
    draws: Draws
    known: Callable[[Sequence[str | None]], Known]


def fitted(folder: Path) -> Fitted | None:
    """Read a publication; None where its errors are Student's t, which have no sums to leave a track out of."""
    design = Design.model_validate_json((folder / DESIGN).read_bytes())
    artists = Artists(folder / ARTIST_MEANS, design)
    return _thinned(folder / POSTERIOR, design, artists.known)


def fitted_by_steps(grouped: Path, sampled: Path) -> Fitted | None:
    """Read what group and sample left; otherwise as `fitted`."""
    import pyarrow.parquet as pq

    design = Design.model_validate_json((grouped / DESIGN).read_bytes())
    counts, means = (
        np.load(grouped / "statistics" / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        for name in ("counts", "means")
    )
    names = pq.read_table(grouped / "artists.parquet", columns=["artist"])["artist"].to_pylist()
    place_of = {name: place for place, name in enumerate(names)}

    def known(asked: Sequence[str | None]) -> Known:
        # All of them are there: they are of the corpus that this was fitted to.
        at = np.array([place_of[str(name)] for name in asked], dtype=np.int64)
        return Known(counts[at].astype(np.float64), np.array(means[at]))

    return _thinned(sampled / POSTERIOR, design, known)


def _thinned(path: Path, design: Design, known: Callable[[Sequence[str | None]], Known]) -> Fitted | None:
    posterior = read_posterior(path, design)
    if posterior.freedom is not None:
        return None
    draws, count = posterior.draws, len(posterior.draws.sigma)
    chosen = np.unique(np.linspace(0, count - 1, min(MOST_DRAWS, count)).astype(np.int64))
    return Fitted(design, Draws(draws.theta[chosen], draws.sigma[chosen], draws.tau[chosen]), known)


def compare(new: Fitted | None, old: Fitted | None, sample: pa.Table, seen: pa.Table, version: str) -> Comparison:
    """Compare two posteriors on tracks of the new one's corpus.

    Parameters
    ----------
    new, old : Fitted, optional
        None where no track can be left out of it.
    sample, seen : pyarrow.Table
        Those of `sample_tracks` of the new corpus and of the old.
    version : str
        Of the old.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if new is None or old is None:
        return Comparison(version=version, note="errors of Student's t have no sums to leave a track out of")
    below = min(int(table.schema.metadata[THRESHOLD]) for table in (sample, seen))
    sample = sample.filter(pc.less_equal(sample[_TRACK], pa.scalar(below, pa.uint64())))
    if sample.num_rows < FEWEST_TRACKS:
        return Comparison(version=version, note=f"only {sample.num_rows} tracks have ids to know them again by")
    difference = log_densities(new, sample, sample) - log_densities(old, sample, seen)
    artist = np.unique(np.array(sample[ARTIST].to_pylist(), dtype=object), return_inverse=True)[1]
    return Comparison(
        version=version,
        tracks=sample.num_rows,
        artists=int(artist.max()) + 1,
        difference=float(difference.sum()),
        se=standard_error(difference, artist),
    )


def log_densities(fit: Fitted, asked: pa.Table, seen: pa.Table) -> Floats:
    """Return the log predictive density of each track, what the fit has seen of it left out.

    Parameters
    ----------
    fit : Fitted
    asked, seen : pyarrow.Table
        As `sample_tracks` makes them: n tracks, and those that the fit was fitted to, at least if they are asked for.

    Returns
    -------
    ndarray, shape (n,)
        In nats.
    """
    import pyarrow as pa

    parts = []
    row_of = {
        key: row for row, key in enumerate(zip(*(seen[name].to_pylist() for name in (_TRACK, ARTIST)), strict=True))
    }
    with threadpool_limits(1):
        for start in range(0, asked.num_rows, _AT_ONCE):
            some = asked.slice(start, _AT_ONCE)
            keys = zip(*(some[name].to_pylist() for name in (_TRACK, ARTIST)), strict=True)
            rows = pa.array([row_of.get(key) for key in keys], pa.int64())  # all of them null, for all we know
            parts.append(_some_densities(fit, some, seen.take(rows)))
    return np.concatenate(parts)


def _some_densities(fit: Fitted, asked: pa.Table, before: pa.Table) -> Floats:
    from scipy.special import logsumexp

    names = asked[ARTIST].to_pylist()
    known = fit.known(names)
    there = before[_TRACK].is_valid().to_numpy()
    z, y = _rows(fit.design, asked, known)
    # What was seen of the track itself, which may have had another popularity then, or been found in other genres.
    z_before, y_before = _rows(fit.design, before, known)
    counts = np.where(there, known.counts - 1, known.counts)
    row = np.column_stack([z_before, y_before])
    left = np.where(counts > 0, counts, 1.0)[:, None]
    means = np.where(there[:, None], (known.means * known.counts[:, None] - np.nan_to_num(row)) / left, known.means)
    others = Known(np.maximum(counts, 0.0), means)
    weights = np.zeros((len(fit.draws.sigma), len(names)))
    weights[:, there] = -_log_density(fit, others, z_before, y_before)[:, there]
    weights -= logsumexp(weights, axis=0)
    found: Floats = logsumexp(weights + _log_density(fit, others, z, y), axis=0)
    return found


def _log_density(fit: Fitted, others: Known, z: Floats, y: Floats) -> Floats:
    mean, sd = conditional(fit.draws, others, z)
    density: Floats = -0.5 * ((y - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)
    return density


def _rows(design: Design, tracks: pa.Table, known: Known) -> tuple[Floats, Floats]:
    """Return the row of Z and y of each track; genres that the design does not know are not given."""
    genres = set(design.names("genre"))
    columns: dict[str, Any] = {
        name: tracks[name].to_pylist() for name in design.names("feature") if name in tracks.column_names
    }
    columns[GENRES] = [[one for one in (each or []) if one in genres] for each in tracks[GENRES].to_pylist()]
    asked = read_requests(columns, design)
    popularity = np.array([np.nan if each is None else each for each in tracks[_POPULARITY].to_pylist()], np.float64)
    return rows_for(asked, known.means[:, :-1], design), popularity - design.popularity_mean


def against_current(
    store: Store, name: str, version: str, grouped: Path, sampled: Path, sample: pa.Table
) -> Comparison:
    """Compare what group and sample made with a version of a publication.

    Parameters
    ----------
    store : Store
    name, version : str
        The version empty where nothing is current.
    grouped, sampled : Path
    sample : pyarrow.Table
        `sample_tracks` of the corpus that they were made from.
    """
    import pyarrow.parquet as pq

    if not version:
        return Comparison(note="nothing was current")
    files = (DESIGN, ARTIST_MEANS, POSTERIOR, JUDGED)
    try:
        folder, manifest = store.folder(name, version, files), store.manifest(name, version)
        if JUDGED not in manifest.files:
            return Comparison(version=version, note="it was published before tracks were kept to compare by")
        paths = {file: published_file(folder, manifest, file) for file in files}
    except PublicationConflict as error:
        return Comparison(version=version, note=f"it is not whole ({error})")
    seen = pq.read_table(paths[JUDGED])
    return compare(fitted_by_steps(grouped, sampled), fitted(folder), sample, seen, version)
