"""The limiter backend of several processes with one key: it asks the arbiter, whose state is in their store.

One step is taken at a time. What happens meanwhile (responses, slots given back, a task that wants a slot)
is taken together in the next one, and the store writes an answer in the same transaction as the step that
reports its response. So a day takes two transactions at most: one that grants the slot, and one with the
answer.

Waiting takes no transactions:

* Until a moment that the arbiter has named, nothing is asked. Behind other processes, that is the moment at
  which they will have sent.
* Until a response of this process, nothing is asked either: the step that reports it asks again.
* Until a response of another process, or for its turn, the state is read again and again, without a
  transaction, and the more seldom the more processes rank before this one.

A step that fails ends the wait of all tasks with its error, so that none of them waits for ever.
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
from hourlyclicks.pacing.queue import ClaimedError, Lane, NotNeededError
from hourlyclicks.pacing.window import Slot

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable

    from hourlyclicks.clock import Clock
    from hourlyclicks.coordination.arbiter import Claimed
    from hourlyclicks.events import Binding
    from hourlyclicks.model.targets import Query, Target
    from hourlyclicks.pacing.backend import WaitingTasks
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.queue import Job, Task
    from hourlyclicks.pacing.snapshot import Moment
    from hourlyclicks.pacing.throttle import Throttled
    from hourlyclicks.store.ledger import LedgerEntry
    from hourlyclicks.store.protocol import Store

R = TypeVar("R")

_log = logging.getLogger("hourlyclicks")

MARGIN = 10.0
"""Seconds by which a lease is longer than a request may take; half of it may pass before it is sent."""

_LOOK_AFTER = SECOND
"""Nanoseconds after which a process looks at the state again, though others rank before it."""
_MOST_DOUBLINGS = 6
_RESUME_AFTER = 0.01
"""Seconds after which the steps of a cancelled task go on; an event loop that ends is closed before."""
_WAITING_PART = 20
"""A poll comes after this part of the time since the last request was sent: it adds little to a long wait."""
_NEVER = 1 << 62


class Answer(NamedTuple):
    """What the arbiter has answered to a request for a slot.

    Args:
        got: the slot, or what to wait for; ``None``: no request is needed.
        next_wait: what the next request of this process must wait for, if that is known.
        ahead: how many other processes in the queue rank before this one.
        alone: whether all requests in flight are of this process, which will report their responses.
        waited: the nanoseconds since the last request was sent.
        expires_in: those until a request in flight counts as over.
    """

    got: Slot | Wait | Claimed | None
    next_wait: Wait | None = None
    ahead: int = 0
    alone: bool = False
    waited: int = 0
    expires_in: int = 0


class Grant(NamedTuple):
    """What is known here of a slot that the arbiter has granted.

    Args:
        name: its name in the shared state.
        days: the days that it comes with the claims to.
        asked: when it was requested; its lease cannot begin earlier.
    """

    name: str
    days: tuple[str, ...]
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
        self._stepping = False
        self._wanted: Task | None = None
        self._asking = False
        self._ask_again_at = 0
        self._lane: Lane | None = None
        self._binding: Binding = "rate"
        self._grants: dict[Slot, Grant] = {}
        self._answered: set[Slot] = set()
        self._claims: set[str] = set()  # days that may be claimed
        self._settled: list[str] = []
        self._reports: list[Callable[[Arbiter], object]] = []
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
            return Wait(None if self._ask_again_at == _NEVER else self._ask_again_at, self._binding)
        self._asking = True
        self._wanted = task
        self._take_steps()
        return Wait(None, self._binding)

    def expired(self, slot: Slot, now: int) -> bool:
        """See `LimiterBackend.expired`."""
        return now - self._grants[slot].asked > round(MARGIN / 2 * SECOND)

    def release(self, slot: Slot, _now: int) -> None:
        """See `LimiterBackend.release`."""
        name, answered = self._grants.pop(slot).name, slot in self._answered
        self._answered.discard(slot)
        self._report(lambda arbiter: arbiter.release(name, answered=answered))

    def abandon(self, slot: Slot, _now: int, may_arrive: int) -> None:
        """See `LimiterBackend.abandon`: its lease lasts as long as it may arrive, and is not released."""
        name = self._grants.pop(slot).name
        self._answered.discard(slot)
        self._report(lambda arbiter: arbiter.abandon(name, may_arrive))

    def cancel(self, slot: Slot) -> None:
        """See `LimiterBackend.cancel`."""
        grant = self._grants.pop(slot)
        self._claims.difference_update(grant.days)
        self._ask_again_at = 0
        self._report(lambda arbiter: arbiter.cancel(grant.name, *grant.days))

    def answered(self, slot: Slot) -> None:
        """See `LimiterBackend.answered`: it is reported together with the release that follows."""
        self._answered.add(slot)

    async def rate_limited(
        self, slot: Slot, retry_after: float | None, *, now: int, u: float, for_rate: bool
    ) -> Throttled | None:
        """See `LimiterBackend.rate_limited`."""
        del now  # the store has a clock of its own
        name = self._grants[slot].name

        def step(arbiter: Arbiter) -> Throttled | RateLimitedError | None:
            try:
                return arbiter.rate_limited(name, retry_after, u=u, for_rate=for_rate)
            except RateLimitedError as error:
                return error

        outcome = await self._step(lambda arbiter, _: step(arbiter), ours=True)
        if isinstance(outcome, RateLimitedError):
            raise outcome
        return outcome

    def settle(self, query: Query, *, stored: bool) -> None:
        """See `LimiterBackend.settle`: the claim to a stored day is released with the next change."""
        day = _day_key(query)
        if day in self._claims:
            self._claims.remove(day)
            self._settled.append(day)
            if not stored or not any(self._waiting.load(lane)[1] for lane in Lane):  # no step would follow
                self._report(lambda _: None)

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
            self._report(lambda arbiter: arbiter.leave(self._holder))

    async def close(self) -> None:
        """See `LimiterBackend.close`."""
        if self._settled or self._reports:
            self._report(lambda _: None)
        while self._tasks:
            await asyncio.wait(self._tasks)

    # -- inside -----------------------------------------------------------------------------------------

    def _report(self, what: Callable[[Arbiter], object]) -> None:
        """Report something with the next step, which also asks for a slot if that may be free now."""
        if self._ask_again_at == _NEVER or self._binding != "rate":
            self._ask_again_at = 0
        self._reports.append(what)
        self._take_steps()

    def _take_steps(self) -> None:
        """Take steps as long as there is something to report, or a task that wants a slot."""
        if not self._stepping:
            loop = asyncio.get_running_loop()
            self._stepping = True
            task = loop.create_task(self._run_steps())
            self._tasks.add(task)
            task.add_done_callback(self._end_steps)

    def _end_steps(self, task: asyncio.Task[None]) -> None:
        """Go on after a task that took steps, also if it was cancelled, even before it began."""
        self._tasks.discard(task)
        self._stepping = False
        if task.cancelled():  # as when a program cancels all tasks, and goes on; or its event loop ends
            self._asking, self._wanted = False, None
            asyncio.get_running_loop().call_later(_RESUME_AFTER, self._resume)
        elif self._reports or self._wanted is not None:
            self._take_steps()

    def _resume(self) -> None:
        self._waiting.serve()
        if self._reports:
            self._take_steps()

    async def _run_steps(self) -> None:
        while self._reports or self._wanted is not None:
            task, self._wanted = self._wanted, None
            await (self._report_only() if task is None else self._request_slot(task))
            self._waiting.serve()

    async def _report_only(self) -> None:
        try:
            await self._step(lambda *_: None)
        except HourlyClicksError as error:
            self._not_reported(error)

    async def _request_slot(self, task: Task) -> None:
        """Request a slot for a task, and pass on the result."""
        lane, query = task.job.lane, task.query
        waiting, unsent = self._waiting.load(lane)
        self._number += 1
        further = tuple(map(_day_key, task.further))
        request = SlotRequest(
            self._holder, self._number, lane, waiting, unsent, task.job.name, _day_key(query), further
        )
        for day in request.days:
            if day in self._settled:  # else its new claim would be released in the step that grants it
                self._settled.remove(day)
                self._claims.add(day)
        # A copy, since the step may be taken in another thread.
        slots = {request.name, *(grant.name for grant in self._grants.values())}

        def step(arbiter: Arbiter, entry: LedgerEntry | None) -> Answer:
            if not task.needs_request(entry, self._clock.wall()):
                return Answer(None)
            got = arbiter.reserve(request)
            next_wait = arbiter.next_wait(request) if isinstance(got, Slot) else None
            alone = arbiter.awaits_only(slots)
            ahead = arbiter.ahead(request.holder, lane)
            return Answer(got, next_wait, ahead, alone, arbiter.waited, arbiter.expires_in)

        asked = self._clock.monotonic()  # the lease may start now, however late the result comes
        reported = bool(self._reports)
        peek = not reported and self._state.is_shared_with_others(self._holder)
        try:
            answer = await self._step(step, of=(query.target, query.day), peek=peek)
        except Exception as error:  # noqa: BLE001 - each waiting task must get the error
            self._asking = False
            self._claims.update(request.days)  # the step may have been taken all the same
            if reported and isinstance(error, HourlyClicksError):
                self._not_reported(error)
            self._waiting.fail(error)
            return
        self._asking = False
        got = answer.got
        if isinstance(got, Slot):
            self._queued = waiting > 1
            got.sent = self._clock.monotonic()
            self._grants[got] = Grant(request.name, request.days, asked)
            self._claims.update(request.days)
            self._wait_for(answer.next_wait, lane, answer)
            if not self._waiting.grant(task, got):
                self.cancel(got)
        elif isinstance(got, Wait):
            self._queued = True
            self._wait_for(got, lane, answer)
        else:
            self._waiting.deny(task, NotNeededError() if got is None else ClaimedError())

    def _wait_for(self, wait: Wait | None, lane: Lane, answer: Answer) -> None:
        """Note when to ask again, and whether to look first."""
        if wait is None or self._reports:  # what came meanwhile may have freed a slot
            self._ask_again_at = 0
            return
        now = self._clock.monotonic()
        self._lane, self._binding = lane, wait.binding
        until = None if wait.until is None else wait.until - self._clock_offset
        if until is not None and not answer.ahead:
            self._ask_again_at = until
        elif until is not None and until > now + POLL_AFTER:
            self._ask_again_at = min(until, now + answer.ahead * _LOOK_AFTER)
        elif until is None and answer.alone and not answer.ahead:
            self._ask_again_at = _NEVER
        else:
            pause = max(POLL_AFTER, answer.waited // _WAITING_PART) << min(answer.ahead, _MOST_DOUBLINGS)
            self._ask_again_at = now + min(pause, _LOOK_AFTER, max(POLL_AFTER, answer.expires_in))

    def _not_reported(self, error: HourlyClicksError) -> None:
        _log.warning("the shared rate limit could not be updated: %s; its leases will expire", error)

    async def _step(
        self,
        step: Callable[[Arbiter, LedgerEntry | None], R],
        *,
        of: tuple[Target, dt.date] | None = None,
        ours: bool = False,
        peek: bool = False,
    ) -> R:
        """Take a step in the store with all reports, and remember the state as it is afterwards."""
        reports, self._reports = self._reports, []
        settled: list[str] = []

        def change(
            text: str | None, now: int, entry: LedgerEntry | None
        ) -> tuple[str | None, tuple[R, ArbiterState]]:
            arbiter = Arbiter(self._limits, ArbiterState.read(text), now=now, lease=self._lease)
            for report in reports:
                report(arbiter)
            result = step(arbiter, entry)
            settled[:] = self._settled if reports or arbiter.changed else ()
            for day in settled:
                arbiter.settle(day, self._holder)
            state = arbiter.close()
            return state.write() if arbiter.changed else None, (result, state)

        (result, state), moment = await self._store.pace(await self._account(), change, of=of, peek=peek)
        self._settled = [day for day in self._settled if day not in settled]
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


def _day_key(query: Query) -> str:
    """Return the name of a day in the shared state."""
    return f"{query.target} {query.day}"
