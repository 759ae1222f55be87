"""Whose pace it is: a process that is alone with its key keeps it by itself.

The limiter asks a `LimiterBackend` for slots. One that is shared, in `hourlyclicks.coordination.backend`,
cannot answer at once; it says to wait, and comes back to the `WaitingTasks` when it knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hourlyclicks.pacing.throttle import AdaptiveThrottle

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.breaker import Wait
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.queue import Job, Lane, Task
    from hourlyclicks.pacing.throttle import Refusal
    from hourlyclicks.pacing.window import Moment, Slot


class WaitingTasks(Protocol):
    """Those who wait for places, as a pace sees them."""

    def serve(self) -> None:
        """Hand out what can be handed out now."""
        ...

    def grant(self, task: Task, slot: Slot) -> bool:
        """Give a task its place; return whether it still wants it."""
        ...

    def deny(self, task: Task, error: Exception) -> None:
        """Tell a task that it gets no place."""
        ...

    def fail(self, error: Exception) -> None:
        """Tell everybody who waits that there will be no place for anybody."""
        ...

    def paused(self, seconds: float) -> None:
        """Take note of a pause that began elsewhere."""
        ...

    def resumed(self) -> None:
        """Take note that a pause has ended."""
        ...

    def load(self, lane: Lane) -> tuple[int, int]:
        """Return how many tasks wait in a lane, and how many requests its calls still need."""
        ...


class LimiterBackend(Protocol):
    """Says when requests may go. Moments are nanoseconds of the limiter's clock."""

    @property
    def epoch(self) -> int:
        """How many pauses there have been; a slot of an earlier epoch must not be used any more."""
        ...

    def serves(self, waiting: WaitingTasks) -> None:
        """Work for this line from now on."""
        ...

    def reserve(self, task: Task, now: int) -> Slot | Wait:
        """Take a place for a task, or say what to wait for."""
        ...

    def expired(self, slot: Slot, now: int) -> bool:
        """Return whether it is too late to use a place."""
        ...

    def release(self, slot: Slot, now: int) -> None:
        """Give up the place of a request that was sent."""
        ...

    def abandon(self, slot: Slot, now: int, may_arrive: int) -> None:
        """Hold the place of a request that was given up for so long, since it may arrive yet."""
        ...

    def cancel(self, slot: Slot) -> None:
        """Give back the place of a request that was never sent."""
        ...

    def answered(self, slot: Slot) -> None:
        """Note that the server let a request through."""
        ...

    async def rate_limited(
        self, slot: Slot, retry_after: float | None, *, now: int, u: float, for_rate: bool
    ) -> Refusal | None:
        """Begin a pause for everybody; see `AdaptiveThrottle.refused`."""
        ...

    def settle(self, query: Query) -> None:
        """Note that the result for a day is in the store, so that nobody need be kept from it."""
        ...

    def opens(self, now: int) -> int:
        """Return the end of the pause, or the present moment when there is none."""
        ...

    def finish(self, requests: int, now: int, latency: int, *, opens: int) -> Moment:
        """Foresee when that many further requests will have been answered; see `SlidingWindow.finish`."""
        ...

    def ahead(self, job: Job) -> int:
        """Return how many requests of others, elsewhere, will go before those of a call are done."""
        ...

    def idle(self) -> None:
        """Take note that nobody waits any more."""
        ...

    async def close(self) -> None:
        """Finish what was begun."""
        ...


class LocalBackend:
    """The pace of a process that is alone with its key: everything is known, and at once.

    Args:
        limits: the limits to keep.
    """

    def __init__(self, limits: Limits) -> None:
        self.throttle = AdaptiveThrottle(limits)
        self._window = self.throttle.window
        self._waiting: WaitingTasks

    @property
    def epoch(self) -> int:
        """See `LimiterBackend.epoch`."""
        return self._window.pause.epoch

    def serves(self, waiting: WaitingTasks) -> None:
        """See `LimiterBackend.serves`."""
        self._waiting = waiting

    def reserve(self, _task: Task, now: int) -> Slot | Wait:
        """See `LimiterBackend.reserve`."""
        return self._window.reserve(now)

    def expired(self, _slot: Slot, _now: int) -> bool:
        """See `LimiterBackend.expired`."""
        return False

    def release(self, slot: Slot, now: int) -> None:
        """See `LimiterBackend.release`."""
        self._window.release(slot, now)

    def abandon(self, slot: Slot, now: int, may_arrive: int) -> None:
        """See `LimiterBackend.abandon`."""
        self._window.abandon(slot, now, now + may_arrive)

    def cancel(self, slot: Slot) -> None:
        """See `LimiterBackend.cancel`."""
        self._window.cancel(slot)

    def answered(self, slot: Slot) -> None:
        """See `LimiterBackend.answered`."""
        if self.throttle.answered(slot):
            self._waiting.resumed()

    async def rate_limited(
        self, slot: Slot, retry_after: float | None, *, now: int, u: float, for_rate: bool
    ) -> Refusal | None:
        """See `LimiterBackend.rate_limited`."""
        return self.throttle.refused(slot, retry_after, now=now, u=u, for_rate=for_rate)

    def settle(self, query: Query) -> None:
        """See `LimiterBackend.settle`."""

    def opens(self, now: int) -> int:
        """See `LimiterBackend.opens`."""
        return self._window.pause.opens(now)

    def finish(self, requests: int, now: int, latency: int, *, opens: int) -> Moment:
        """See `LimiterBackend.finish`."""
        return self._window.finish(requests, now, latency, opens=opens)

    def ahead(self, _job: Job) -> int:
        """See `LimiterBackend.ahead`."""
        return 0

    def idle(self) -> None:
        """See `LimiterBackend.idle`."""

    async def close(self) -> None:
        """See `LimiterBackend.close`."""
