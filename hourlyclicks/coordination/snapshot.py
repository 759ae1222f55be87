"""What is known of the shared limits at one moment, from which the ETA is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.arbiter import Arbiter
from hourlyclicks.store.leases import LIFE, RENEWALS

if TYPE_CHECKING:
    from hourlyclicks.coordination.state import ArbiterState
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.snapshot import Moment, Usage, WindowSnapshot


HANDED_OVER_AFTER = round(LIFE / RENEWALS * SECOND)
"""Nanoseconds after which a process that keeps the limits in memory shares them, once it was asked: it hears
of it when it renews its lease."""


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
        if self.state.limits_holder is not None:  # what its holder has sent since is not known
            opens = max(opens, self.now + HANDED_OVER_AFTER)
        found = self._window().finish(requests, latency, opens=opens + self.offset)
        return found._replace(when=found.when - self.offset)

    def usage(self, latency: int) -> Usage:
        """See `WindowSnapshot.usage`."""
        found = self._window().usage(latency)
        return found._replace(until=found.until - self.offset, opens=found.opens - self.offset)

    def _window(self) -> WindowSnapshot:
        now = self.now + self.offset
        return Arbiter(self.limits, self.state.copy(), now=now, lease=self.lease).snapshot()
