"""The timers of a virtual event loop: a heap of whole nanoseconds, the earliest first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

_SWEEP = 64
"""More cancelled timers than this are removed, once they are the majority."""


class HeapTimer(asyncio.TimerHandle):
    """A call that is due at a whole nanosecond."""

    __slots__ = ("args", "callback", "context", "heap")

    def __init__(
        self,
        heap: TimerHeap,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
    ) -> None:
        super().__init__(when, callback, args, heap.loop, context)
        self.heap: TimerHeap | None = heap
        self.callback, self.args, self.context = callback, args, context

    def cancel(self) -> None:
        """Cancel the call."""
        if not self.cancelled():
            super().cancel()
            if self.heap is not None:
                self.heap.forget_one()

    def run(self) -> None:
        """Make the call, unless it was cancelled after it became due."""
        if not self.cancelled():
            self.callback(*self.args)


class TimerHeap:
    """The timers of one loop, the earliest first, those of one moment in the order they were set."""

    __slots__ = ("_cancelled", "_entries", "_number", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._entries: list[tuple[int, int, HeapTimer]] = []
        self._number = itertools.count()
        self._cancelled = 0

    def add(self, due: int, timer: HeapTimer) -> HeapTimer:
        """Add a timer that is due at a nanosecond, and return it."""
        heapq.heappush(self._entries, (due, next(self._number), timer))
        return timer

    def forget_one(self) -> None:
        """Count a cancelled timer, and remove the cancelled ones once they are the majority."""
        self._cancelled += 1
        if self._cancelled > _SWEEP and self._cancelled * 2 > len(self._entries):
            self._entries = [entry for entry in self._entries if not entry[2].cancelled()]
            heapq.heapify(self._entries)
            self._cancelled = 0

    def earliest(self) -> int | None:
        """Return the moment of the earliest timer that is not cancelled."""
        while self._entries and self._entries[0][2].cancelled():
            heapq.heappop(self._entries)
            self._cancelled -= 1
        return self._entries[0][0] if self._entries else None

    def fire(self, now: int) -> None:
        """Schedule the timers that are due for the next iteration of the loop."""
        while (due := self.earliest()) is not None and due <= now:
            timer = heapq.heappop(self._entries)[2]
            timer.heap = None
            self.loop.call_soon(timer.run, context=timer.context)
