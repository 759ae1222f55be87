"""The limiter backend of a lease's holder: the limits are in memory until another process asks for them.

A slot then takes no step in the store, and the only transaction of a day is the one that keeps its answer.
What has to be in the store is written down with such a transaction every `WRITE_AFTER`, at once after a 429,
and when the client is closed.

If another process asks for the limits, as a plain `Client` with the same key does, the holder grants no slot
until its requests in flight are over, writes everything down, and takes part in the shared limit. When it has
been alone for `ALONE_AFTER`, the limits come back into memory.

How they come and go is decided in `hourlyclicks.coordination.handover`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.backend import SharedBackend, request_life
from hourlyclicks.coordination.handover import LimiterState, Takeover, save, take_over
from hourlyclicks.coordination.orphans import response_time
from hourlyclicks.coordination.processes import Liveness
from hourlyclicks.coordination.state import ArbiterState, LimitsHolder
from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.pacing.backend import LocalBackend
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.window import Slot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from hourlyclicks.clock import Clock
    from hourlyclicks.coordination.account_lease import AccountLease
    from hourlyclicks.errors import LeaseLostError
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.backend import LimiterBackend, Snapshot, WaitingTasks
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.queue import Job, Task
    from hourlyclicks.pacing.throttle import Throttled
    from hourlyclicks.store.protocol import Store

_log = logging.getLogger("hourlyclicks")

WRITE_AFTER = 10 * SECOND
"""Nanoseconds after which the state in memory is written down together with an answer."""

ALONE_AFTER = 30 * SECOND
"""Nanoseconds for which no other process may have been served before the limits come back into memory."""

_LATER = Wait(None, "concurrency")


class LeasedBackend:
    """Keep the limits in memory while a lease is held, and share them when another process asks.

    Args:
        limits: the limits to keep.
        lease: the lease of the account.
        store: the store within the lease.
        account: returns the account.
        clock: what time it is here.
        longest: the seconds a request can take.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        lease: AccountLease,
        store: Store,
        account: Callable[[], Awaitable[int]],
        clock: Clock,
        longest: float,
    ) -> None:
        self._limits = limits
        self._lease = lease
        self._store = store
        self._account = account
        self._clock = clock
        self._longest = longest
        self._request_life = request_life(longest)
        self._holder = LimitsHolder(lease.holder, lease.token)
        self._local = LocalBackend(limits)
        self._shared: SharedBackend | None = None
        self._active: LimiterBackend | None = None  # where slots come from; `None`: not known yet
        self._waiting: WaitingTasks
        self._on_loss: Callable[[LeaseLostError], object]
        self._tasks: set[asyncio.Task[None]] = set()
        self._handing = False
        self._in_memory = 0  # slots that are granted from memory
        self._answers = 0  # that have come in this turn of the event loop
        self._slowest = 0
        self._written = 0
        self._retry_at = 0
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
        return self._now_active.epoch

    def attach(self, waiting: WaitingTasks) -> None:
        """See `LimiterBackend.attach`."""
        self._waiting = waiting
        self._local.attach(waiting)

    def reserve(self, task: Task, now: int) -> Slot | Wait:
        """See `LimiterBackend.reserve`."""
        if self._handing or not self._lease.admits(now, self._in_flight, self._limits.concurrency):
            return _LATER
        if self._active is None or self._wants_change(now):
            self._hand_over_if_free()
            return _LATER
        got = self._active.reserve(task, now)
        if type(got) is not Slot:
            if not self._granted:
                self._lease.start_ended()
        elif self._active is self._local:
            self._in_memory += 1
        return got

    def expired(self, slot: Slot, now: int) -> bool:
        """See `LimiterBackend.expired`; the process may have been stopped since the slot was granted."""
        return not self._lease.trusted(now) or self._now_active.expired(slot, now)

    def release(self, slot: Slot, now: int) -> None:
        """See `LimiterBackend.release`."""
        self._now_active.release(slot, now)
        if self._active is self._local:
            self._in_memory -= 1
            self._slowest = response_time(self._slowest, now - slot.sent)
            if now - self._written >= WRITE_AFTER:
                self._written = now
                self._start(self._write_down())

    def abandon(self, slot: Slot, now: int, may_arrive: int) -> None:
        """See `LimiterBackend.abandon`."""
        self._now_active.abandon(slot, now, may_arrive)
        self._in_memory -= self._active is self._local

    def cancel(self, slot: Slot) -> None:
        """See `LimiterBackend.cancel`."""
        self._now_active.cancel(slot)
        self._in_memory -= self._active is self._local

    def answered(self, slot: Slot) -> None:
        """See `LimiterBackend.answered`; in this turn of the event loop, the answer begins to be kept."""
        self._answers += 1
        asyncio.get_running_loop().call_soon(self._keep_begun)
        self._now_active.answered(slot)

    async def rate_limited(
        self, slot: Slot, retry_after: float | None, *, now: int, u: float, for_rate: bool
    ) -> Throttled | None:
        """See `LimiterBackend.rate_limited`."""
        active = self._now_active
        pause = await active.rate_limited(slot, retry_after, now=now, u=u, for_rate=for_rate)
        if pause is not None and active is self._local:
            self._start(self._write_down())
        return pause

    def settle(self, query: Query, *, stored: bool) -> None:
        """See `LimiterBackend.settle`."""
        if self._shared is not None:
            self._shared.settle(query, stored=stored)

    def opens(self, now: int) -> int:
        """See `LimiterBackend.opens`."""
        return self._now_active.opens(now)

    @property
    def in_flight(self) -> int:
        """See `LimiterBackend.in_flight`."""
        return self._now_active.in_flight

    def snapshot(self, now: int) -> Snapshot:
        """See `LimiterBackend.snapshot`."""
        return self._now_active.snapshot(now)

    async def look(self, *, again: bool = False) -> None:
        """See `LimiterBackend.look`."""
        if self._active is None:
            self._hand_over_if_free()
            while self._tasks:
                await asyncio.wait(self._tasks)
        if again:
            await self._now_active.look(again=True)

    def ahead(self, job: Job) -> int:
        """See `LimiterBackend.ahead`."""
        return self._now_active.ahead(job)

    def idle(self) -> None:
        """See `LimiterBackend.idle`."""
        self._now_active.idle()

    async def close(self) -> None:
        """See `LimiterBackend.close`: write everything down, so that the next holder need not be careful."""
        again, self._closed = self._closed, True
        while self._tasks:
            await asyncio.wait(self._tasks)
        try:
            if self._shared is not None:
                await self._shared.close()
            if self._active is self._local and self._lease.error is None and not again:
                await self._write_down(keep=False)
        finally:
            self._lease.leave(self)

    # -- as the lease sees it -----------------------------------------------------------------------------

    def serve(self) -> None:
        """See `LeaseUser.serve`."""
        if not self._closed:
            self._waiting.serve()

    def share(self) -> None:
        """See `LeaseUser.share`: begin it, also if no task waits that would."""
        if self._active is self._local and not self._closed:
            self._hand_over_if_free()

    def lose(self, error: LeaseLostError) -> None:
        """See `LeaseUser.lose`."""
        self._on_loss(error)

    # -- inside -----------------------------------------------------------------------------------------

    @property
    def _now_active(self) -> LimiterBackend:
        return self._active or self._local

    @property
    def _in_flight(self) -> int:
        return self._granted + self._answers

    @property
    def _granted(self) -> int:
        return self._in_memory + (0 if self._shared is None else self._shared.in_flight)

    def _keep_begun(self) -> None:
        """Count an answer no more: what waits to be kept is counted by the lease."""
        self._answers -= 1
        self._lease.serve()

    def _wants_change(self, now: int) -> bool:
        """Return whether the limits should be shared from now on, or may come into memory."""
        if self._active is self._local:
            return self._lease.asked
        return now >= self._retry_at

    def _hand_over_if_free(self) -> None:
        """Begin to hand over, unless requests are in flight: their end calls for it again."""
        if not self._handing and not self._granted and not self._closed:
            self._handing = True
            self._start(self._hand_over())

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hand_over(self) -> None:
        try:
            if self._active is self._local:
                await self._give_back()
            else:
                await self._take()
        except Exception as error:  # noqa: BLE001 - each waiting task must get it
            self._waiting.fail(error)
        finally:
            self._handing = False
        self._waiting.serve()

    async def _take(self) -> None:
        """Take the limits into memory, or take part in the shared limit if other processes do."""
        account, shared = await self._account(), self._shared
        if shared is not None:
            await shared.close()
            if shared.in_flight:  # a step was under way, and has granted a slot
                return
        liveness, returns = Liveness(), shared is not None
        takeover = Takeover(
            self._holder,
            self._lease.ended_before,
            name="" if shared is None else shared.name,
            quiet=ALONE_AFTER if returns else 0,
        )

        def step(text: str | None, now: int, _: object) -> tuple[str | None, LimiterState | None]:
            gone = liveness.gone(ArbiterState.read(text).processes, now)
            return take_over(text, now, takeover, self._limits, lease=self._request_life, gone=gone)

        memory, moment = await self._store.pace(account, step)
        after = self._clock.monotonic()
        if memory is None:
            self._share(after)
            return
        self._local.restore(memory.shifted(after - moment).throttle_of(self._limits))
        self._slowest, self._written = memory.slowest, after
        self._active, self._lease.asked = self._local, False

    async def _give_back(self) -> None:
        await self._write_down(keep=False, strict=True)
        self._share(self._clock.monotonic())

    def _share(self, now: int) -> None:
        """Take part in the shared limit."""
        if self._shared is None:
            self._shared = SharedBackend(
                self._limits,
                store=self._store,
                account=self._account,
                clock=self._clock,
                longest=self._longest,
            )
            self._shared.attach(self._waiting)
        self._shared.ask_now()
        self._active, self._lease.asked = self._shared, False
        self._retry_at = now + ALONE_AFTER

    async def _write_down(self, *, keep: bool = True, strict: bool = False) -> None:
        """Write the state in memory into the store.

        Args:
            keep: whether the limits stay in memory.
            strict: whether a failure is raised; otherwise the lease is a reason to be careful, that is all.
        """
        before = self._clock.monotonic()
        memory = LimiterState.of(self._local.throttle, before, self._slowest)

        def step(text: str | None, now: int, _: object) -> tuple[str | None, bool]:
            moved = memory.shifted(now - before)
            return save(text, now, self._holder, moved, lease=self._request_life, keep=keep)

        try:
            others, _ = await self._store.pace(await self._account(), step)
        except HourlyClicksError as error:
            if strict:
                raise
            if self._lease.error is None:
                _log.warning(
                    "the rate limit could not be written down: %s; the next holder waits longer", error
                )
            return
        if others and keep:
            self._lease.asked = True
            self.share()
