"""From what a user calls a version to the version that is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import InvalidParameter, PublicationConflict
from tasks.stores.store import KEY_DIGITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.stores.store import Store

# What a version can be called besides its own name.
CURRENT, PREVIOUS, NEWEST = "current", "previous", "newest"
_SHOWN = 5


def resolved(store: Store, name: str, text: str) -> str:
    """Return the version that is meant.

    Parameters
    ----------
    store : Store
    name : str
    text : str
        A version, the start of one or of its key, or ``current``, ``previous`` (the one before the current) or
        ``newest``.

    Raises
    ------
    PublicationConflict
        If there is no such version.
    InvalidParameter
        If there are several.
    """
    versions = store.versions(name)
    if not versions:
        raise PublicationConflict(store.nothing(name))
    if text in {CURRENT, PREVIOUS}:
        return _by_pointer(store, name, text, versions)
    if text == NEWEST:
        return versions[-1]
    if text in versions:
        return text
    found = [each for each in versions if text and (each.startswith(text) or each[-KEY_DIGITS:].startswith(text))]
    if len(found) == 1:
        return found[0]
    shown = ", ".join(reversed((found or versions)[-_SHOWN:]))
    more = f" and {len(found or versions) - _SHOWN} more" if len(found or versions) > _SHOWN else ""
    if found:
        message = f"{len(found)} versions of {name} start with {text}: {shown}{more}; give more of the one you mean"
        raise InvalidParameter(message)
    message = f"{name} has no version {text!r}; it has {shown}{more}"
    raise PublicationConflict(message)


def _by_pointer(store: Store, name: str, text: str, versions: Sequence[str]) -> str:
    current = store.current(name)
    if current is None:
        raise PublicationConflict(store.nothing(name))
    if text == CURRENT:
        return current
    earlier = [version for version in versions if version < current]
    if not earlier:
        message = f"{name} has no version before the current one, {current}"
        raise PublicationConflict(message)
    return earlier[-1]
