"""Which failures of a step may pass by themselves, and how long to wait before trying again.

Knows nothing of Prefect: the doors hand these to its task decorator.
"""

from __future__ import annotations

from typing import Protocol

from schemas.errors import CorruptStep, EncoreError

ATTEMPTS_MORE = 3
# Exponential backoff, in seconds; Prefect spreads it by JITTER so that several workers do not come back at once.
DELAYS: list[float] = [2.0, 8.0, 32.0]
JITTER = 0.5

# An OSError of these kinds says something about the files, not about the weather. What an earlier step left and no
# longer holds is mended by that step, in the next run.
_STAYS = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError, CorruptStep)


class _State(Protocol):
    def result(self, *, raise_on_failure: bool) -> object: ...


def may_pass(_task: object, _run: object, state: _State) -> bool:
    """Say whether a failed task run is worth another attempt; a Prefect ``retry_condition_fn``.

    I/O, network and time-outs are. An `EncoreError` is not, since only the user can mend it, and neither is a bug.
    """
    return passes(state.result(raise_on_failure=False))


def passes(error: object) -> bool:
    """Say whether an exception may not come back when the same thing is tried again."""
    if isinstance(error, (EncoreError, *_STAYS)):
        return False
    return isinstance(error, OSError)  # time-outs and broken connections are OSErrors too
