"""What `encore predict` and `encore draws` say in a terminal."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

from flows.terminal import current_folder, print_line
from schemas.errors import InvalidParameter
from schemas.predictions import ARTIST, GENRES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tasks.predict import Predictor

_SHOWN = 20
_WIDEST_NAME = 26  # cells: with the other columns it fits a terminal of 80


def track_from(features: Sequence[str], genres: Sequence[str]) -> dict[str, object]:
    """Read what options say of a track.

    Raises
    ------
    InvalidParameter
        If an option is not ``name=value``, or gives a feature twice.
    """
    track: dict[str, object] = {GENRES: list(genres)} if genres else {}
    for option in features:
        name, equals, value = option.partition("=")
        if not equals or not value.strip():
            message = f"--feature {option}: write a name and a value, such as energy=0.8"
            raise InvalidParameter(message)
        if name.strip() in track:
            message = f"--feature {option}: {name.strip()} is given twice"
            raise InvalidParameter(message)
        track[name.strip()] = value
    return track


def predict_tracks(
    to: str,
    name: str,
    artists: Sequence[str | None],
    track: Mapping[str, object],
    out: Path | None,
    interval: float | None,
) -> None:
    """Print or write predictions of the next track of some artists.

    Parameters
    ----------
    to : str
        Where publications lie.
    name : str
    artists : sequence of str or None
        None for an artist nobody has seen.
    track : mapping
        What is known of the track, of all of them alike.
    out : Path, optional
    interval : float, optional

    Raises
    ------
    EncoreError
        If there is no whole publication, or something given cannot be used.
    """
    predictor = _predictor(to, name, out)
    known = predictor.design.names("feature")
    for feature in track.keys() - {GENRES, *known}:
        message = f"--feature {feature}: {name} has {', '.join(known) if known else 'no audio features'}"
        raise InvalidParameter(message)
    columns: dict[str, list[object]] = {
        ARTIST: list(artists),
        **{each: [value] * len(artists) for each, value in track.items()},
    }
    predictions = predictor.predict_columns(columns, interval=interval, first_row=None)
    for artist, tracks in zip(artists, predictions["tracks"], strict=True):
        if artist is not None and not tracks:
            _warn(f"{name} has seen no artist {artist!r}: predicted as a new one{_like(predictor, artist)}")
    _show([predictions], predictor, out, interval)


def predict_file(to: str, name: str, source: str, out: Path | None, interval: float | None) -> None:
    """Print or write predictions of the tracks in a file, some thousands at a time; otherwise as `predict_tracks`."""
    from tasks.predict.reading import ROWS

    predictor = _predictor(to, name, out)
    # For a table no more is predicted than it shows, and one to tell that there are more.
    size = ROWS if out else _SHOWN + 1
    _show(_batches(predictor, source, interval, size), predictor, out, interval)


def _batches(predictor: Predictor, source: str, interval: float | None, size: int) -> Iterator[dict[str, list[Any]]]:
    from tasks.predict.reading import read_columns
    from tasks.predict.requests import columns_used

    row, said = 1, set[str]()
    for number, columns in enumerate(read_columns(source, size)):
        used, ignored = columns_used(list(columns), predictor.design)
        if fresh := [column for column in ignored if column not in said]:
            said |= set(fresh)
            _warn(f"columns that predictions do not read: {', '.join(fresh)}")
        if not number and ARTIST not in used:
            _warn("there is no column artist: each row is predicted as one of an artist nobody has seen")
        predictions = predictor.predict_columns(columns, interval=interval, first_row=row)
        row += len(predictions["row"])
        yield predictions


def _predictor(to: str, name: str, out: Path | None) -> Predictor:
    from tasks.predict import READ, Predictor
    from tasks.predict.writing import checked_out

    if out:
        checked_out(out)
    return Predictor.open(current_folder(to, name, READ))


def _like(predictor: Predictor, artist: str) -> str:
    close = predictor.like(artist)
    return f"; there is {', '.join(map(repr, close))}" if close else ""


def _warn(text: str) -> None:
    from tasks.publish.text import harmless

    sys.stderr.write(f"encore: {harmless(text)}\n")


def _show(
    batches: Sequence[dict[str, list[Any]]] | Iterator[dict[str, list[Any]]],
    predictor: Predictor,
    out: Path | None,
    interval: float | None,
) -> None:
    if out is None:
        _print_table(batches, predictor, interval)
        return
    from tasks.predict.writing import predictions_file

    count = unseen = 0
    with predictions_file(out) as write:
        for predictions in batches:
            write(predictions)
            count += len(predictions["row"])
            unseen += predictions["tracks"].count(0)
    print_line(f"{count:,} predictions in {out}, {unseen:,} of them of artists nobody has seen")


def _print_table(batches: Any, predictor: Predictor, interval: float | None) -> None:
    from tasks.publish.text import aligned, fitted, number

    inside = predictor.manifest.sampling.interval if interval is None else interval
    rows = [("artist", "basis", "expected", f"{inside * 100:.3g}% interval", "at 0", "at 100")]
    records = (
        record for columns in batches for record in zip(*(columns[name] for name in _SHOWN_COLUMNS), strict=True)
    )
    for artist, basis, mean, low, high, zero, hundred in islice(records, _SHOWN):
        rows.append(
            (
                fitted(artist or "(new)", _WIDEST_NAME),
                basis,
                number(mean),
                f"{number(low)} to {number(high)}",
                f"{zero:.1%}",
                f"{hundred:.1%}",
            )
        )
    print_line(aligned(rows, left={0, 1}))
    if next(records, None) is not None:
        _warn(f"and more rows than these {_SHOWN}; --out FILE writes them all")


_SHOWN_COLUMNS = ("artist", "basis", "mean", "low", "high", "p_zero", "p_hundred")


def write_draws(to: str, name: str, artists: Sequence[str], out: Path, seed: int | None) -> None:
    """Write draws of artists as NetCDF.

    Parameters
    ----------
    to : str
        Where publications lie.
    name : str
    artists : sequence of str
    out : Path
    seed : int, optional

    Raises
    ------
    EncoreError
        If there is no whole publication, or no such artist.
    """
    from tasks.predict import READ, Predictor, writing

    writing.checked_out(out, writing.DRAWS)
    predictor = Predictor.open(current_folder(to, name, READ))
    chosen = list(dict.fromkeys(artists))
    writing.write_draws(predictor, chosen, out, seed)
    print_line(f"draws of {len(chosen):,} artists in {out}")
