"""The limits of an account that a process leases: in memory, or in the state that processes share.

They begin in neither place. `ActiveBackend.move` takes them into memory, or takes part in the shared limit if
other processes do; later it brings them from the one place to the other. What has to be in the store is
written down with an answer every `WRITE_AFTER`, at once after a 429, and when the client is closed.

How they come and go is decided in `hourlyclicks.coordination.handover`, when they should, in
`hourlyclicks.coordination.leased_backend`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.handover import LimiterState, Takeover, save, take_over
from hourlyclicks.coordination.orphans import response_time
from hourlyclicks.coordination.processes import Liveness
from hourlyclicks.coordination.shared_backend import SharedBackend, request_life
from hourlyclicks.coordination.state import ArbiterState, LimitsHolder
from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.pacing.backend import LocalBackend

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from hourlyclicks.clock import Clock
    from hourlyclicks.coordination.account_lease import AccountLease
    from hourlyclicks.coordination.shared_state import SharedState
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.backend import LimiterBackend, WaitingTasks
    from hourlyclicks.pacing.plans import Limits

_log = logging.getLogger("hourlyclicks")

WRITE_AFTER = 10 * SECOND
"""Nanoseconds after which the state in memory is written down together with an answer."""

ALONE_AFTER = 30 * SECOND
"""Nanoseconds for which no other process may have been served before the limits come back into memory."""


class ActiveBackend:
    """Where slots come from while a lease is held: memory, or the shared state.

    Args:
        limits: the limits to keep.
        lease: the lease of the account.
        shared: the shared state, in the store within the lease.
        clock: what time it is here.
        longest: the seconds a request can take.

    Attributes:
        moving: whether the limits are on their way; no slot may be granted meanwhile.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        lease: AccountLease,
        shared: SharedState,
        clock: Clock,
        longest: float,
    ) -> None:
        self.moving = False
        self._limits = limits
        self._lease = lease
        self._state = shared
        self._clock = clock
        self._longest = longest
        self._request_life = request_life(longest)
        self._holder = LimitsHolder(lease.holder, lease.token)
        self._local = LocalBackend(limits)
        self._shared: SharedBackend | None = None
        self._active: LimiterBackend | None = None
        self._waiting: WaitingTasks
        self._tasks: set[asyncio.Task[None]] = set()
        self._slowest = 0
        self._written = 0
        self._retry_at = 0

    @property
    def backend(self) -> LimiterBackend:
        """Where the limits are; before that is known, an unused one in memory."""
        return self._active or self._local

    @property
    def is_known(self) -> bool:
        """Whether it is known where the limits are."""
        return self._active is not None

    @property
    def in_memory(self) -> bool:
        """Whether the limits are in memory."""
        return self._active is self._local

    @property
    def shared_in_flight(self) -> int:
        """How many slots of the shared state are granted."""
        return 0 if self._shared is None else self._shared.in_flight

    def attach(self, waiting: WaitingTasks) -> None:
        """See `LimiterBackend.attach`."""
        self._waiting = waiting
        self._local.attach(waiting)

    def is_outdated(self, now: int) -> bool:
        """Return whether the limits have to be found, should be shared, or may come into memory."""
        if self._active is None:
            return True
        return self._lease.asked if self.in_memory else now >= self._retry_at

    def move(self) -> None:
        """Begin to bring the limits to the other place, if that has not begun; no slot may be in use."""
        if not self.moving:
            self.moving = True
            self._start(self._hand_over())

    def responded(self, now: int, after: int) -> None:
        """Note how long a response to a slot from memory took; now and then, the state is written down."""
        self._slowest = response_time(self._slowest, after)
        if now - self._written >= WRITE_AFTER:
            self._written = now
            self.write_down()

    def write_down(self) -> None:
        """Begin to write the state in memory into the store."""
        self._start(self._write_down())

    def settle(self, query: Query, *, stored: bool) -> None:
        """See `LimiterBackend.settle`."""
        if self._shared is not None:
            self._shared.settle(query, stored=stored)

    async def wait(self) -> None:
        """Wait until everything is done that has begun."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self, *, write: bool) -> None:
        """Take part in the shared limit no more; `write`: and write the state in memory down."""
        if self._shared is not None:
            await self._shared.close()
        if write and self.in_memory and self._lease.error is None:
            await self._write_down(keep=False)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hand_over(self) -> None:
        try:
            if self.in_memory:
                await self._give_back()
            else:
                await self._take()
        except Exception as error:  # noqa: BLE001 - each waiting task must get it
            self._waiting.fail(error)
        finally:
            self.moving = False
        self._waiting.serve()

    async def _take(self) -> None:
        """Take the limits into memory, or take part in the shared limit if other processes do."""
        shared = self._shared
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

        memory, moment = await self._state.change(step)
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
                shared=self._state,
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
            others, _ = await self._state.change(step)
        except HourlyClicksError as error:
            if strict:
                raise
            if self._lease.error is None:
                _log.warning(
                    "the rate limit could not be written down: %s; the next holder waits longer", error
                )
            return
        if others and keep:
            self._lease.was_asked()
            self._lease.share()
