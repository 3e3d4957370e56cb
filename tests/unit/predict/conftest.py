"""A small publication, made up, whose tracks are at hand to work predictions out by brute force."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr

from schemas.publication import Manifest, PublishedFile
from schemas.reports import Design, DesignColumn, IngestReport, RowCounts, SamplingReport
from schemas.verdict import Verdict
from tasks.publish.means import write_means
from tasks.storage import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NAMES = (
    "Eminem",
    "Tyler, The Creator",
    "=1+1",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "new\nline",
    "עברית",
    "東京事変",
    "A" * 5000,
    "null",
    "NA",
    '"quoted", twice',
)
STORED = 4
FEATURES = {"energy": (0.6, 0.2), "loudness": (-8.0, 4.0)}
GENRES = ("pop", "rock", "hip;hop")
CHAINS, DRAWS = 2, 150


@dataclass(frozen=True)
class Made:
    """A publication, and what it was made from.

    Parameters
    ----------
    folder : Path
    tracks : dict of str to ndarray, shape (n, D + 1)
        By artist, rows of A = [Z, y].
    theta, sigma, tau : ndarray, shape (S, D), (S,), (S,)
    effects : dict of str to ndarray, shape (S,)
        Published draws of artist_effect.
    design : Design
    """

    folder: Path
    tracks: dict[str, Floats]
    theta: Floats
    sigma: Floats
    tau: Floats
    effects: dict[str, Floats]
    design: Design


def make(
    folder: Path,
    *,
    slopes: bool = False,
    genres: tuple[str, ...] = GENRES,
    features: bool = True,
    pooling: str = "partial",
    nu: float | None = None,
    names: tuple[str, ...] = NAMES,
) -> Made:
    """Write the files that predictions read, and their manifest."""
    rng = np.random.default_rng(5)
    used = FEATURES if features else {}
    columns = [DesignColumn(name="intercept", kind="intercept")]
    columns += [
        DesignColumn(name=name, kind="feature", block="energy", centre=centre, scale=scale)
        for name, (centre, scale) in used.items()
    ]
    columns += [DesignColumn(name=name, kind="genre") for name in genres]
    if slopes:
        columns += [
            DesignColumn(name=f"{genre} x {feature}", kind="slope", block="energy", genre=genre, feature=feature)
            for genre in genres
            for feature in used
        ]
    tracks = {}
    for place, name in enumerate(sorted(names)):
        count = 1 + (place * 7) % 13
        z = [np.ones(count), *rng.normal(0, 1, (len(used), count))]
        shares = (
            rng.multinomial(2, np.full(len(genres), 1 / len(genres)), count) / 2 if genres else np.empty((count, 0))
        )
        z += [*shares.T]
        if slopes:
            z += [share * feature for share in shares.T for feature in z[1 : 1 + len(used)]]
        tracks[name] = np.column_stack([*z, rng.normal(8 * place - 45, 14, count)])
    design = Design(
        columns=tuple(columns),
        observations=sum(map(len, tracks.values())),
        artists=len(tracks),
        popularity_mean=55.5,
        popularity_sd=21.0,
        genre_level="genres" if genres else "",
    )
    grouped = folder / "group"
    (grouped / "statistics").mkdir(parents=True)
    np.save(grouped / "statistics" / "counts.npy", np.array([len(rows) for rows in tracks.values()]))
    np.save(grouped / "statistics" / "means.npy", np.array([rows.mean(axis=0) for rows in tracks.values()]))
    pq.write_table(pa.table({"artist": list(tracks)}), grouped / "artists.parquet")
    version = folder / "small" / "versions" / "20261122T160501Z-0123456789ab"
    version.mkdir(parents=True)
    (folder / "small" / "current").symlink_to(f"versions/{version.name}")
    (version / "design.json").write_text(design.model_dump_json(), encoding="utf-8")
    write_means(grouped, design, version / "artist_means.parquet")

    count = CHAINS * DRAWS
    theta = rng.normal(rng.normal(0, 4, len(columns)), 0.7, (count, len(columns)))
    sigma, tau = np.abs(rng.normal(13, 0.8, count)), np.abs(rng.normal(11, 0.9, count))
    effects = {name: rng.normal(5, 3, count) for name in list(tracks)[:STORED]}
    if pooling == "complete":
        tau, effects = np.zeros(count), {}
    made = Made(version, tracks, theta, sigma, tau, effects, design)
    _write_posterior(made, version / "posterior.nc", nu)
    levels = {name: theta @ rows.mean(axis=0)[:-1] + effects.get(name, 3.0) for name, rows in tracks.items()}
    moments = {name: (level.mean() + design.popularity_mean, level.std() + 1) for name, level in levels.items()}
    table = {"artist": list(tracks), "mean": [m for m, _ in moments.values()], "sd": [s for _, s in moments.values()]}
    pq.write_table(pa.table(table), version / "artists.parquet")
    write_manifest(made, pooling, "normal" if nu is None else "student_t")
    return made


def _write_posterior(made: Made, path: Path, nu: float | None) -> None:
    def shaped(values: Floats) -> Floats:
        return values.reshape(CHAINS, DRAWS, *values.shape[1:])

    across = ("chain", "draw")
    columns = made.design.columns
    variables: dict[str, Any] = {
        "mu": (across, shaped(made.theta[:, 0] + made.design.popularity_mean)),
        "sigma": (across, shaped(made.sigma)),
    }
    coordinates: dict[str, Any] = {}
    kinds = {
        kind: [p for p, column in enumerate(columns) if column.kind == kind] for kind in ("feature", "genre", "slope")
    }
    # Labels in another order than the design's: what goes with what is a matter of names.
    for kind, name in (("feature", "beta"), ("genre", "genre_effect")):
        if places := kinds[kind][::-1]:
            variables[name] = ((*across, kind), shaped(made.theta[:, places]))
            coordinates[kind] = np.array([columns[place].name for place in places], dtype=object)
    if kinds["slope"]:
        at = {(columns[place].genre, columns[place].feature): place for place in kinds["slope"]}
        places = [[at[genre, feature] for feature in coordinates["feature"]] for genre in coordinates["genre"]]
        variables["slope_deviation"] = ((*across, "genre", "feature"), shaped(made.theta[:, places]))
    if made.tau.any():
        variables["tau"] = (across, shaped(made.tau))
    if made.effects:
        variables["artist_effect"] = ((*across, "artist"), shaped(np.column_stack(list(made.effects.values()))))
        coordinates["artist"] = np.array(list(made.effects), dtype=object)
    if nu is not None:
        variables["nu"] = (across, np.full((CHAINS, DRAWS), nu))
    xr.DataTree.from_dict({"posterior": xr.Dataset(variables, coordinates)}).to_netcdf(path, engine="h5netcdf")


def write_manifest(made: Made, pooling: str = "partial", likelihood: str = "normal") -> None:
    """Write the manifest of the files that lie there."""
    report = IngestReport(
        sources=(),
        rows=RowCounts(rows_in=0, kept=0, repeats=0, quarantined=0),
        reasons={},
        columns=(),
        conflicts=0,
        mean_popularity=0,
        share_of_zeros=0,
    )
    verdict = Verdict(
        passed=True, chains=CHAINS, draws=DRAWS, parameters=1, constants=(), measured={}, thresholds={}, shortfalls=()
    )
    sampling = SamplingReport(
        engine="collapsed",
        sampler="nutpie",
        pooling=pooling,
        priors={},
        new_artist={},
        interval=0.9,
        versions={},
        likelihood=likelihood,
    )
    files = {
        path.name: PublishedFile(sha256=sha256_of(path), size=path.stat().st_size)
        for path in sorted(made.folder.iterdir())
        if path.name != "manifest.json"
    }
    manifest = Manifest(
        name="small",
        version=made.folder.name,
        created="2026-11-22T16:05:01+00:00",
        key="0123456789ab",
        corpus=report,
        observations=made.design.observations,
        artists=made.design.artists,
        genres=made.design.names("genre"),
        features=made.design.names("feature"),
        parameters={},
        seed=7,
        sampling=sampling,
        verdict=verdict,
        scales={},
        steps={},
        code={},
        packages={},
        files=files,
    )
    (made.folder / "manifest.json").write_text(json.dumps(manifest.model_dump(mode="json")), encoding="utf-8")


@pytest.fixture(scope="session")
def make_publication() -> Callable[..., Made]:
    """Return the function that makes a publication."""
    return make


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return a publication, not to be changed."""
    return make(tmp_path_factory.mktemp("normal"))


@pytest.fixture(scope="session")
def with_slopes(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return one with slopes of each genre's own."""
    return make(tmp_path_factory.mktemp("slopes"), slopes=True)


@pytest.fixture(scope="session")
def with_tails(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return one whose errors are Student's t."""
    return make(tmp_path_factory.mktemp("tails"), nu=5.0)
