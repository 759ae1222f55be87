"""Foresight: when a call will be done, computed from the limits and from what stands before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.pacing.forecast import TYPICAL_LATENCY
from hourlyclicks.pacing.queue import Lane

if TYPE_CHECKING:
    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Binding
    from hourlyclicks.pacing.backend import LimiterBackend
    from hourlyclicks.pacing.backfill_breaker import BackfillBreaker
    from hourlyclicks.pacing.queue import Job

_SMOOTHING = 8


class EtaCalculator:
    """Foresee the end of calls.

    Args:
        clock: what time it is.
        pace: what the limits allow.
        storm: what holds back backfills.
    """

    def __init__(self, clock: Clock, pace: LimiterBackend, storm: BackfillBreaker) -> None:
        self._clock = clock
        self._pace = pace
        self._backfill_breaker = storm
        self._calls: set[Job] = set()
        self._latency = round(TYPICAL_LATENCY * SECOND)

    def enter(self, call: Job) -> None:
        """Count a call's remaining days in the forecasts of the others."""
        self._calls.add(call)

    def leave(self, call: Job) -> None:
        """Count a call no more."""
        self._calls.discard(call)

    def measured(self, latency: int) -> None:
        """Take note of the nanoseconds between a sending and its response."""
        self._latency += (latency - self._latency) // _SMOOTHING

    @property
    def latency(self) -> float:
        """The time in seconds between a sending and its response, smoothed over the last ones."""
        return self._latency / SECOND

    @property
    def opens_in(self) -> float:
        """The seconds after which a request could leave if nobody else waited."""
        now = self._clock.monotonic()
        return (self._pace.finish(1, now, 0, opens=now).when - now) / SECOND

    def unsent(self, lane: Lane) -> int:
        """Return how many requests the calls of a lane still need."""
        return sum(call.unsent for call in self._calls if call.lane is lane)

    def eta(self, call: Job) -> tuple[float, Binding]:
        """Foresee in how many seconds a call will be done if nothing fails, and what decides it."""
        if not call.unsent:
            return self.latency if call.remaining else 0.0, "latency"
        ahead = self._pace.ahead(call) + sum(
            other.unsent if other.lane < call.lane else min(other.unsent, call.unsent)
            for other in self._calls
            if other is not call and other.lane <= call.lane
        )
        now = self._clock.monotonic()
        opens = self._backfill_breaker.opens(now) if call.lane is Lane.BACKFILL else now
        finish = self._pace.finish(ahead + call.unsent, now, self._latency, opens=opens)
        return (finish.when - now) / SECOND, finish.binding
