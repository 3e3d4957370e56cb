"""Which allocator Arrow takes its memory from, and what Python does not search for garbage."""

from __future__ import annotations

import contextlib
import gc
import os
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long memory that is free is kept for use again: fresh memory costs more than what is written into it. By itself
# jemalloc keeps it for a second, which is soon gone where a disk is waited for.
_KEPT_MS = 10_000


@contextlib.contextmanager
def frugal_memory() -> Iterator[None]:
    """Have Arrow take memory from jemalloc, where it was built with it and nobody asked for another.

    Large blocks come and go with every partition. mimalloc, which Arrow takes by itself, gives them back in pages of 2
    MB and has them cleared when they come again: a sixth of all processor time of an ingest, and more memory.
    """
    before = pa.default_memory_pool()
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        with contextlib.suppress(NotImplementedError):
            pa.set_memory_pool(pa.jemalloc_memory_pool())
            pa.jemalloc_set_decay_ms(_KEPT_MS)
    try:
        yield
    finally:
        pa.set_memory_pool(before)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keep what is imported here out of the search for garbage, now and later.

    Each search would take a fifth of a second, and modules stay for as long as the process does.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
