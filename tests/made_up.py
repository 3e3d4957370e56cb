"""Folders such as the earlier steps leave, made up: small, quick, and with the names that strangers choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.publication import artists_schema
from schemas.reports import Design, DesignColumn, IngestReport, RowCounts, SamplingReport, SourceReport
from schemas.verdict import Attempt, ModelCheck, Verdict
from tasks.publish.publisher import Inputs

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = (
    "<script>alert(1)</script>",
    "](javascript:alert(1)) **bold** | x",
    "../../etc/passwd",
    "$x^2$ \\frac{1}{0}",
    "\u202eevil\u202c \u2067x",
    "עברית שלום",
    "🎵🎶 emoji 👩‍🎤",
    "東京事変",
    "new\nline\ttab\x1b[31mred",
    '"><img src=x onerror=alert(1)>',
    "A" * 5000,
    "{{ 7 * 7 }} {% raw %}",
    "&amp; <b>",
    "https://evil.example/ www.evil.example",
)
PRIOR_PREDICTIVE = {
    "mean": {"low": -31.0, "median": 50.4, "high": 133.0, "observed": 51.2},
    "sd_of_tracks": {"low": 21.7, "median": 51.2, "high": 115.1, "observed": 20.0},
    "sd_of_artist_means": {"low": 19.9, "median": 46.7, "high": 108.1, "observed": 118.0},
    "sd_of_genre_means": {"low": 6.5, "median": 17.7, "high": 40.5, "observed": 11.7},
    "share_outside": {"low": 0.11, "median": 0.517, "high": 0.86, "observed": 0.0},
}
FEATURES = {"danceability": "rhythm", "energy": "energy", "loudness": "energy", "valence": "mood"}


def write_inputs(  # noqa: PLR0913 - each is an aspect that a test varies
    folder: Path,
    *,
    artists: int = 30,
    draws: int = 100,
    genres: tuple[str, ...] = ("rock", "<b>pop</b>", "classical"),
    features: bool = True,
    pooling: str = "partial",
    slopes: bool = False,
    student: bool = False,
    seed: int = 1,
    names: tuple[str, ...] = HOSTILE,
    passed: bool = True,
) -> Inputs:
    """Write the folders of four steps under `folder`."""
    rng = np.random.default_rng(seed)
    inputs = Inputs(*(folder / step for step in ("ingest", "group", "sample", "gate")))
    for each in (inputs.ingest / "data_docs" / "static", inputs.group, inputs.sample, inputs.gate):
        each.mkdir(parents=True)
    blocks = FEATURES if features else {}
    used = [*names, *(f"Artist {number:05d}" for number in range(artists))][:artists]
    tracks = rng.geometric(0.25, artists)
    truth = rng.normal(50, 13, artists)
    raw = np.clip(truth + rng.normal(0, 14, artists) / np.sqrt(tracks), 0, 100)
    weight = 13**2 / (13**2 + 14**2 / tracks)
    mean, sd = 50 + weight * (raw - 50), 13 * np.sqrt(1 - weight)
    values: dict[str, Any] = {
        "artist": used,
        "tracks": tracks,
        "raw_mean": raw,
        "mean": mean,
        "sd": sd,
        "low": mean - 1.64 * sd,
        "high": mean + 1.64 * sd,
        "next_mean": mean,
        "next_sd": np.hypot(sd, 14),
        "next_low": np.clip(mean - 25, 0, 100),
        "next_high": np.clip(mean + 25, 0, 100),
        "effect_mean": mean - 50,
        "effect_sd": sd,
    }
    schema = pa.schema([field for field in artists_schema() if field.name in values])
    pq.write_table(pa.table(values, schema=schema), inputs.sample / "artists.parquet")
    pq.write_table(
        pa.table({"artist": used, "tracks": tracks, "raw_mean": raw}).sort_by("artist"),
        inputs.group / "artists.parquet",
    )
    slopes = slopes and bool(genres) and features
    variables = {"pooling": pooling, "slopes": slopes, "student": student}
    columns = [DesignColumn(name="intercept", kind="intercept")]
    columns += [
        DesignColumn(name=each, kind="feature", block=block, centre=0.5, scale=0.17) for each, block in blocks.items()
    ]
    columns += [DesignColumn(name=each, kind="genre") for each in genres]
    columns += [
        DesignColumn(name=f"{genre}: {each}", kind="slope", block=block, genre=genre, feature=each)
        for genre in (genres if slopes else ())
        for each, block in blocks.items()
    ]
    correlation = np.corrcoef(rng.normal(size=(len(blocks), 9))).reshape(len(blocks), -1).round(6) if blocks else []
    _write_posterior(inputs.sample / "posterior.nc", rng, draws, blocks, genres, used[:5], **variables)
    _write_statistics(
        inputs.group / "statistics", rng, columns, dict(zip(used, zip(tracks, raw, strict=True), strict=True))
    )
    total = int(tracks.sum())
    design = Design(
        columns=tuple(columns),
        observations=total,
        artists=artists,
        popularity_mean=float(raw.mean()),
        popularity_sd=20.0,
        genre_level="genres" if genres else "",
        correlation=tuple(tuple(float(value) for value in row) for row in correlation),
    )
    (inputs.group / "design.json").write_text(design.model_dump_json(), encoding="utf-8")
    report = IngestReport(
        sources=(
            SourceReport(id=1, name="a|b<i>.csv", sha256="ab" * 32, layout="114k", why="columns", rows_in=total + 9),
        ),
        rows=RowCounts(rows_in=total + 9, kept=total, repeats=4, quarantined=5),
        reasons={"popularity is not in 0..100": 3, "no artist": 2},
        columns=("artists", "popularity"),
        conflicts=1,
        mean_popularity=float(raw.mean()),
        share_of_zeros=0.293,
        warnings=("tempo is 0 in 12 rows",),
    )
    (inputs.ingest / "report.json").write_text(report.model_dump_json(), encoding="utf-8")
    pq.write_table(pa.table({"reason": ["no artist"]}), inputs.ingest / "quarantine.parquet")
    (inputs.ingest / "data_docs" / "index.html").write_text("<p>docs</p>", encoding="utf-8")
    (inputs.ingest / "data_docs" / "static" / "style.css").write_text("p {}", encoding="utf-8")
    sampling = SamplingReport(
        engine="collapsed",
        sampler="NUTS",
        pooling=pooling,
        priors={
            "mu": "normal(50, 52.1234567891)",
            "sigma": "exponential(0.048)",
            "tau": "exponential(1) relative to sigma",
        },
        new_artist={"mean": 50.0, "sd": 19.0, "low": 18.8, "high": 81.2},
        interval=0.9,
        versions={"numpy": np.__version__},
        likelihood="student_t" if student else "normal",
        variance=made_up_shares(sorted(set(blocks.values())), pooling, genres=bool(genres), slopes=slopes),
        prior_predictive=PRIOR_PREDICTIVE,
    )
    (inputs.sample / "sampling.json").write_text(sampling.model_dump_json(), encoding="utf-8")
    verdict = Verdict(
        passed=passed,
        chains=2,
        draws=draws,
        parameters=12,
        constants=(),
        measured={
            "max_rhat": 1.004,
            "min_ess_bulk": 812.0,
            "min_ess_tail": 640.0,
            "divergences": 0.0,
            "min_bfmi": 0.97,
            "treedepth_share": 0.0,
        },
        thresholds={
            "max_rhat": 1.01,
            "min_ess_bulk": 200.0,
            "min_ess_tail": 200.0,
            "divergences": 0.0,
            "min_bfmi": 0.3,
            "treedepth_share": 0.01,
        },
        shortfalls=(),
        advice="" if passed else "draw more",
        checks=(
            ModelCheck(
                name="zeros",
                quantity="share of tracks at 0",
                observed=0.29,
                low=0.02,
                median=0.03,
                high=0.05,
                passed=False,
                action="warn",
                sentence="29 % of <b>tracks</b> are at 0, 2 % to 5 % were expected",
            ),
        ),
        rung=1,
        why="the effective sample size was small",
        changes={"draws": draws},
        earlier=(Attempt(rung=0, why="", changes={}, quantities=3, summary="smallest ESS 12"),),
    )
    (inputs.gate / "verdict.json").write_text(verdict.model_dump_json(), encoding="utf-8")
    names_measured = ["mu", "sigma", "tau", *(f"genre_effect[{genre}]" for genre in genres)]
    count = len(names_measured)
    diagnostics = {
        "parameter": names_measured,
        "mean": np.linspace(10, 50, count),
        "sd": np.ones(count),
        "rhat": np.full(count, 1.001),
        "ess_bulk": np.linspace(900, 800, count),
        "ess_tail": np.full(count, 700.0),
    }
    pq.write_table(pa.table(diagnostics), inputs.gate / "diagnostics.parquet")
    return inputs


def _write_statistics(
    folder: Path, rng: np.random.Generator, columns: list[DesignColumn], artists: dict[str, tuple[int, float]]
) -> None:
    ordered = [artists[name] for name in sorted(artists)]
    counts, raw = (np.array(each) for each in zip(*ordered, strict=True))
    z = rng.normal(0, 1 / np.sqrt(counts[:, None]), (len(counts), len(columns)))
    z[:, [column.kind == "genre" for column in columns]] = 1 / 3
    z[:, 0] = 1
    folder.mkdir()
    np.save(folder / "counts.npy", counts)
    np.save(folder / "means.npy", np.column_stack([z, raw - raw.mean()]))


def made_up_shares(blocks: list[str], pooling: str, *, genres: bool, slopes: bool) -> dict[str, dict[str, float]]:
    """Return what `sample` says of the variance."""
    if pooling == "none":
        return {}
    means = {f"block: {block}": 0.011 * (place + 1) for place, block in enumerate(blocks)}
    means |= ({"genres": 0.12} if genres else {}) | ({"slopes": 0.02} if slopes else {})
    means |= {"shared": -0.013} if len(means) > 1 else {}
    means |= {"artists": 0.4} if pooling == "partial" else {}
    means["residual"] = 1 - sum(means.values())
    return {part: {"mean": mean, "low": mean - 0.01, "high": mean + 0.01} for part, mean in means.items()}


def _write_posterior(  # noqa: PLR0913 - each is an aspect that a test varies
    path: Path,
    rng: np.random.Generator,
    draws: int,
    blocks: dict[str, str],
    genres: tuple[str, ...],
    stored: list[str],
    *,
    pooling: str,
    slopes: bool,
    student: bool,
) -> None:
    import xarray as xr

    shape = (2, draws)
    across = ("chain", "draw")
    names = sorted(set(blocks.values()))
    variables: dict[str, Any] = {
        "mu": (across, rng.normal(50, 0.5, shape)),
        "sigma": (across, rng.normal(14, 0.3, shape)),
    }
    coordinates: dict[str, Any] = {"chain": np.arange(2), "draw": np.arange(draws)}
    if pooling != "complete":
        variables["tau"] = (across, rng.normal(13, 0.4, shape))
        variables["artist_effect"] = ((*across, "artist"), rng.normal(0, 13, (*shape, len(stored))))
        coordinates["artist"] = stored
    if blocks:
        middle = np.linspace(-3, 3, len(blocks))
        variables["tau_block"] = ((*across, "block"), np.abs(rng.normal(2, 0.3, (*shape, len(names)))))
        variables["beta"] = ((*across, "feature"), rng.normal(middle, 0.3, (*shape, len(blocks))))
        coordinates.update(block=names, feature=list(blocks))
    if genres:
        middle = np.linspace(6, -6, len(genres))
        variables["tau_genre"] = (across, np.abs(rng.normal(6, 0.5, shape)))
        variables["genre_effect"] = ((*across, "genre"), rng.normal(middle, 1.0, (*shape, len(genres))))
        coordinates["genre"] = list(genres)
    if slopes:
        # The last genre's last slope is far from the common one, the others are not.
        middle = np.zeros((len(genres), len(blocks)))
        middle[-1, -1] = -2.0
        variables["tau_slope"] = ((*across, "block"), np.abs(rng.normal(0.5, 0.1, (*shape, len(names)))))
        deviation = rng.normal(middle, 0.3, (*shape, len(genres), len(blocks)))
        variables["slope_deviation"] = ((*across, "genre", "feature"), deviation)
    if student:
        variables["nu"] = (across, 2 + rng.gamma(4, 1, shape))
    stats = {"diverging": (across, np.zeros(shape, bool)), "energy": (across, rng.normal(0, 1, shape))}
    tree = xr.DataTree.from_dict(
        {
            "/posterior": xr.Dataset(variables, coordinates),
            "/sample_stats": xr.Dataset(stats, {each: coordinates[each] for each in across}),
        }
    )
    tree.to_netcdf(path, engine="h5netcdf")
