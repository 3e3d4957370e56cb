"""What `encore diff` prints and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flows.listing import dumped, print_table
from flows.terminal import print_line
from schemas.errors import InvalidParameter
from tasks.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tasks.publish.comparing import Difference

_WIDEST_NAME = 30  # cells


def print_difference(to: str, name: str, before: str, after: str, top: int, csv: Path | None, *, json: bool) -> None:
    """Print or write what is different from one version to another.

    Parameters
    ----------
    to : str
        Where publications lie.
    name : str
    before, after : str
        As for `tasks.publish.history.resolved`.
    top : int
        How many artists of each kind are printed.
    csv : Path, optional
        Write all artists there.
    json : bool

    Raises
    ------
    EncoreError
        If one of them is not there, or the file cannot be written.
    """
    from tasks.publish.comparing import difference
    from tasks.stores.choosing import resolved

    store = open_store(to)
    found = difference(store, name, resolved(store, name, before), resolved(store, name, after))
    if csv is not None:
        _write_csv(found, csv)
    if json:
        print_line(dumped(_plain_difference(found)))
    elif csv is not None:
        print_line(f"{found.artists.num_rows:,} artists in {csv}")
    else:
        _print_difference(found, top)


def _write_csv(found: Difference, path: Path) -> None:
    import pyarrow.csv as pc

    try:
        with path.open("wb") as file:
            pc.write_csv(found.artists, file)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror or error}"
        raise InvalidParameter(message) from None


def _plain_difference(found: Difference) -> dict[str, Any]:
    return {
        "name": found.after.name,
        "before": found.before.version,
        "after": found.after.version,
        "scales": [vars(scale) for scale in found.scales],
        **{status: found.of(status).drop_columns(["status"]).to_pylist() for status in ("stayed", "came", "went")},
    }


def _print_difference(found: Difference, top: int) -> None:
    from tasks.publish.text import counted, fitted, number, signed

    stayed, came, went = (found.of(status) for status in ("stayed", "came", "went"))
    print_line(f"{found.after.name}, from {found.before.version} to {found.after.version}")
    print_line(
        f"{counted(stayed.num_rows, 'artist')} in both, {came.num_rows:,} came, {went.num_rows:,} went; "
        f"{found.within(1):,} moved by at most 1 posterior sd, {stayed.num_rows - found.within(2):,} by more than 2\n"
    )
    lines: list[Sequence[str]] = [("global", "before", "after", "change", "sds")]
    for scale in found.scales:
        change = None if scale.before is None or scale.after is None else scale.after - scale.before
        lines.append(
            (
                fitted(scale.name, _WIDEST_NAME),
                number(scale.before, 2),
                number(scale.after, 2),
                signed(change, 2),
                signed(scale.sds),
            )
        )
    print_table(lines, left={0})
    if stayed.num_rows:
        print_line("\nmoved most, in posterior sds of the version before")
        lines = [("artist", "tracks", "before", "after", "change", "sds")]
        for row in stayed.slice(0, top).to_pylist():
            lines.append(
                (
                    fitted(row["artist"], _WIDEST_NAME),
                    f"{row['tracks_before']:,} to {row['tracks_after']:,}",
                    number(row["mean_before"]),
                    number(row["mean_after"]),
                    signed(row["change"]),
                    signed(row["sds"]),
                )
            )
        print_table(lines, left={0})
    for title, table, when in (("came", came, "after"), ("went", went, "before")):
        if table.num_rows:
            more = f", the first {top} by rank" if table.num_rows > top else ""
            print_line(f"\n{title}{more}")
            lines = [("artist", "tracks", "mean", "rank")]
            for row in table.slice(0, top).to_pylist():
                cells = (f"{row[f'tracks_{when}']:,}", number(row[f"mean_{when}"]), f"{row[f'rank_{when}']:,}")
                lines.append((fitted(row["artist"], _WIDEST_NAME), *cells))
            print_table(lines, left={0})
