"""The limiter backend of a lease's holder: the limits are in memory until another process asks for them.

A slot then takes no step in the store, and the only transaction of a day is the one that keeps its answer.

If another process asks for the limits, as a plain `Client` with the same key does, the holder grants no slot
until its requests in flight are over, writes everything down, and takes part in the shared limit. When it has
been alone for a while, the limits come back into memory. `hourlyclicks.coordination.active_backend` brings
them from one place to the other; here is when it may, and what the lease allows.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.window import Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.coordination.account_lease import AccountLease
    from hourlyclicks.coordination.active_backend import ActiveBackend
    from hourlyclicks.errors import LeaseLostError
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.backend import Snapshot, WaitingTasks
    from hourlyclicks.pacing.queue import Job, Task
    from hourlyclicks.pacing.throttle import Throttled

_LATER = Wait(None, "concurrency")


class LeasedBackend:
    """Keep the limits in memory while a lease is held, and share them when another process asks.

    Args:
        active: where slots come from.
        lease: the lease of the account.
        concurrency: the most requests at the same time.
    """

    def __init__(self, active: ActiveBackend, *, lease: AccountLease, concurrency: int) -> None:
        self._concurrency = concurrency
        self._lease = lease
        self._active = active
        self._waiting: WaitingTasks
        self._on_loss: Callable[[LeaseLostError], object]
        self._from_memory = 0  # slots that are granted
        self._answers = 0  # that have come in this turn of the event loop
        self._closed = False

    def bind(self, on_loss: Callable[[LeaseLostError], object]) -> None:
        """Work within the lease from now on.

        Args:
            on_loss: called when it was lost.

        Raises:
            UsageError: another client does.
            LeaseLostError: it was lost before.
        """
        self._on_loss = on_loss
        self._lease.use(self)

    @property
    def epoch(self) -> int:
        """See `LimiterBackend.epoch`."""
        return self._active.backend.epoch

    def attach(self, waiting: WaitingTasks) -> None:
        """See `LimiterBackend.attach`."""
        self._waiting = waiting
        self._active.attach(waiting)

    def reserve(self, task: Task, now: int) -> Slot | Wait:
        """See `LimiterBackend.reserve`."""
        active = self._active
        if active.moving or not self._lease.admits(now, self._in_flight, self._concurrency):
            return _LATER
        if active.is_outdated(now):
            self._move_if_free()
            return _LATER
        got = active.backend.reserve(task, now)
        if type(got) is not Slot:
            if not self._granted:
                self._lease.start_ended()
        elif active.in_memory:
            self._from_memory += 1
        return got

    def expired(self, slot: Slot, now: int) -> bool:
        """See `LimiterBackend.expired`; the process may have been stopped since the slot was granted."""
        return not self._lease.trusted(now) or self._active.backend.expired(slot, now)

    def release(self, slot: Slot, now: int) -> None:
        """See `LimiterBackend.release`."""
        self._active.backend.release(slot, now)
        if self._active.in_memory:
            self._from_memory -= 1
            self._active.responded(now, now - slot.sent)

    def abandon(self, slot: Slot, now: int, may_arrive: int) -> None:
        """See `LimiterBackend.abandon`."""
        self._active.backend.abandon(slot, now, may_arrive)
        self._from_memory -= self._active.in_memory

    def cancel(self, slot: Slot) -> None:
        """See `LimiterBackend.cancel`."""
        self._active.backend.cancel(slot)
        self._from_memory -= self._active.in_memory

    def answered(self, slot: Slot) -> None:
        """See `LimiterBackend.answered`; in this turn of the event loop, the answer begins to be kept."""
        self._answers += 1
        asyncio.get_running_loop().call_soon(self._keep_begun)
        self._active.backend.answered(slot)

    async def rate_limited(
        self, slot: Slot, retry_after: float | None, *, now: int, u: float, for_rate: bool
    ) -> Throttled | None:
        """See `LimiterBackend.rate_limited`."""
        from_memory = self._active.in_memory
        pause = await self._active.backend.rate_limited(slot, retry_after, now=now, u=u, for_rate=for_rate)
        if pause is not None and from_memory:
            self._active.write_down()
        return pause

    def settle(self, query: Query, *, stored: bool) -> None:
        """See `LimiterBackend.settle`."""
        self._active.settle(query, stored=stored)

    def opens(self, now: int) -> int:
        """See `LimiterBackend.opens`."""
        return self._active.backend.opens(now)

    @property
    def in_flight(self) -> int:
        """See `LimiterBackend.in_flight`."""
        return self._active.backend.in_flight

    def snapshot(self, now: int) -> Snapshot:
        """See `LimiterBackend.snapshot`."""
        return self._active.backend.snapshot(now)

    async def look(self, *, again: bool = False) -> None:
        """See `LimiterBackend.look`."""
        if not self._active.is_known:
            self._move_if_free()
            await self._active.wait()
        if again:
            await self._active.backend.look(again=True)

    def ahead(self, job: Job) -> int:
        """See `LimiterBackend.ahead`."""
        return self._active.backend.ahead(job)

    def idle(self) -> None:
        """See `LimiterBackend.idle`."""
        self._active.backend.idle()

    async def close(self) -> None:
        """See `LimiterBackend.close`: write everything down, so that the next holder need not be careful."""
        again, self._closed = self._closed, True
        await self._active.wait()
        try:
            await self._active.close(write=not again)
        finally:
            self._lease.leave(self)

    # -- as the lease sees it -----------------------------------------------------------------------------

    def serve(self) -> None:
        """See `LeaseUser.serve`."""
        if not self._closed:
            self._waiting.serve()

    def share(self) -> None:
        """See `LeaseUser.share`: begin it, also if no task waits that would."""
        if self._active.in_memory:
            self._move_if_free()

    def lose(self, error: LeaseLostError) -> None:
        """See `LeaseUser.lose`."""
        self._on_loss(error)

    # -- inside -----------------------------------------------------------------------------------------

    @property
    def _in_flight(self) -> int:
        return self._granted + self._answers

    @property
    def _granted(self) -> int:
        return self._from_memory + self._active.shared_in_flight

    def _keep_begun(self) -> None:
        """Count an answer no more: what waits to be kept is counted by the lease."""
        self._answers -= 1
        self._lease.serve()

    def _move_if_free(self) -> None:
        """Let the limits go to the other place, unless requests are in flight: their end calls again."""
        if not self._granted and not self._closed:
            self._active.move()
