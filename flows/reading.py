"""The commands that read: a publication, and the presets of priors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TO = Path("data/publications")


def show(
    name: Annotated[str, typer.Argument(help="Name of a publication.")],
    to: Annotated[Path, typer.Option(help="Folder of publications.")] = TO,
    top: Annotated[int, typer.Option(min=1, help="How many artists.")] = 10,
) -> None:
    """Show the current version of a publication: its leaderboard, and what the gate measured."""
    from flows.terminal import print_publication

    print_publication(to, name, top)


def verify(
    name: Annotated[str, typer.Argument(help="Name of a publication.")],
    to: Annotated[Path, typer.Option(help="Folder of publications.")] = TO,
) -> None:
    """Check every file of the current version against the hashes in its manifest."""
    from flows.terminal import verify_publication

    verify_publication(to, name)


def priors(
    preset: Annotated[str | None, typer.Argument(help="Print this one as a file to save and change.")] = None,
) -> None:
    """List the presets of priors with their sources, what auto is, and the families to choose from."""
    from flows.presets import print_preset, print_presets

    if preset is None:
        print_presets()
    else:
        print_preset(preset)
