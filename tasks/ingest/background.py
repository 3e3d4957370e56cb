"""Work that goes on in another thread while this one waits for it, a bounded stretch ahead or behind."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def ahead[T](items: Iterable[T], depth: int = 1) -> Iterator[T]:
    """Yield items that another thread makes, at most `depth` of them ahead. What it raises is raised here."""
    iterator = iter(items)

    def following() -> list[T]:
        return list(islice(iterator, 1))

    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(following) for _ in range(depth))
        try:
            while made := waiting.popleft().result():
                waiting.append(pool.submit(following))
                yield from made
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


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
