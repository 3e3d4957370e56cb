"""Where publications lie: a folder, or an object store that fsspec opens. The same guarantees hold in both.

Versions never change and are there whole or not at all; `current` moves last; one process at a time publishes under a
name. Shared by the step that publishes and by all who read; light enough to import before there is any work to do.
"""

from tasks.stores.opening import open_store
from tasks.stores.store import Pointer, Press, Store

__all__ = ["Pointer", "Press", "Store", "open_store"]
