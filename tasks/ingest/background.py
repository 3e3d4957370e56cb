"""Work that goes on in another thread while this one waits for it, a bounded stretch ahead or behind."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Ahead[T]:
    """Items that another thread makes from now on; a context manager. What it raises is raised where they are taken.

    Parameters
    ----------
    items : iterable
    depth : int
        How many of them may be ready and wait.
    """

    def __init__(self, items: Iterable[T], depth: int = 2) -> None:
        self._items = iter(items)
        self._pool = ThreadPoolExecutor(1)
        self._waiting = deque(self._pool.submit(self._following) for _ in range(depth))

    def _following(self) -> list[T]:
        return list(islice(self._items, 1))

    def __iter__(self) -> Iterator[T]:
        while made := self._waiting.popleft().result():
            self._waiting.append(self._pool.submit(self._following))
            yield from made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class Behind:
    """Carries out work in the order in which it comes, one piece at a time; a context manager.

    Parameters
    ----------
    depth : int
        How many pieces may wait; `submit` then waits too.
    """

    def __init__(self, depth: int = 1) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._depth = depth
        self._waiting: deque[Future[None]] = deque()

    def submit(self, work: Callable[[], None]) -> None:
        """Have a piece of work done; raises what an earlier one raised."""
        while len(self._waiting) > self._depth:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(work))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None:
            for work in self._waiting:
                work.result()
