"""Time limits of requests: one timer for all that are under way.

A limit that is hardly ever reached would be set and called off again with every request, and with every piece
of its answer, which is a good part of what a request costs. All have the same limits, so one timer is enough,
due when the first of them could run out; only then does anybody look at the single ones.
"""

from __future__ import annotations

import asyncio
import math


class Deadline:
    """The time that a task has for one request.

    Attributes:
        task: the task.
        loop: its event loop.
        up: whether it was cancelled because its time was up.
        ends: when it is up in any case, on the clock of the event loop.
        heard: when there was the last sign of life; the limit on silence counts from it.
    """

    __slots__ = ("_cancelling", "ends", "heard", "loop", "task", "up")

    def __init__(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[object], ends: float) -> None:
        self.ends = ends
        self.heard = math.inf
        self.task = task
        self.loop = loop
        self._cancelling = task.cancelling()
        self.up = False

    @property
    def begun(self) -> bool:
        """Whether the request was on its way."""
        return self.heard != math.inf

    @property
    def left(self) -> float:
        """The seconds that are left of its time."""
        return max(0.0, self.ends - self.loop.time())

    @property
    def cancelled(self) -> bool:
        """Whether the task was cancelled; else a cancellation comes from inside of what it awaits."""
        return self.task.cancelling() > self._cancelling

    def beat(self) -> None:
        """Note a sign of life."""
        self.heard = self.loop.time()

    def run_out(self) -> None:
        """Cancel the task, since the time is up."""
        self.up = True
        self.task.cancel()

    def settle(self) -> bool:
        """Take back that cancellation; return whether it was the only one, so that nobody is to hear of it.

        This is the way of `asyncio.timeout`, which would do as well if it did not cost as much as a timer.
        """
        up, self.up = self.up, False
        return up and self.task.uncancel() <= self._cancelling


class DeadlineTimer:
    """Let requests time out.

    Args:
        total: the seconds a request has.
        silence: the seconds for which nothing may be heard of it.
    """

    def __init__(self, *, total: float, silence: float = math.inf) -> None:
        self._total = total
        self._silence = silence
        self._terms: dict[asyncio.Task[object], Deadline] = {}
        self._timer: asyncio.Handle | None = None
        self._closed = False

    def begin(self) -> Deadline:
        """Give the request that the present task sends its time, from now on."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - only tasks send requests
        now = loop.time()
        term = self._terms[task] = Deadline(loop, task, now + self._total)
        if self._timer is None:
            self._timer = loop.call_at(now + min(self._total, self._silence), self._look, loop)
        return term

    def beat(self) -> None:
        """Note a sign of life of the request that the present task sends."""
        term = self._terms[asyncio.current_task()]  # type: ignore[index]  # only tasks send requests
        term.heard = term.loop.time()

    def heard(self) -> float:
        """Return when the present task last noted a sign of life."""
        task = asyncio.current_task()
        return self._terms[task].heard if task in self._terms else -math.inf

    def now(self) -> float:
        """Return the present moment on the clock of these."""
        return asyncio.get_running_loop().time()

    def end(self, term: Deadline) -> bool:
        """Note that a request is over; return whether it was cancelled because its time was up."""
        self._terms.pop(term.task, None)
        if self._closed:
            self.close()
        return term.up and term.settle()

    def close(self) -> None:
        """Look no more when the last request is over."""
        self._closed = True
        if self._timer is not None and not self._terms:
            self._timer.cancel()
            self._timer = None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let those go on first who were answered in this very turn of the loop, which may have been long."""
        self._timer = loop.call_soon(self._end_due, loop)

    def _end_due(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what has run out of time, and come back when the next could."""
        self._timer = None
        now = loop.time()
        for term in tuple(self._terms.values()):
            if self._due(term) <= now:
                del self._terms[term.task]
                term.run_out()
        if self._terms:
            # One that is not connected yet may be, and fall silent, before any of these runs out.
            when = min(now + self._silence, *map(self._due, self._terms.values()))
            self._timer = loop.call_at(when, self._look, loop)

    def _due(self, term: Deadline) -> float:
        return min(term.ends, term.heard + self._silence)
