"""What `encore priors` prints."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from flows.terminal import print_line
from schemas.distributions import FAMILIES
from schemas.presets import PRESETS, preset_named
from schemas.priors import Priors

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDTH = 100


def print_presets() -> None:
    """Print every preset with its source, what auto is, and the families."""
    print_line("Presets, for encore refit --priors NAME; what a preset does not name is auto.")
    for name, preset in PRESETS.items():
        print_line(f"\n{name}")
        _print_table(preset.priors)
        _print_paragraph(preset.why)
        _print_paragraph(f"From: {preset.source}")
    print_line("\nParameters, and what auto is")
    _print_table({name: field.description or "" for name, field in Priors.model_fields.items()})
    print_line("\nFamilies; numbers are in points of popularity, and a tau can be relative to sigma")
    _print_paragraph(", ".join(FAMILIES))
    print_line("\nPriors of your own: encore priors idsia > priors.yaml, change it, encore refit --priors priors.yaml")


def print_preset(name: str) -> None:
    """Print a preset as a file that --priors reads.

    Raises
    ------
    InvalidParameter
        If there is no such preset.
    """
    preset = preset_named(name)
    for text in (preset.source, preset.why):
        for line in textwrap.wrap(text, _WIDTH - 2):
            print_line(f"# {line}")
    for parameter, prior in preset.priors.items():
        print_line(f"{parameter}: {prior}")


def _print_table(rows: Mapping[str, str]) -> None:
    width = max(len(name) for name in rows)
    for name, text in rows.items():
        print_line(f"  {name:<{width}}  {text}")


def _print_paragraph(text: str) -> None:
    print_line(textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="  "))
