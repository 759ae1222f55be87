"""What is known of the shared limits at one moment, from which the ETA is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.coordination.arbiter import Arbiter

if TYPE_CHECKING:
    from hourlyclicks.coordination.state import ArbiterState
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.snapshot import Moment


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
        arbiter = Arbiter(self.limits, self.state.copy(), now=self.now + self.offset, lease=self.lease)
        found = arbiter.snapshot().finish(requests, latency, opens=opens + self.offset)
        return found._replace(when=found.when - self.offset)
