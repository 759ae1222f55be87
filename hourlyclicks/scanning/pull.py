"""An asynchronous generator, pulled by synchronous code.

A thread of its own runs an event loop. In it, one task waits for a request, pulls one item, and waits for the
next request: nothing is read ahead, so only one item is in memory. The consumer may be any thread, also
another one for each item, and may itself run an event loop.

* The thread does not refer to the consumer. A generator that is left half-way is closed by Python, and closes
  the pull.
* `Pull.close` cancels the item that is under way, and waits until the task has closed the generator and the
  thread has ended. It does not wait in the thread itself, where the garbage collector may call it, nor in a
  forked child, which does not have the thread, nor at the end of the process, when the thread stands still.
* Each request gets an answer. Under the lock, it is either handed to the loop or refused.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import Future
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from hourlyclicks import forks
from hourlyclicks.errors import StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

T = TypeVar("T")

_CLOSED = "the scan is closed"


class Pull(Generic[T]):
    """The items of an asynchronous generator.

    Args:
        items: makes the generator.
        name: the name of the thread.

    Raises:
        StoreError: no thread can be started.
    """

    def __init__(self, items: Callable[[], AsyncGenerator[T, None]], name: str) -> None:
        self._items = items
        self._loop = asyncio.new_event_loop()
        self._requests: asyncio.Queue[Future[list[T]] | None] = asyncio.Queue()
        self._pulling: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._generation = forks.generation()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._loop.close()
            raise StoreError("no thread can be started to read it") from None
        forks.hold(self)

    def next(self) -> list[T]:
        """Return the next item in a list; an empty list at the end.

        Raises:
            UsageError: it was closed, or this process was forked since.
        """
        if self._generation != forks.generation():
            raise UsageError(
                "the scan began before this process was forked: begin it again in the child process"
            )
        reply: Future[list[T]] = Future()
        with self._lock:
            if self._closed:
                raise UsageError(_CLOSED)
            self._loop.call_soon_threadsafe(self._requests.put_nowait, reply)
        return reply.result()

    def close(self) -> None:
        """Close the generator and end the thread."""
        if self._generation != forks.generation() or sys.is_finalizing():
            return
        with self._lock:
            if not self._closed:
                self._closed = True
                self._loop.call_soon_threadsafe(self._stop)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        with suppress(StoreError), asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._serve())
            finally:
                with self._lock:
                    self._closed = True
        # The loop is closed. What was handed to it after the task had ended has no answer yet.
        while not self._requests.empty():
            reply = self._requests.get_nowait()
            if reply is not None:
                reply.set_exception(UsageError(_CLOSED))

    async def _serve(self) -> None:
        async with aclosing(self._items()) as items:
            while (reply := await self._requests.get()) is not None:
                self._pulling = asyncio.current_task()
                try:
                    reply.set_result([await anext(items)])
                except StopAsyncIteration:
                    reply.set_result([])
                except asyncio.CancelledError:
                    reply.set_exception(UsageError(_CLOSED))
                    return
                except BaseException as error:  # noqa: BLE001 - the consumer raises it
                    reply.set_exception(error)
                finally:
                    self._pulling = None

    def _stop(self) -> None:
        """End the task, in its loop."""
        self._requests.put_nowait(None)
        if self._pulling is not None:
            self._pulling.cancel()
