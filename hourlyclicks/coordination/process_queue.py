"""The processes that wait for slots, and which of them goes first.

A process that has to wait gets a queue entry. A process that could send now yields to another one whose entry
is due, and whose job has a higher priority or, at the same priority, which was served longer ago. A process
that does not ask again soon after its entry is due (see `GRACE`) is considered dead: the entry expires.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.expiry import FORGET_AFTER
from hourlyclicks.coordination.state import QueueEntry

if TYPE_CHECKING:
    from hourlyclicks.coordination.state import ArbiterState

POLL_AFTER = SECOND // 50
"""Nanoseconds after which to ask again when the moment at which a slot will be free cannot be known."""

GRACE = SECOND
"""Nanoseconds by which a process may ask later than it was told to; the entry expires after twice as many."""


class SlotRequest(NamedTuple):
    """The request of one process for a slot.

    Args:
        holder: the process.
        number: how many slots it has asked for so far.
        lane: its priority.
        waiting: how many of its tasks wait for a slot, this one included.
        unsent: how many requests its jobs of that priority still need.
        job: the name of what these jobs work on.
        days: the days that it claims, each with its target, as text.
    """

    holder: str
    number: int
    lane: int
    waiting: int
    unsent: int
    job: str
    days: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the slot, if one is granted."""
        return f"{self.holder}.{self.number}"


class ProcessQueue:
    """The queue entries of a shared state in one step.

    Args:
        state: the shared state; changed in place.
        now: the moment of the step.
    """

    def __init__(self, state: ArbiterState, now: int) -> None:
        self._state = state
        self._now = now

    def ahead(self, holder: str, lane: int) -> int:
        """Return how many other processes rank before one."""
        mine = self._rank(holder, lane)
        return sum(
            self._rank(name, entry.lane) < mine for name, entry in self._state.queue.items() if name != holder
        )

    def is_next(self, request: SlotRequest) -> bool:
        """Return whether no other process whose entry is due ranks higher."""
        mine = self._rank(request.holder, request.lane)
        return not any(
            entry.asks <= self._now and self._rank(holder, entry.lane) < mine
            for holder, entry in self._state.queue.items()
            if holder != request.holder
        )

    def enqueue(self, request: SlotRequest, until: int | None) -> bool:
        """Add or renew the entry of a process, which asks again at a moment; return whether that is a change.

        An entry that still says the same is left as it is, so that a process that polls does not cause a
        write each time.
        """
        asks = self._now if until is None or until <= self._now + POLL_AFTER else until
        patience = self._patience(request) if asks == self._now else GRACE
        entry = self._state.queue.get(request.holder)
        if entry is not None and entry.lane == request.lane:
            polling = asks == self._now and entry.asks <= self._now and entry.until > self._now + patience
            if polling or entry.asks == asks:
                return False
        self._state.queue[request.holder] = QueueEntry(
            request.lane, request.unsent, request.job, asks, asks + 2 * patience
        )
        return True

    def serve(self, request: SlotRequest) -> None:
        """Note that a process was granted a slot; it stays in the queue with its other tasks."""
        state, now = self._state, self._now
        state.served = {name: moment for name, moment in state.served.items() if moment > now - FORGET_AFTER}
        state.served[request.holder] = now
        state.queue.pop(request.holder, None)
        if request.waiting > 1:
            until = now + 2 * self._patience(request)
            state.queue[request.holder] = QueueEntry(
                request.lane, max(0, request.unsent - 1), request.job, now, until
            )

    def leave(self, holder: str) -> bool:
        """Remove the entry of a process; return whether it had one."""
        return self._state.queue.pop(holder, None) is not None

    def _rank(self, holder: str, lane: int) -> tuple[int, int, str]:
        """Return what is compared: the priority, then when it was last served; the name breaks a tie."""
        return lane, self._state.served.get(holder, 0), holder

    def _patience(self, request: SlotRequest) -> int:
        """Return how late a process that polls may ask: behind others it does so seldom, see `polling`."""
        return GRACE * (1 + self.ahead(request.holder, request.lane))
