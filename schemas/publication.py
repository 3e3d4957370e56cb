"""What a publication holds, and how its files are named."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from schemas.comparison import Comparison
from schemas.errors import InvalidParameter
from schemas.reports import DesignColumn, IngestReport, SamplingReport
from schemas.tracks import BY_NAME
from schemas.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

MANIFEST = "manifest.json"
ARTISTS = "artists.parquet"
ARTIST_MEANS = "artist_means.parquet"
DESIGN = "design.json"
POSTERIOR = "posterior.nc"
ARTIST_CONVERGENCE = "artist_convergence.parquet"  # only where NUTS drew artists' effects, row by row
CURRENT = "current"
POINTER = "current.json"  # in stores that have no links
VERSIONS = "versions"
NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
_NAME = re.compile(NAME)


def checked_name(name: str) -> str:
    """Return `name` if it can name a publication.

    Raises
    ------
    InvalidParameter
        If it is anything but lower-case letters, digits, dots, dashes and underscores: it becomes a folder.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        message = (
            f"{name!r} cannot name a publication: use up to 64 lower-case letters, digits, '-', '_' and '.', "
            "starting with a letter or digit"
        )
        raise InvalidParameter(message)
    return name


class PublishedFile(BaseModel):
    """A file of a publication."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    size: int


class Manifest(BaseModel):
    """``manifest.json``: what went in, what the gate measured, and every file with its hash.

    Attributes
    ----------
    name, version : str
    created : str
        UTC, ISO 8601.
    key : str
        Hash of everything the publication was made from: the same key means the same posterior.
    corpus : IngestReport
    observations, artists : int
    genres, features : tuple of str
    parameters : dict
        By step, as the run was given them.
    seed : int
    sampling : SamplingReport
    verdict : Verdict
    scales : dict
        Posterior mean and sd of mu, sigma, tau, ...
    steps : dict of str to int
        The version of each step's code.
    code : dict of str to str
        Encore's version and, where it is known, its commit.
    packages : dict of str to str
    previous : str
        The version that ``change`` in artists.parquet refers to; empty for the first.
    held_back : str
        Why `current` did not move to this version when it was published; empty where it did.
    comparison : Comparison
        How it predicts beside the version that was current before.
    files : dict of str to PublishedFile
        Path inside the publication to hash and size; all but the manifest itself.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    created: str
    key: str
    corpus: IngestReport
    observations: int
    artists: int
    genres: tuple[str, ...]
    features: tuple[str, ...]
    parameters: dict[str, Any]
    seed: int
    sampling: SamplingReport
    verdict: Verdict
    scales: dict[str, dict[str, float]]
    steps: dict[str, int]
    code: dict[str, str]
    packages: dict[str, str]
    previous: str = ""
    held_back: str = ""
    comparison: Comparison = Comparison()
    files: dict[str, PublishedFile]


class Publication(BaseModel):
    """A finished publication, as the flow returns it.

    Attributes
    ----------
    name, version, key : str
    path : str
        Its folder; in a store that is no folder, its address.
    new : bool
        False where it had been published before and nothing had changed.
    held_back : str
        Why readers do not see this version; empty where `current` points to it.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    key: str
    path: str
    new: bool
    held_back: str = ""


@cache
def artists_schema() -> pa.Schema:
    """Return the Arrow schema of ``artists.parquet``.

    `sample` fills all but ``rank`` and ``change``, which `publish` adds.
    """
    import pyarrow as pa

    def column(name: str, kind: pa.DataType, description: str) -> pa.Field:
        return pa.field(name, kind, metadata={"description": description})

    points = pa.float64()
    return pa.schema(
        [
            column("rank", pa.int32(), "1 is the highest posterior mean"),
            column("artist", pa.string(), "name as credited"),
            column("tracks", pa.int64(), "tracks it was judged by"),
            column("raw_mean", points, "plain mean popularity of those tracks, points"),
            column("mean", points, "posterior mean of the expected popularity of a track like its own, points"),
            column("sd", points, "posterior sd of that expectation, points"),
            column("low", points, "lower end of its interval, kept within 0..100"),
            column("high", points, "upper end of its interval, kept within 0..100"),
            column("next_mean", points, "expected popularity of its next track, points"),
            column("next_sd", points, "sd of the popularity of its next track, points"),
            column("next_low", points, "lower end of the interval of its next track, kept within 0..100"),
            column("next_high", points, "upper end of the interval of its next track, kept within 0..100"),
            column("effect_mean", points, "posterior mean of artist_effect: net of genre and features, points"),
            column("effect_sd", points, "posterior sd of artist_effect, points"),
            column("change", points, "mean minus the mean in the previous publication; null if it is new"),
        ]
    )


@cache
def coefficients_schema() -> pa.Schema:
    """Return the Arrow schema of ``coefficients.parquet`` and ``genres.parquet``."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("name", pa.string()),
            pa.field("kind", pa.string()),
            pa.field("block", pa.string()),
            pa.field("genre", pa.string()),
            *(pa.field(name, pa.float64()) for name in ("mean", "sd", "low", "high")),
        ]
    )


AVERAGE = b"average"


def means_name(column: DesignColumn) -> str:
    """Return what a column of Z is called in ``artist_means.parquet``: no genre can take the name of a feature."""
    if column.kind == "slope":
        return f"slope[{column.genre}][{column.feature}]"
    return f"genre[{column.name}]" if column.kind == "genre" else column.name


def means_schema(columns: Sequence[DesignColumn], average: Sequence[float]) -> pa.Schema:
    """Return the Arrow schema of ``artist_means.parquet``.

    Parameters
    ----------
    columns : sequence of DesignColumn
        The D columns of Z, the intercept first.
    average : sequence of float, length D
        The mean of each over all tracks, in the units of the file; kept as metadata of its field.
    """
    import pyarrow as pa

    fields = [
        pa.field("artist", pa.string(), metadata={"description": "name as credited"}),
        pa.field("tracks", pa.int64(), metadata={"description": "tracks it was judged by"}),
        pa.field("raw_mean", pa.float64(), metadata={"description": "plain mean popularity of those tracks, points"}),
    ]
    for column, mean in zip(columns[1:], average[1:], strict=True):
        match column.kind:
            case "genre":
                description = "share of its tracks in the genre"
            case "slope":
                description = "mean over its tracks of share in the genre x standardised feature"
            case _:
                described = BY_NAME[column.name]
                description = ", ".join(filter(None, [f"mean of: {described.description}", described.unit]))
        metadata = {"description": description, AVERAGE: repr(float(mean))}
        fields.append(pa.field(means_name(column), pa.float64(), metadata=metadata))
    return pa.schema(fields)
