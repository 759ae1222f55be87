"""A worker pool: a few workers pull items from one iterator, however long it is.

Ten years never make 3,653 tasks. The pool owns its workers: leaving its context cancels them and waits for
them. There are two exceptions, which end with their current item: a worker that `keeps_running` names,
because other calls follow the task it works on; and when the call was cancelled or ended early, not by an
error, a worker that `finishes` names, because its request in flight is completed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from hourlyclicks.errors import HourlyClicksError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType

T = TypeVar("T")


def _never(_worker: asyncio.Task[None]) -> bool:
    """Let no worker finish."""
    return False


class WorkerPool(Generic[T]):
    """Work through items with a bounded number of tasks.

    Args:
        items: the items; a worker that is free pulls the next one.
        work: does one item. An exception of it ends the pool.
        size: how many workers to start with.
        keeps_running: returns whether a worker must not be cancelled now.
        spare: how many spare workers there may be, see `start_spare`.
        finishes: returns whether a worker is left to finish its item although the call has ended early.
    """

    def __init__(
        self,
        items: Iterable[T] | AsyncIterable[T],
        work: Callable[[T], Awaitable[None]],
        *,
        size: int,
        keeps_running: Callable[[asyncio.Task[None]], bool],
        spare: int = 0,
        finishes: Callable[[asyncio.Task[None]], bool] = _never,
    ) -> None:
        self._items = aiter(items) if isinstance(items, AsyncIterable) else iter(items)
        self._pulling = asyncio.Lock()
        self._busy = 0
        self._idle = asyncio.Event()
        self._work = work
        self._size = size
        self._keeps_running = keeps_running
        self._finishes = finishes
        self._spare = spare
        self._over = asyncio.Event()
        self._stopped = False
        self._draining = False
        self._failure: Exception | None = None
        self._workers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for _ in range(self._size):
            self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped = True
        leaving = []
        failed = kind is not None and issubclass(kind, HourlyClicksError)
        for worker in self._workers:
            if not worker.done() and self._keeps_running(worker):
                worker.add_done_callback(_retrieve_outcome)
            elif worker.done() or failed or not self._finishes(worker):
                worker.cancel()
                leaving.append(worker)
        if leaving:
            await asyncio.wait(leaving)

    def start_spare(self) -> None:
        """Start a spare worker, if there may be more, since one worker has to wait."""
        if self._spare and self._workers and not self._stopped:
            self._spare -= 1
            self._start()

    def stop(self) -> None:
        """Let every worker finish its current item, and take no other."""
        self._stopped = True

    async def idle(self) -> None:
        """Wait until no worker has an item; only for what yields the items, asynchronously."""
        while self._busy:
            self._idle.clear()
            await self._idle.wait()

    def drain(self, busy: Callable[[asyncio.Task[None]], bool]) -> None:
        """Let the busy workers finish their current item, and cancel the others."""
        self._stopped = self._draining = True
        for worker in self._workers:
            if not busy(worker):
                worker.cancel()

    async def end(self, failure: HourlyClicksError) -> None:
        """Cancel all workers and wait for them; `join` raises the failure."""
        self._stopped = True
        self.fail(failure)
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            await asyncio.wait(self._workers)

    async def wind_down(self, failure: HourlyClicksError, busy: Callable[[asyncio.Task[None]], bool]) -> None:
        """Let the busy workers finish their current item; `join` raises the failure."""
        self.fail(failure)
        self.drain(busy)
        if self._workers:
            await asyncio.wait(self._workers)

    @property
    def stopped(self) -> bool:
        """Whether no worker takes another item."""
        return self._stopped

    def fail(self, failure: Exception) -> None:
        """Let `join` raise a failure."""
        self._failure = failure

    def check(self) -> None:
        """Raise the failure of `fail`, `end` or `wind_down`, if there was one."""
        if self._failure is not None:
            raise self._failure

    async def join(self) -> None:
        """Wait until everything is done, or raise the first exception of a worker."""
        await self._over.wait()
        self.check()
        for worker in self._workers:
            if worker.done() and not (self._draining and worker.cancelled()):
                worker.result()

    def _start(self) -> None:
        worker = asyncio.create_task(self._run())
        worker.add_done_callback(self._ended)
        self._workers.append(worker)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        """Note the end of a worker; if it failed or was the last, the pool is over.

        A pool that drains is over with its last worker, whatever becomes of those that had sent nothing.
        """
        failed = not worker.cancelled() and worker.exception() is not None
        if (failed and not self._draining) or all(each.done() for each in self._workers):
            self._over.set()

    async def _run(self) -> None:
        if isinstance(self._items, AsyncIterator):
            while (pulled := await self._pull(self._items)) is not None:
                await self._work_on(pulled)
            return
        for item in self._items:
            if self._stopped:
                return
            await self._work(item)

    async def _pull(self, items: AsyncIterator[T]) -> T | None:
        """Return the next item, or ``None`` after the last; one worker pulls at a time."""
        async with self._pulling:
            item = None if self._stopped else await anext(items, None)
        return None if self._stopped else item

    async def _work_on(self, item: T) -> None:
        """Do an item, and count the worker as busy meanwhile."""
        self._busy += 1
        try:
            await self._work(item)
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()


def _retrieve_outcome(worker: asyncio.Task[None]) -> None:
    """Retrieve the outcome of a worker that was left running, so that asyncio does not complain."""
    if not worker.cancelled():
        worker.exception()
