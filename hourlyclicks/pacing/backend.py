"""Where the limits are kept: in memory, for a process that is alone with its key, or shared.

The limiter asks a `LimiterBackend` for slots. The shared one, in `hourlyclicks.coordination.shared_backend`,
cannot answer at once; it says to wait, and calls the `WaitingTasks` when it knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hourlyclicks.pacing.throttle import AdaptiveThrottle

if TYPE_CHECKING:
    from hourlyclicks.model.priority import Lane
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.breaker import Wait
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.queue import Job, Task
    from hourlyclicks.pacing.snapshot import Moment, Usage
    from hourlyclicks.pacing.throttle import Throttled
    from hourlyclicks.pacing.window import Slot


class WaitingTasks(Protocol):
    """The tasks that wait for slots, as a backend sees them."""

    def serve(self) -> None:
        """Grant all slots that can be granted now."""
        ...

    def grant(self, task: Task, slot: Slot) -> bool:
        """Give a task its slot; return whether it still wants it and may have it."""
        ...

    def deny(self, task: Task, error: Exception) -> None:
        """End the wait of a task with an error."""
        ...

    def fail(self, error: Exception) -> None:
        """End the wait of all tasks with an error."""
        ...

    def paused(self, seconds: float) -> None:
        """Report a pause that began in another process."""
        ...

    def resumed(self) -> None:
        """Report that a pause has ended."""
        ...

    def held(self, requests: int, seconds: float, *, killed: bool) -> None:
        """Report that requests of other processes are waited for, for so long at most."""
        ...

    def load(self, lane: Lane) -> tuple[int, int]:
        """Return how many tasks wait in a lane, and how many requests its jobs still need."""
        ...


class Snapshot(Protocol):
    """What is known of the limits at one moment."""

    def finish(self, requests: int, latency: int, *, opens: int = 0) -> Moment:
        """Compute when that many further requests will have been answered; see `WindowSnapshot.finish`."""
        ...

    def usage(self, latency: int) -> Usage:
        """Return how much of the limits is in use; see `WindowSnapshot.usage`."""
        ...


class LimiterBackend(Protocol):
    """Says when requests may go. Moments are nanoseconds of the limiter's clock."""

    @property
    def epoch(self) -> int:
        """How many pauses there have been; a slot of an earlier epoch must not be used any more."""
        ...

    @property
    def in_flight(self) -> int:
        """How many slots this process holds."""
        ...

    def attach(self, waiting: WaitingTasks) -> None:
        """Set the tasks that the backend works for."""
        ...

    def reserve(self, task: Task, now: int) -> Slot | Wait:
        """Return a slot for a task, or what to wait for."""
        ...

    def expired(self, slot: Slot, now: int) -> bool:
        """Return whether it is too late to use a slot."""
        ...

    def release(self, slot: Slot, now: int) -> None:
        """Release the slot of a request that was sent."""
        ...

    def abandon(self, slot: Slot, now: int, may_arrive: int) -> None:
        """Hold the slot of an abandoned request for so long, since it may still arrive."""
        ...

    def cancel(self, slot: Slot) -> None:
        """Give back the slot of a request that was never sent."""
        ...

    def answered(self, slot: Slot) -> None:
        """Note that the server let a request through the rate limit."""
        ...

    async def rate_limited(
        self, slot: Slot, retry_after: float | None, *, now: int, u: float, for_rate: bool
    ) -> Throttled | None:
        """Pause all requests after a 429; see `AdaptiveThrottle.rate_limited`."""
        ...

    def settle(self, query: Query, *, stored: bool) -> None:
        """Release the claim to a day; soon, unless it is in the store, which other processes see."""
        ...

    def opens(self, now: int) -> int:
        """Return the end of the pause, or the present moment when there is none."""
        ...

    def snapshot(self, now: int) -> Snapshot:
        """Return what is known now, from which the end of further requests can be computed."""
        ...

    async def look(self, *, again: bool = False) -> None:
        """Find out what other processes have sent, so that the next snapshot knows it.

        Args:
            again: whether to look although the state is known from an earlier step.
        """
        ...

    def ahead(self, job: Job) -> int:
        """Return how many requests of other processes will be sent before those of a job are done."""
        ...

    def idle(self) -> None:
        """Note that no task waits any more."""
        ...

    async def close(self) -> None:
        """Wait for the steps in progress."""
        ...


class LocalBackend:
    """The limits of a process that is alone with its key: every answer is known at once.

    Args:
        limits: the limits to keep.
    """

    def __init__(self, limits: Limits) -> None:
        self._waiting: WaitingTasks
        self.restore(AdaptiveThrottle(limits))

    def restore(self, throttle: AdaptiveThrottle) -> None:
        """Go on with the limits as another throttle knows them; no slot is granted here."""
        self.throttle = throttle
        self._window = throttle.window

    @property
    def epoch(self) -> int:
        """See `LimiterBackend.epoch`."""
        return self._window.breaker.epoch

    @property
    def in_flight(self) -> int:
        """See `LimiterBackend.in_flight`."""
        return self._window.in_flight

    def attach(self, waiting: WaitingTasks) -> None:
        """See `LimiterBackend.attach`."""
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
    ) -> Throttled | None:
        """See `LimiterBackend.rate_limited`."""
        return self.throttle.rate_limited(slot, retry_after, now=now, u=u, for_rate=for_rate)

    def settle(self, query: Query, *, stored: bool) -> None:
        """See `LimiterBackend.settle`."""

    def opens(self, now: int) -> int:
        """See `LimiterBackend.opens`."""
        return self._window.breaker.opens(now)

    def snapshot(self, now: int) -> Snapshot:
        """See `LimiterBackend.snapshot`."""
        return self._window.snapshot(now)

    def ahead(self, _job: Job) -> int:
        """See `LimiterBackend.ahead`."""
        return 0

    def idle(self) -> None:
        """See `LimiterBackend.idle`."""

    async def look(self, *, again: bool = False) -> None:
        """See `LimiterBackend.look`: there are none."""

    async def close(self) -> None:
        """See `LimiterBackend.close`."""
