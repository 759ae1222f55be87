"""What is known of the shared limits at one moment, from which the ETA is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.coordination.arbiter import Arbiter

if TYPE_CHECKING:
    from hourlyclicks.coordination.state import ArbiterState
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.snapshot import Moment, Usage, WindowSnapshot


class SharedSnapshot(NamedTuple):
    """What is known of the shared limits at one moment, from the state as of the last step.

    Args:
        limits: the limits to keep.
        state: the shared state; not changed any more.
        lease: how long a request can be in flight, in nanoseconds.
        now: the moment, on the clock of this process.
        offset: how far the clock of the store is ahead of that.
    """

    limits: Limits
    state: ArbiterState
    lease: int
    now: int
    offset: int

    def finish(self, requests: int, latency: int, *, opens: int = 0) -> Moment:
        """See `WindowSnapshot.finish`."""
        found = self._window().finish(requests, latency, opens=opens + self.offset)
        return found._replace(when=found.when - self.offset)

    def usage(self, latency: int) -> Usage:
        """See `WindowSnapshot.usage`."""
        found = self._window().usage(latency)
        return found._replace(until=found.until - self.offset, opens=found.opens - self.offset)

    def _window(self) -> WindowSnapshot:
        now = self.now + self.offset
        arbiter = Arbiter(self.limits, self.state.copy(), now=now, lease=self.lease)
        # What another process keeps in memory is unknown, and at worst as much as the limits allow until now.
        arbiter.end_memory(now, arbiter.in_memory)
        return arbiter.snapshot()
