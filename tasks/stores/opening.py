"""From what a user names to the store it means."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.addresses import is_address, scheme
from tasks.stores.store import Store

if TYPE_CHECKING:
    from tasks.stores.store import Root

__all__ = ["open_store", "user_cache"]


def open_store(to: Root) -> Store:
    """Return the store that is meant.

    Parameters
    ----------
    to : str, Path or Store
        A folder, the address of one (``file://``), or an address that fsspec opens, such as ``s3://bucket/prefix``. A
        store is returned as it is.

    Raises
    ------
    InvalidParameter
        If nothing here opens such an address.
    """
    if isinstance(to, Store):
        return to
    text = os.fspath(to)
    if is_address(text):
        from tasks.stores.remote import RemoteStore

        return RemoteStore.at(text, user_cache())
    from tasks.stores.local import LocalStore

    return LocalStore(Path(text[len("file://") :] if scheme(text) == "file" else text))


def user_cache() -> Path:
    """Return the folder for what can be made again and belongs to no folder of publications.

    ``ENCORE_CACHE`` if that is set, else ``encore`` where the user's caches are.
    """
    if own := os.environ.get("ENCORE_CACHE"):
        return Path(own).expanduser().resolve()
    caches = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(caches, "encore")
