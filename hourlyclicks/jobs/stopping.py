"""What ends a run before its work is done: a number of seconds, a time of day, or an event."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.model.deadlines import seconds_until
from hourlyclicks.model.report import StopReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.clock import Clock, Timer

_LOOK = 60.0
"""Seconds after which to check the time of day again."""


class StopCondition:
    """When a run that begins now is to stop.

    Args:
        clock: what time it is.
        deadline: as for `seconds_until`.
        event: stops the run when it is set.

    Attributes:
        until: the deadline if it is a time of day; it holds even if the clock is corrected meanwhile.

    Raises:
        UsageError: the deadline is none.
    """

    def __init__(
        self, clock: Clock, deadline: float | dt.timedelta | dt.datetime | None, event: asyncio.Event | None
    ) -> None:
        self.clock = clock
        self.event = event
        self.until = deadline if isinstance(deadline, dt.datetime) else None
        self._seconds = seconds_until(deadline, clock.wall())
        self._began = clock.monotonic()

    @property
    def left(self) -> float | None:
        """The seconds that are left of those that the run may take."""
        if self._seconds is None:
            return None
        return max(0.0, self._seconds - (self.clock.monotonic() - self._began) / SECOND)


class Stopper:
    """Stop a run when its time is up, or when an event is set.

    Args:
        clock: what time it is.
        stop: stops the run; called once for the deadline and once for the event, if they come.
    """

    def __init__(self, clock: Clock, stop: Callable[[StopReason], None]) -> None:
        self._clock = clock
        self._stop = stop
        self._timer: Timer | None = None
        self._until: dt.datetime | None = None
        self._at: int | None = None

    def left(self) -> float:
        """Return the seconds until the deadline; infinite: there is none."""
        if self._until is not None:
            return max(0.0, (self._until - self._clock.wall()).total_seconds())
        return math.inf if self._at is None else max(0.0, (self._at - self._clock.monotonic()) / SECOND)

    @contextmanager
    def watch(self, condition: StopCondition) -> Iterator[None]:
        """Watch the deadline and the event.

        A number of seconds counts whatever happens to the time of day, and a time of day even if the clock is
        corrected meanwhile.
        """
        self._until = until = condition.until
        event, seconds = condition.event, condition.left
        if until is not None:
            self._look_at_clock(until)
        elif seconds is not None:
            self._at = self._clock.monotonic() + round(seconds * SECOND)
            self._call_after(seconds, self._deadline)
        waiting = None if event is None else asyncio.create_task(self._wait_for(event))
        try:
            yield
        finally:
            if self._timer is not None:
                self._timer.cancel()
            if waiting is not None:
                waiting.cancel()

    def _deadline(self) -> None:
        self._stop(StopReason.DEADLINE)

    def _look_at_clock(self, until: dt.datetime) -> None:
        """Stop at a time of day; check it again and again, since the clock may be corrected meanwhile."""
        seconds = (until - self._clock.wall()).total_seconds()
        self._call_after(max(0.0, min(seconds, _LOOK)), partial(self._look_at_clock, until))

    def _call_after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back after some seconds; if there are none left, stop at once."""
        if seconds == 0:
            self._deadline()
        else:
            self._timer = self._clock.call_later(round(seconds * SECOND), call)

    async def _wait_for(self, event: asyncio.Event) -> None:
        await event.wait()
        self._stop(StopReason.STOPPED)
