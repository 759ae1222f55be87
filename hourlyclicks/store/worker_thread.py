"""A thread that runs operations for an event loop, in the order of submission.

The thread is a daemon: an operation that waits for another program's lock must not delay the end of the
process. An operation under way has half a second to complete then.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, ParamSpec, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_Queue: TypeAlias = "SimpleQueue[Callable[[], None] | None]"

_AT_EXIT = 0.5
"""Seconds that the end of the process waits for an operation under way."""

_working: weakref.WeakSet[Worker] = weakref.WeakSet()


class Worker(Executor):
    """A thread for ``loop.run_in_executor``, which ends with `stop`."""

    def __init__(self, name: str) -> None:
        self.hurried = threading.Event()
        """Set when waiting for locks must end."""
        self._work: _Queue = SimpleQueue()
        self._thread = threading.Thread(target=_run, args=(self._work,), name=name, daemon=True)
        self._thread.start()
        weakref.finalize(self, self._work.put, None).atexit = False
        _working.add(self)

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See `concurrent.futures.Executor.submit`."""
        future: Future[T] = Future()

        def do() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = work(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - the caller of the future raises it
                future.set_exception(error)
            else:
                future.set_result(result)

        self._work.put(do)
        return future

    def stop(self) -> None:
        """End the thread after the operations that were submitted."""
        self._work.put(None)

    def join(self, seconds: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(seconds)


def hurry() -> None:
    """End all waits for locks in this process, because it is about to end."""
    for worker in list(_working):
        worker.hurried.set()


def _run(queue: _Queue) -> None:
    while (work := queue.get()) is not None:
        work()
        del work  # it references the result


@atexit.register
def _finish() -> None:
    hurry()
    until = time.monotonic() + _AT_EXIT
    for worker in list(_working):
        worker.stop()
        worker.join(max(0.0, until - time.monotonic()))
