"""Publications of made-up refits, and the clock that versions are named after."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from made_up import HOSTILE, write_inputs

from schemas.parameters import PublishParameters
from tasks.publish.publisher import publish
from tasks.stores import store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.publish.publisher import Inputs


@pytest.fixture(scope="session")
def hostile() -> tuple[str, ...]:
    """Return names that somebody might give an artist to do harm."""
    return HOSTILE


@pytest.fixture(scope="session")
def make_inputs() -> Callable[..., Inputs]:
    """Return the function that writes what the earlier steps leave."""
    return write_inputs


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Return the folders of one small refit; not to be changed."""
    return write_inputs(tmp_path_factory.mktemp("refit"))


@pytest.fixture(scope="session")
def other_inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Return the folders of another refit: other numbers, two artists fewer, one of them new."""
    return write_inputs(tmp_path_factory.mktemp("other"), artists=28, seed=2, names=("Somebody New", *HOSTILE[1:]))


KEY = "0123456789abcdef" * 2
OTHER_KEY = "fedcba9876543210" * 2


@pytest.fixture
def release(tmp_path: Path, inputs: Inputs) -> Callable[..., Any]:
    """Return `publish` with everything but what a test is about filled in; without figures, which take time."""
    return partial(_release, tmp_path / "published", inputs)


def _release(
    root: Path,
    default: Inputs,
    key: str = KEY,
    inputs: Inputs | None = None,
    *,
    name: str = "weekly",
    figures: bool = False,
    **options: Any,
) -> Any:
    parameters = {"sample": {"draws": 100}}
    chosen = inputs or default
    return publish(root, name, key, chosen, parameters, 7, PublishParameters(figures=figures), **options)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return where `release` publishes."""
    return tmp_path / "published"


class Clock:
    """A clock that a test sets."""

    def __init__(self, time: datetime) -> None:
        self.time = time

    def read(self) -> datetime:
        """Return the time, as `store.now` does."""
        return self.time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stop the clock that versions are named after."""
    stopped = Clock(datetime(2026, 11, 22, 16, 5, 1, tzinfo=UTC))
    monkeypatch.setattr(store, "now", stopped.read)
    return stopped
