"""The stores that the same must hold of: a folder, and an object store in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.stores import open_store
from tasks.stores.remote import RemoteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tasks.stores import Store


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteStore]:
    """Return an empty object store in memory."""
    import fsspec

    monkeypatch.setenv("ENCORE_CACHE", str(tmp_path / "cache"))
    opened = open_store("memory://bucket/publications")
    assert isinstance(opened, RemoteStore)
    yield opened
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Return an empty store."""
    if request.param == "folder":
        return open_store(tmp_path / "publications")
    memory: Store = request.getfixturevalue("bucket")
    return memory
