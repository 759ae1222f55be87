"""The limiter backend of several processes with one key: it asks the arbiter, whose state is in their store.

Each step is a transaction of the store and runs in an asyncio task of its own. A step that fails ends the
wait of all tasks with its error, so that none of them waits for ever. One slot is requested at a time. When
the arbiter cannot know at what moment a slot will be free, it is asked again after `POLL_AFTER`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.arbiter import POLL_AFTER, Arbiter, SlotRequest
from hourlyclicks.coordination.state import ArbiterState
from hourlyclicks.errors import HourlyClicksError, RateLimitedError
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.queue import ClaimedError, NotNeededError
from hourlyclicks.pacing.window import Slot

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Coroutine

    from hourlyclicks.clock import Clock
    from hourlyclicks.coordination.arbiter import Claimed
    from hourlyclicks.events import Binding
    from hourlyclicks.model.targets import Query, Target
    from hourlyclicks.pacing.backend import WaitingTasks
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.queue import Job, Lane, Task
    from hourlyclicks.pacing.snapshot import Moment
    from hourlyclicks.pacing.throttle import Throttled
    from hourlyclicks.store.ledger import LedgerEntry
    from hourlyclicks.store.protocol import Store

R = TypeVar("R")

_log = logging.getLogger("hourlyclicks")

MARGIN = 10.0
"""Seconds by which a lease is longer than a request may take; half of it may pass before it is sent."""


class Grant(NamedTuple):
    """What is known here of a slot that the arbiter has granted.

    Args:
        name: its name in the shared state.
        day: the day that it comes with the claim to.
        asked: when it was requested; its lease cannot begin earlier.
    """

    name: str
    day: str
    asked: int


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


class SharedBackend:
    """Share one rate limit with all processes that use the same store.

    Args:
        limits: the limits to keep.
        store: where the shared state is.
        account: returns the account that it belongs to.
        clock: what time it is here.
        longest: the seconds a request can take.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        store: Store,
        account: Callable[[], Awaitable[int]],
        clock: Clock,
        longest: float,
    ) -> None:
        self._limits = limits
        self._store = store
        self._account = account
        self._clock = clock
        self._lease = round((longest + MARGIN) * SECOND)
        self._name = ""
        self._number = 0
        self._waiting: WaitingTasks
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking = False
        self._ask_again_at = 0
        self._lane: Lane | None = None
        self._binding: Binding = "rate"
        self._grants: dict[Slot, Grant] = {}
        self._answered: set[Slot] = set()
        self._settled: list[str] = []
        self._state = ArbiterState()
        self._clock_offset = 0
        self._queued = False

    @property
    def _holder(self) -> str:
        """The name of this client at the store; made at its first use, so that forks do not share it."""
        if not self._name:
            self._name = secrets.token_hex(8)
        return self._name

    @property
    def epoch(self) -> int:
        """See `LimiterBackend.epoch`."""
        return self._state.pause.epoch

    def attach(self, waiting: WaitingTasks) -> None:
        """See `LimiterBackend.attach`."""
        self._waiting = waiting

    def reserve(self, task: Task, now: int) -> Slot | Wait:
        """See `LimiterBackend.reserve`: ask the arbiter, unless it has said to ask later."""
        if self._asking:
            return Wait(None, self._binding)
        if now < self._ask_again_at and self._lane is not None and task.job.lane >= self._lane:
            return Wait(self._ask_again_at, self._binding)
        self._asking = True
        self._spawn(self._request_slot(task))
        return Wait(None, self._binding)

    def expired(self, slot: Slot, now: int) -> bool:
        """See `LimiterBackend.expired`."""
        return now - self._grants[slot].asked > round(MARGIN / 2 * SECOND)

    def release(self, slot: Slot, _now: int) -> None:
        """See `LimiterBackend.release`."""
        name, answered = self._grants.pop(slot).name, slot in self._answered
        self._answered.discard(slot)
        self._spawn(self._report(lambda arbiter: arbiter.release(name, answered=answered)))

    def abandon(self, slot: Slot, _now: int, may_arrive: int) -> None:
        """See `LimiterBackend.abandon`: its lease lasts as long as it may arrive, and is not released."""
        name = self._grants.pop(slot).name
        self._answered.discard(slot)
        self._spawn(self._report(lambda arbiter: arbiter.abandon(name, may_arrive)))

    def cancel(self, slot: Slot) -> None:
        """See `LimiterBackend.cancel`."""
        grant = self._grants.pop(slot)
        self._spawn(self._report(lambda arbiter: arbiter.cancel(grant.name, grant.day)))

    def answered(self, slot: Slot) -> None:
        """See `LimiterBackend.answered`: it is reported together with the release that follows."""
        self._answered.add(slot)

    async def rate_limited(
        self, slot: Slot, retry_after: float | None, *, now: int, u: float, for_rate: bool
    ) -> Throttled | None:
        """See `LimiterBackend.rate_limited`."""
        del now  # the store has a clock of its own
        name = self._grants[slot].name

        def step(arbiter: Arbiter, _: LedgerEntry | None) -> Throttled | RateLimitedError | None:
            try:
                return arbiter.rate_limited(name, retry_after, u=u, for_rate=for_rate)
            except RateLimitedError as error:
                return error

        outcome = await self._step(step, ours=True)
        if isinstance(outcome, RateLimitedError):
            raise outcome
        return outcome

    def settle(self, query: Query) -> None:
        """See `LimiterBackend.settle`: the claim is released with the next step."""
        self._settled.append(_day_key(query))

    def opens(self, now: int) -> int:
        """See `LimiterBackend.opens`."""
        pause = self._state.pause
        return max(now, pause.until - self._clock_offset) if pause.held else now

    def snapshot(self, now: int) -> SharedSnapshot:
        """See `LimiterBackend.snapshot`."""
        return SharedSnapshot(self._limits, self._state, self._lease, now, self._clock_offset)

    def ahead(self, job: Job) -> int:
        """See `LimiterBackend.ahead`."""
        return sum(
            entry.unsent if entry.lane < job.lane else min(entry.unsent, job.unsent)
            for holder, entry in self._state.queue.items()
            if holder != self._holder and entry.lane <= job.lane and not (entry.job and entry.job == job.name)
        )

    def idle(self) -> None:
        """See `LimiterBackend.idle`: give up the queue entry."""
        if self._queued and not self._asking:
            self._queued = False
            self._spawn(self._report(lambda arbiter: arbiter.leave(self._holder)))

    async def close(self) -> None:
        """See `LimiterBackend.close`."""
        if self._settled:
            self._spawn(self._report(lambda _: None))
        while self._tasks:
            await asyncio.wait(self._tasks)

    # -- inside -----------------------------------------------------------------------------------------

    async def _request_slot(self, task: Task) -> None:
        """Request a slot for a task, and pass on the result."""
        lane, query = task.job.lane, task.query
        waiting, unsent = self._waiting.load(lane)
        self._number += 1
        request = SlotRequest(
            self._holder, self._number, lane, waiting, unsent, task.job.name, _day_key(query)
        )

        def step(arbiter: Arbiter, entry: LedgerEntry | None) -> Slot | Wait | Claimed | None:
            return arbiter.reserve(request) if task.needs_request(entry, self._clock.wall()) else None

        asked = self._clock.monotonic()  # the lease may start now, however late the result comes
        try:
            got = await self._step(step, of=(query.target, query.day))
        except Exception as error:  # noqa: BLE001 - each waiting task must get the error
            self._asking = False
            self._waiting.fail(error)
            return
        self._asking = False
        if isinstance(got, Slot):
            self._queued = waiting > 1
            got.sent = self._clock.monotonic()
            self._grants[got] = Grant(request.name, request.day, asked)
            if not self._waiting.grant(task, got):
                self.cancel(got)
        elif isinstance(got, Wait):
            self._queued = True
            until = (
                self._clock.monotonic() + POLL_AFTER if got.until is None else got.until - self._clock_offset
            )
            self._ask_again_at, self._lane, self._binding = until, lane, got.binding
        else:
            self._waiting.deny(task, NotNeededError() if got is None else ClaimedError())
        self._waiting.serve()

    async def _report(self, step: Callable[[Arbiter], object]) -> None:
        """Take a step that has no result, and then serve the tasks that it may have freed a slot for."""
        try:
            await self._step(lambda arbiter, _: step(arbiter))
        except HourlyClicksError as error:
            _log.warning("the shared rate limit could not be updated: %s; its leases will expire", error)
            return
        self._ask_again_at = 0
        self._waiting.serve()

    async def _step(
        self,
        step: Callable[[Arbiter, LedgerEntry | None], R],
        *,
        of: tuple[Target, dt.date] | None = None,
        ours: bool = False,
    ) -> R:
        """Take a step in the store, and remember the state as it is afterwards."""
        settled, self._settled = self._settled, []

        def change(
            text: str | None, now: int, entry: LedgerEntry | None
        ) -> tuple[str | None, tuple[R, ArbiterState]]:
            arbiter = Arbiter(self._limits, ArbiterState.read(text), now=now, lease=self._lease)
            for day in settled:
                arbiter.settle(day, self._holder)
            result = step(arbiter, entry)
            state = arbiter.close()
            return state.write() if arbiter.changed else None, (result, state)

        (result, state), moment = await self._store.pace(await self._account(), change, of=of)
        self._update(state, moment, ours=ours)
        return result

    def _update(self, state: ArbiterState, moment: int, *, ours: bool) -> None:
        """Remember the state, and report a pause that another process has begun or ended."""
        before, self._state = self._state.pause, state
        self._clock_offset = moment - self._clock.monotonic()
        if state.pause.epoch > before.epoch and state.pause.held and not ours:
            self._waiting.paused(max(0.0, (state.pause.until - moment) / SECOND))
        elif before.held and not state.pause.held:
            self._waiting.resumed()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _day_key(query: Query) -> str:
    """Return the name of a day in the shared state."""
    return f"{query.target} {query.day}"
