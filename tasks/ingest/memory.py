"""What an ingest wants of the process: an allocator for Arrow, short turns, and no needless search for garbage."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

_TURN_SECONDS = 0.0005


@contextlib.contextmanager
def busy_process() -> Iterator[None]:
    """Have threads take short turns, and Arrow memory from the system's allocator, where nobody asked for another.

    A source is read in pieces, whose memory is soon used again. mimalloc, which Arrow takes by itself, gives back pages
    of 2 MB and has them cleared when they come again: a sixth of all processor time of an ingest. jemalloc is as fast
    as this where it is told to keep memory, which it then does not give back when it should.
    """
    before = pa.default_memory_pool()
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        pa.set_memory_pool(pa.system_memory_pool())
    try:
        with _taking_turns():
            yield
    finally:
        pa.set_memory_pool(before)


@contextlib.contextmanager
def _taking_turns() -> Iterator[None]:
    """Have threads wait less for each other: one that has done its part in C waits 5 ms for one that is in Python."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, _TURN_SECONDS))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def give_back() -> None:
    """Give free memory back, before something that takes much of another kind."""
    pa.default_memory_pool().release_unused()


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
