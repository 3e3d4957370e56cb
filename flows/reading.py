"""The commands that read: a publication, and the presets of priors."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from flows.options import Column  # noqa: TC001 - typer asks for it when it runs
from schemas.errors import InvalidParameter

TO = "data/publications"
To = Annotated[
    str,
    typer.Option(metavar="FOLDER|ADDRESS", help="Where publications lie: a folder, or such as s3://bucket/prefix."),
]


def show(
    name: Annotated[str, typer.Argument(help="Name of a publication.")],
    to: To = TO,
    top: Annotated[int, typer.Option(min=1, help="How many artists.")] = 10,
) -> None:
    """Show the current version of a publication: its leaderboard, and what the gate measured."""
    from flows.terminal import print_publication

    print_publication(to, name, top)


def priors(
    preset: Annotated[str | None, typer.Argument(help="Print this one as a file to save and change.")] = None,
) -> None:
    """List the presets of priors with their sources, what auto is, and the families to choose from."""
    from flows.presets import print_preset, print_presets

    if preset is None:
        print_presets()
    else:
        print_preset(preset)


def quarantine(
    what: Annotated[
        str, typer.Argument(metavar="NAME|FOLDER|SOURCE", help="A publication, a folder with a quarantine, or tracks.")
    ],
    to: To = TO,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Only rows with this in a reason.")] = "",
    source: Annotated[str, typer.Option(metavar="FILE", help="Only rows of this file.")] = "",
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the rows as they came, to be mended and fed again.")
    ] = None,
    column: Column = None,
    json: Annotated[bool, typer.Option("--json", help="Print the rows as lines of JSON.")] = False,
) -> None:
    """Show which rows were left out and why, by reason; or get them out.

    Of a publication, those of its last corpus, also if that was rejected. Of files of tracks, those that a refit with
    the same --column would leave out: they are read and checked, and nothing else happens.
    """
    from flows.quarantining import show_quarantine

    show_quarantine(to, what, reason, source, csv, column=column or (), json=json)


def predict(  # noqa: PLR0913, PLR0917 - one option each
    name: Annotated[str, typer.Argument(help="Name of a publication.")],
    artist: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="An artist, as credited; may be given several times.")
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="An artist nobody has seen.")] = False,  # noqa: FBT002 - a flag
    feature: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="An audio feature of the track, in its own unit: energy=0.8."),
    ] = None,
    genre: Annotated[list[str] | None, typer.Option(help="A genre of the track, of those the model knows.")] = None,
    from_: Annotated[
        str, typer.Option("--from", metavar="FILE", help="Requests: CSV, Parquet or JSON lines; - is standard input.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write .csv, .parquet, .json or .jsonl instead of a table.")
    ] = None,
    interval: Annotated[
        float | None, typer.Option(help="Probability inside the intervals; as published unless given.")
    ] = None,
    to: To = TO,
) -> None:
    """Predict the popularity of an artist's next track.

    What is not given of a track is the average of the artist's own tracks, and of all tracks for an artist nobody has
    seen. A file has a row a track, with columns artist, genres (with ; between several) and audio features.
    """
    from flows.predicting import predict_file, predict_tracks, track_from

    if from_ and (artist or new or feature or genre):
        message = "--from brings its own artists, features and genres; leave out --artist, --new, --feature and --genre"
        raise InvalidParameter(message)
    if from_:
        predict_file(to, name, from_, out, interval)
        return
    if not artist and not new:
        message = "whose next track? Give --artist NAME, --new for an artist nobody has seen, or --from FILE"
        raise InvalidParameter(message)
    track = track_from(feature or [], genre or [])
    predict_tracks(to, name, [*(artist or []), *([None] if new else [])], track, out, interval)


def draws(
    name: Annotated[str, typer.Argument(help="Name of a publication.")],
    artist: Annotated[
        list[str], typer.Option(metavar="NAME", help="An artist, as credited; may be given several times.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="NetCDF to write, for ArviZ or xarray.")],
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of draws that are not in the publication; as published unless given.")
    ] = None,
    to: To = TO,
) -> None:
    """Write posterior draws of chosen artists, beyond those that a publication holds."""
    from flows.predicting import write_draws

    write_draws(to, name, artist, out, seed)
