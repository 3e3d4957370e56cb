"""Who comes late does not overtake, and how far a posterior has moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schemas.errors import AnotherRefit
from tasks.publish.movement import movement
from tasks.publish.store import current_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.publish.publisher import Inputs

    Release = Callable[..., Any]

KEY = "0123456789abcdef" * 2
OTHER_KEY = "fedcba9876543210" * 2


def test_a_late_run_does_not_overtake_what_was_published_since_it_began(release: Release, root: Path) -> None:
    newer = release(KEY, before="")
    with pytest.raises(AnotherRefit, match=f"has published {newer.version} since this one began"):
        release(OTHER_KEY, before="")
    assert current_version(root, "weekly") == newer.version
    assert release(OTHER_KEY, before=newer.version).new


def test_what_is_current_already_is_nothing_new_however_late(release: Release) -> None:
    release(KEY, before="")
    assert not release(KEY, before="").new


def test_movement_is_from_what_readers_have(release: Release, root: Path, inputs: Inputs, other_inputs: Inputs) -> None:
    assert movement(inputs.sample, root, "weekly") is None
    published = release(KEY)
    same = movement(inputs.sample, root, "weekly")
    assert same is not None
    assert (same.version, same.artists, same.mean) == (published.version, 30, 0)
    moved = movement(other_inputs.sample, root, "weekly", most=3)
    assert moved is not None
    assert moved.mean > 0
    assert len(moved.movers) == 3
    sizes = [abs(change) for _, change in moved.movers]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] >= moved.mean
