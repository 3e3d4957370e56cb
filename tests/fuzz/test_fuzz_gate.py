"""A small part of `make fuzz-gate`, and that it would notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gate_damage
import pytest
from gate_damage import DAMAGES, GATE, OF_FILES, make, trial

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore")  # xarray's, on names and types that nobody should write


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gated")
    make(folder)
    return folder


def test_a_posterior_that_nobody_damaged_passes(base: Path, tmp_path: Path) -> None:
    verdict = gate_damage.gate_posterior(base / "group", base / "sample", GATE, tmp_path)
    assert verdict.passed, verdict.shortfalls


def test_damaged_posteriors_fall_short_and_nothing_raises(base: Path, tmp_path: Path) -> None:
    seen = set()
    for number in range(20):
        name, said = trial(base, tmp_path / str(number), number)
        assert not said, f"trial {number}, {name}: {said}"
        seen.add(name)
    assert len(seen) > (len(DAMAGES) + len(OF_FILES)) / 3


def test_a_gate_that_lets_all_pass_would_be_noticed(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = gate_damage.gate_posterior(base / "group", base / "sample", GATE, tmp_path)

    def careless(*_: Any) -> Any:
        return passed

    monkeypatch.setattr(gate_damage, "gate_posterior", careless)
    assert trial(base, tmp_path / "one", 1)[1] == "it passed"

    def raising(*_: Any) -> Any:
        message = "as a bug would"
        raise IndexError(message)

    monkeypatch.setattr(gate_damage, "gate_posterior", raising)
    assert "as a bug would" in trial(base, tmp_path / "another", 1)[1]
