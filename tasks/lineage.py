"""What came from what: corpus, tracks, posterior and publication, as assets that the UI shows.

Knows nothing of Prefect: the doors hand in its asset and its asset context. Keys are made of hashes and of the checked
name of a publication alone, never of text from a corpus. Prefect passes what a task made or found on to the tasks that
are given its result, through those that make nothing to show.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Protocol

from schemas.publication import checked_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schemas.references import Reference, Source


class Asset(Protocol):
    """An asset of Prefect's."""

    @property
    def key(self) -> str:
        """Its URI."""


class Context(Protocol):
    """What Prefect keeps of the assets of a task run, and makes events of when that has completed."""

    direct_asset_dependencies: set[Any]
    downstream_assets: set[Any]

    def add_asset_metadata(self, asset_key: str, metadata: dict[str, Any]) -> None:
        """Have the event of an asset that was made say more."""

    def update_tracked_assets(self) -> None:
        """Pass assets on to the tasks that are given the result of this one."""


def corpus_key(sources: Iterable[Source]) -> str:
    """Return the key of some files, whatever they are called and in whatever order."""
    hashes = sorted(source.sha256 for source in sources)
    return f"encore://corpus/{hashlib.sha256(' '.join(hashes).encode()).hexdigest()}"


def tracks_key(ingested: Reference) -> str:
    """Return the key of what ingest left."""
    return f"encore://tracks/{ingested.content}"


def posterior_key(sampled: Reference) -> str:
    """Return the key of what sample left."""
    return f"encore://posterior/{sampled.content}"


def publication_key(name: str) -> str:
    """Return the key of a publication: one for all its versions, which its events tell apart."""
    return f"encore://publication/{checked_name(name)}"


def record(
    context: Context | None, asset: Asset, *, new: bool, made_of: Sequence[Asset] = (), **facts: int | str
) -> None:
    """Record that a task has made an asset, or that it has found it as it was.

    Parameters
    ----------
    context : Context or None
        Of the task run; None outside of one, where there is nothing to tell.
    asset : Asset
    new : bool
        Whether it was made. What was only found gives no event: nothing has changed.
    made_of : sequence of Asset
        Beside what Prefect has seen go in.
    **facts
        What its event says of it: numbers, hashes, versions.
    """
    if context is None:
        return
    if new:
        context.downstream_assets.add(asset)
        context.direct_asset_dependencies.update(made_of)
        context.add_asset_metadata(asset.key, dict(facts))
    else:
        context.direct_asset_dependencies.add(asset)
    context.update_tracked_assets()
