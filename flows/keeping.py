"""The commands that look after what has been published: list, compare, roll back, verify, and take away."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from flows.reading import TO, To
from schemas.errors import InvalidParameter

Name = Annotated[str, typer.Argument(help="Name of a publication.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_VERSION = "A version, the start of one or of its hash, or current, previous or newest."


def publications(
    name: Annotated[str | None, typer.Argument(help="Name of a publication; all of them unless given.")] = None,
    to: To = TO,
    *,
    json: Json = False,
) -> None:
    """List the publications, or the versions of one: when, of what, and which one readers see."""
    from flows.listing import print_publications, print_versions

    if name is None:
        print_publications(to, json=json)
    else:
        print_versions(to, name, json=json)


def diff(
    name: Name,
    before: Annotated[str, typer.Argument(metavar="[A]", help=_VERSION)] = "previous",
    after: Annotated[str, typer.Argument(metavar="[B]", help="The same.")] = "current",
    to: To = TO,
    top: Annotated[int, typer.Option(min=1, help="How many artists of each kind.")] = 10,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a row for every artist.")] = None,
    json: Json = False,  # noqa: FBT002 - a flag
) -> None:
    """Say what is different from version A to version B: who moved, who came and went, and the global scales.

    Moves are told in points and in posterior sds of A: 2 sds is more than A gave reason to expect.
    """
    from flows.differing import print_difference

    print_difference(to, name, before, after, top, csv, json=json)


def promote(name: Name, version: Annotated[str, typer.Argument(metavar="VERSION", help=_VERSION)], to: To = TO) -> None:
    """Have readers see another version, older or newer: only the pointer moves, once the version is verified.

    A refit that finds nothing new leaves it there. One that publishes something new moves the pointer on.
    """
    from flows.listing import print_promoted

    print_promoted(to, name, version)


def verify(
    name: Name,
    version: Annotated[str, typer.Argument(metavar="[VERSION]", help=_VERSION)] = "current",
    to: To = TO,
    every: Annotated[bool, typer.Option("--all", help="Every version.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Check every file of a version against the hashes in its manifest; exit code 5 if one is not as published."""
    from flows.listing import verify_versions

    verify_versions(to, name, None if every else version)


def prune(
    name: Annotated[str | None, typer.Argument(help="Name of a publication.")] = None,
    keep: Annotated[int | None, typer.Option(metavar="N", help="Versions to keep, the newest.")] = None,
    to: To = TO,
    work: Annotated[bool, typer.Option("--work", help="Also what steps left and nobody uses any more.")] = False,  # noqa: FBT002
    days: Annotated[float, typer.Option(min=1, help="With --work: unused for so many days.")] = 7,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,  # noqa: FBT002
) -> None:
    """Take away old versions of a publication; never the current one, nor one that is being read or published.

    With --work, also what earlier runs left to go on from, if no run has used it for some days. It is made again when
    it is needed.
    """
    from flows.listing import prune_versions, prune_work

    if name is None and not work:
        message = "what shall go? Give NAME and --keep N for old versions, --work for what steps left"
        raise InvalidParameter(message)
    if name is not None:
        if keep is None:
            message = f"how many versions of {name} shall stay? Give --keep N"
            raise InvalidParameter(message)
        prune_versions(to, name, keep, dry_run=dry_run)
    if work:
        prune_work(to, days, dry_run=dry_run)
