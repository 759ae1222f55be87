"""The ETA: computed from the limits, not extrapolated from the past.

With N requests allowed in a window of W seconds, c in flight at a time, and d seconds from sending to
response, n requests take at least::

    d + max over j of ( j·W + d·⌊(n - 1 - j·N) / c⌋ ),   j = 0 … ⌊(n - 1) / N⌋

`theoretical_minimum` is that figure: no client that keeps the limit is faster. `forecast` is what this
client takes: it holds a slot for W + guard + d instead of W, and may keep even spacing. It is the end that a
fresh `SlidingWindow` computes. `EtaCalculator` asks the window of a run, with all that happened to it, for
the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from hourlyclicks.clock import SECOND
from hourlyclicks.events import Binding
from hourlyclicks.pacing.queue import Lane
from hourlyclicks.pacing.schedule import Spans, WindowSize
from hourlyclicks.pacing.window import SlidingWindow

if TYPE_CHECKING:
    from hourlyclicks.clock import Clock
    from hourlyclicks.pacing.backend import LimiterBackend
    from hourlyclicks.pacing.breaker import BackfillBreaker
    from hourlyclicks.pacing.plans import Limits, Rate
    from hourlyclicks.pacing.queue import Job

TYPICAL_LATENCY = 0.25
"""Seconds from sending a request to its response, as long as none was measured."""

_SMOOTHING = 8


@attrs.frozen
class Estimate:
    """What a range will cost.

    Args:
        requests: how many requests it takes if none has to be repeated.
        seconds: how long they take under the limits.
        binding: what decides that: ``"rate"``, ``"concurrency"`` or ``"latency"``.
    """

    requests: int
    seconds: float
    binding: Binding


def theoretical_minimum(requests: int, rate: Rate, *, concurrency: int, latency: float) -> float:
    """Return the seconds that no client keeping this limit can go below."""
    if requests == 0:
        return 0.0
    way = round(latency * SECOND)
    # A window from sending to sending: `Spans` adds the latency, so that it is taken off here.
    window = WindowSize(rate.requests, round(rate.seconds * SECOND) - way)
    return (way + Spans([window], concurrency, low=way, high=way).least(requests - 1, way)) / SECOND


def forecast(requests: int, limits: Limits, *, latency: float) -> Estimate:
    """Return what that many requests will take, with nothing sent before them.

    Args:
        requests: how many.
        limits: the limits to keep.
        latency: seconds from sending a request to its response.
    """
    if requests == 0:
        return Estimate(0, 0.0, "latency")
    end = SlidingWindow(limits).finish(requests, 0, round(latency * SECOND))
    return Estimate(requests, end.when / SECOND, end.binding)


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
