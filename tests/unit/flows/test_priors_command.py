"""`encore priors`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from flows.cli import app
from schemas.distributions import FAMILIES
from schemas.errors import InvalidParameter
from schemas.presets import PRESETS
from schemas.priors import Priors

if TYPE_CHECKING:
    from pathlib import Path


def test_all_presets_and_families_are_listed() -> None:
    result = CliRunner().invoke(app, ["priors"])
    assert result.exit_code == 0
    listed = " ".join(result.output.split())
    for name, preset in PRESETS.items():
        assert name in listed
        assert preset.source in listed
        assert all(prior in listed for prior in preset.priors.values())
    assert all(family in listed for family in FAMILIES)
    assert all(parameter in listed for parameter in Priors.model_fields)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_printed_as_a_file_that_is_read_back(name: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["priors", name])
    path = tmp_path / "priors.yaml"
    path.write_text(result.output, encoding="utf-8")
    assert Priors.from_file(path) == Priors.preset(name)


def test_one_that_is_not_there_is_an_error() -> None:
    result = CliRunner().invoke(app, ["priors", "brms"])
    assert isinstance(result.exception, InvalidParameter)
