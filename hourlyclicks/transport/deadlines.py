"""Deadlines of requests: one timer for all requests under way.

Setting and cancelling a timer for every request, and for every piece of its answer, is a good part of the
cost of a request, although the limits are hardly ever reached. All requests have the same limits, so one
timer is enough: it is due when the first deadline could expire, and only then are the single deadlines
checked. It belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import math


class Deadline:
    """The deadline of one request, which a task sends.

    Attributes:
        task: the task.
        loop: its event loop.
        up: whether the task was cancelled because the deadline expired.
        began: when it began, on the clock of the event loop.
        ends: when it expires at the latest.
        heard: the last activity on the connection; the limit on silence counts from it.
    """

    __slots__ = ("_cancelling", "began", "ends", "heard", "loop", "task", "up")

    def __init__(self, task: asyncio.Task[object], seconds: float) -> None:
        self.task = task
        self.loop = task.get_loop()
        self.began = now = self.loop.time()
        self.ends = now + seconds
        self.heard = math.inf
        self._cancelling = task.cancelling()
        self.up = False

    @property
    def begun(self) -> bool:
        """Whether the request was sent."""
        return self.heard != math.inf

    @property
    def left(self) -> float:
        """The seconds until it expires."""
        return max(0.0, self.ends - self.loop.time())

    @property
    def cancelled(self) -> bool:
        """Whether the task was cancelled; otherwise a cancellation comes from the awaited code."""
        return self.task.cancelling() > self._cancelling

    def record_activity(self) -> None:
        """Record activity on the connection."""
        self.heard = self.loop.time()

    def run_out(self) -> None:
        """Cancel the task, because the deadline has expired."""
        self.up = True
        self.task.cancel()

    def settle(self) -> bool:
        """Undo that cancellation; return whether it was the only one, so that it must not be raised.

        `asyncio.timeout` works in the same way, but costs as much as a timer.
        """
        up, self.up = self.up, False
        return up and self.task.uncancel() <= self._cancelling


class DeadlineTimer:
    """One timer for the deadlines of all requests.

    Args:
        total: the seconds for a whole request.
        silence: the seconds without activity on its connection.
    """

    def __init__(self, *, total: float, silence: float = math.inf) -> None:
        self._total = total
        self._silence = silence
        self._deadlines: dict[asyncio.Task[object], Deadline] = {}
        self._timer: asyncio.Handle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def begin(self) -> Deadline | None:
        """Start the deadline of the request that the current task sends.

        ``None``: earlier requests were sent on another event loop, to which the connections belong, too.
        """
        # To find the running loop, Python 3.11 asks the kernel for the process; so it is not asked for.
        task = asyncio.current_task(self._loop)
        if task is None:
            return None
        deadline = self._deadlines[task] = Deadline(task, self._total)
        self._loop = loop = deadline.loop
        if self._timer is None:
            when = deadline.began + min(self._total, self._silence)
            self._timer = loop.call_at(when, self._check, loop)
        return deadline

    def record_activity(self) -> None:
        """Record activity on the connection of the current task's request."""
        deadline = self._deadlines[asyncio.current_task()]  # type: ignore[index]  # only tasks send requests
        deadline.heard = deadline.loop.time()

    def end(self, deadline: Deadline) -> bool:
        """End a deadline; return whether the task was cancelled because it expired."""
        self._deadlines.pop(deadline.task, None)
        if self._closed:
            self.close()
        return deadline.up and deadline.settle()

    def close(self) -> None:
        """Cancel the timer after the last request."""
        self._closed = True
        if self._timer is not None and not self._deadlines:
            self._timer.cancel()
            self._timer = None

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        """Check after this iteration of the loop, in which answers may still arrive."""
        self._timer = loop.call_soon(self._cancel_expired, loop)

    def _cancel_expired(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel the tasks whose deadlines have expired, and set the timer for the next one."""
        self._timer = None
        now = loop.time()
        for deadline in tuple(self._deadlines.values()):
            if self._due(deadline) <= now:
                del self._deadlines[deadline.task]
                deadline.run_out()
        if self._deadlines:
            # A request without a connection may get one, and fall silent, before the first of these expires.
            when = min(now + self._silence, *map(self._due, self._deadlines.values()))
            self._timer = loop.call_at(when, self._check, loop)

    def _due(self, deadline: Deadline) -> float:
        return min(deadline.ends, deadline.heard + self._silence)
