"""The promotion rule: what is published, and what readers see of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from schemas.comparison import COMPARISON, JUDGED, Comparison
from schemas.parameters import PublishParameters
from tasks.publish.history import promote
from tasks.publish.publisher import publish
from tasks.stores import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from tasks.publish.publisher import Inputs

KEYS = ("ab" * 16, "cd" * 16)


@pytest.fixture
def first(root: Path, inputs: Inputs) -> str:
    """Publish something that readers see."""
    return publish(root, "weekly", KEYS[0], inputs, {}, 7, PublishParameters(figures=False)).version


def release(root: Path, inputs: Inputs, found: Comparison, rule: Any) -> Any:
    """Publish something new that was compared."""
    folder = root.parent / "compare"
    folder.mkdir(exist_ok=True)
    (folder / COMPARISON).write_text(found.model_dump_json(), encoding="utf-8")
    (folder / JUDGED).write_bytes(b"tracks")
    parameters = PublishParameters(figures=False, promote=rule)
    return publish(root, "weekly", KEYS[1], dataclasses.replace(inputs, compare=folder), {}, 7, parameters)


@pytest.mark.parametrize(
    ("rule", "difference", "held"),
    [
        ("not_worse", -90.0, "it predicts clearly worse than the current one (-90.0 ± 20.0 ELPD against "),
        ("not_worse", -30.0, ""),
        ("always", -90.0, ""),
        ("never", 90.0, "--promote never was asked for"),
    ],
)
def test_readers_see_what_is_not_clearly_worse(
    root: Path, inputs: Inputs, first: str, rule: str, difference: float, held: str
) -> None:
    found = Comparison(version=first, tracks=100, artists=9, difference=difference, se=20.0)
    published, store = release(root, inputs, found, rule), open_store(root)
    assert published.new
    assert published.held_back.startswith(held)
    assert bool(published.held_back) is bool(held)
    assert store.current("weekly") == (first if held else published.version)
    manifest = store.manifest("weekly", published.version)
    assert (manifest.held_back, manifest.comparison) == (published.held_back, found)
    assert JUDGED in manifest.files
    assert store.faults("weekly", published.version) == []


def test_what_was_held_back_stays_so_until_somebody_says_otherwise(root: Path, inputs: Inputs, first: str) -> None:
    found = Comparison(version=first, tracks=100, artists=9, difference=-90.0, se=20.0)
    held, store = release(root, inputs, found, "not_worse"), open_store(root)
    again = release(root, inputs, found, "not_worse")
    assert (again.new, again.version, again.held_back) == (False, held.version, held.held_back)
    assert store.current("weekly") == first
    assert release(root, inputs, found, "always").new
    assert store.current("weekly") == held.version
    promote(store, "weekly", first)
    assert promote(store, "weekly", "newest") == (held.version, first)


@pytest.mark.parametrize("note", ["nothing was current", "it was published before tracks were kept to compare by"])
def test_what_cannot_be_compared_is_promoted_and_the_manifest_says_so(
    root: Path, inputs: Inputs, first: str, note: str
) -> None:
    published = release(root, inputs, Comparison(version=first, note=note), "not_worse")
    store = open_store(root)
    assert store.current("weekly") == published.version
    assert store.manifest("weekly", published.version).comparison.note == note


def test_what_was_compared_with_something_else_is_held_back(root: Path, inputs: Inputs, first: str) -> None:
    published = release(root, inputs, Comparison(version="20200101T000000Z-0123456789ab"), "not_worse")
    assert (
        published.held_back
        == f"it was compared with 20200101T000000Z-0123456789ab, and {first} became current meanwhile"
    )


def test_the_first_is_promoted_unless_never(root: Path, inputs: Inputs) -> None:
    published = release(root, inputs, Comparison(note="nothing was current"), "not_worse")
    assert open_store(root).current("weekly") == published.version
