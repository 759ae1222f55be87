"""One thread that does pieces of work for an event loop, in the order they come.

The thread is a daemon: a piece of work that waits for another program's lock must not hold up the end of the
process. What was begun has half a second to be finished then.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
import time
import weakref
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_AT_EXIT = 0.5
"""Seconds that the end of the process waits for what was begun."""

_working: weakref.WeakSet[Worker] = weakref.WeakSet()


class Worker:
    """A thread, which ends with `stop`."""

    def __init__(self, name: str) -> None:
        self.hurried = threading.Event()
        """Set when no lock is to be waited for any more."""
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=_run, args=(self._work,), name=name, daemon=True)
        self._thread.start()
        weakref.finalize(self, self._work.put, None).atexit = False
        _working.add(self)

    def submit(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Let the thread do a piece of work; it is done even if the future is cancelled."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def do() -> None:
            result: Any = None
            error: BaseException | None = None
            try:
                result = work()
            except BaseException as caught:  # noqa: BLE001 - it is raised where the result is waited for
                error = caught
            try:
                loop.call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:  # the loop is closed: nothing waits for the result any more
                return

        self._work.put(do)
        return future

    def stop(self) -> None:
        """Let the thread end after the work it was given."""
        self._work.put(None)

    def join(self, seconds: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(seconds)


def hurry() -> None:
    """Wait for no lock any more, in any store of this process: it is about to end."""
    for worker in list(_working):
        worker.hurried.set()


def _run(queue: SimpleQueue[Callable[[], None] | None]) -> None:
    while (work := queue.get()) is not None:
        work()
        del work  # it holds the result


def _settle(future: asyncio.Future[T], result: T, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


@atexit.register
def _finish() -> None:
    hurry()
    until = time.monotonic() + _AT_EXIT
    for worker in list(_working):
        worker.stop()
        worker.join(max(0.0, until - time.monotonic()))
