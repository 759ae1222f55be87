"""The limiter backend of several processes with one key: it asks the arbiter, whose state is in their store.

One step is taken at a time. What happens meanwhile is taken together in the next one
(`hourlyclicks.coordination.steps`). So a day takes two transactions at most: one that grants the slot, and
one with the answer. When to ask again is decided in `hourlyclicks.coordination.polling`.

A step that fails ends the wait of all tasks with its error, so that none of them waits for ever. If a step
without its request succeeds, the request alone was the reason, such as a damaged row of its day.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.arbiter import SlotRequest
from hourlyclicks.coordination.orphans import SEND_WITHIN, held_slots
from hourlyclicks.coordination.polling import Answer, Polling
from hourlyclicks.coordination.registry import RunRegistry
from hourlyclicks.coordination.steps import ArbiterSteps
from hourlyclicks.errors import HourlyClicksError, LeaseLostError, RateLimitedError
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.queue import ClaimedError, Lane, NotNeededError
from hourlyclicks.pacing.window import Slot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.clock import Clock
    from hourlyclicks.coordination.arbiter import Arbiter
    from hourlyclicks.coordination.snapshot import SharedSnapshot
    from hourlyclicks.coordination.state import MemoryMark
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.backend import WaitingTasks
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.queue import Job, Task
    from hourlyclicks.pacing.throttle import Throttled
    from hourlyclicks.store.ledger import LedgerEntry
    from hourlyclicks.store.protocol import Store

_log = logging.getLogger("hourlyclicks")

MARGIN = 10.0
"""Seconds by which a lease is longer than a request may take; some of it may pass before it is sent."""

ASK_AGAIN = SECOND
"""Nanoseconds after which the holder of the account's lease is asked again to share the limits."""

_RESUME_AFTER = 0.25
"""Seconds after which the steps of a cancelled task go on. `asyncio.run` cancels all tasks at its end, too;
by then it has closed the event loop, even on a busy machine."""


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


class SharedBackend:
    """Share one rate limit with all processes that use the same store.

    Args:
        limits: the limits to keep.
        store: where the shared state is.
        account: returns the account that it belongs to.
        clock: what time it is here.
        longest: the seconds a request can take.

    Attributes:
        runs: the runs of this client that other processes see.
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
        self._clock = clock
        self._limited = bool(limits.rates)
        self._steps = ArbiterSteps(
            limits, store=store, account=account, clock=clock, lease=request_life(longest)
        )
        self.runs = RunRegistry(self._steps, clock=clock, look=self._look, report=self._report)
        self._polling = Polling()
        self._number = 0
        self._waiting: WaitingTasks
        self._tasks: set[asyncio.Task[None]] = set()
        self._stepping = False
        self._wanted: Task | None = None
        self._asking = False
        self._grants: dict[Slot, Grant] = {}
        self._answered: set[Slot] = set()
        self._queued = False
        self._asked_keeper = -ASK_AGAIN
        self._held_until = 0  # by requests of other processes, as was reported

    @property
    def epoch(self) -> int:
        """See `LimiterBackend.epoch`."""
        return self._steps.state.pause.epoch

    @property
    def name(self) -> str:
        """The name of this client in the shared state."""
        return self._steps.holder

    @property
    def in_flight(self) -> int:
        """How many slots are granted."""
        return len(self._grants)

    def ask_now(self) -> None:
        """Let the next task ask at once: what was said before is outdated."""
        self._polling.ask_now()

    def attach(self, waiting: WaitingTasks) -> None:
        """See `LimiterBackend.attach`."""
        self._waiting = waiting
        self._steps.attach(waiting, self.runs)

    def reserve(self, task: Task, now: int) -> Slot | Wait:
        """See `LimiterBackend.reserve`: ask the arbiter, unless it has said to ask later."""
        if not self._asking:
            wait = self._polling.wait(task.job.lane, now)
            if wait is not None:
                return wait
            self._asking = True
            self._wanted = task
            self._take_steps()
        return Wait(None, self._polling.binding)

    def expired(self, slot: Slot, now: int) -> bool:
        """See `LimiterBackend.expired`."""
        return now - self._grants[slot].asked > SEND_WITHIN

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
        self._steps.claims.difference_update(grant.days)
        self._polling.ask_now()
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

        try:
            outcome = await self._steps.take(lambda arbiter, _: step(arbiter), ours=True)
        except HourlyClicksError:
            if self._steps.reports:
                self._take_steps()
            raise
        if isinstance(outcome, RateLimitedError):
            raise outcome
        return outcome

    def settle(self, query: Query, *, stored: bool) -> None:
        """See `LimiterBackend.settle`: the claim to a stored day is released with the next change."""
        day = _day_key(query)
        if day in self._steps.claims:
            self._steps.claims.remove(day)
            self._steps.settled.append(day)
            if not stored or not any(self._waiting.load(lane)[1] for lane in Lane):  # no step would follow
                self._report(lambda _: None)

    def opens(self, now: int) -> int:
        """See `LimiterBackend.opens`."""
        pause = self._steps.state.pause
        return max(now, pause.until - self._steps.offset) if pause.held else now

    def snapshot(self, now: int) -> SharedSnapshot:
        """See `LimiterBackend.snapshot`."""
        return self._steps.snapshot(now)

    def ahead(self, job: Job) -> int:
        """See `LimiterBackend.ahead`."""
        return sum(
            entry.unsent if entry.lane < job.lane else min(entry.unsent, job.unsent)
            for holder, entry in self._steps.state.queue.items()
            if holder != self._steps.holder
            and entry.lane <= job.lane
            and not (entry.job and entry.job == job.name)
        )

    def idle(self) -> None:
        """See `LimiterBackend.idle`: give up the queue entry."""
        if self._queued and not self._asking:
            self._queued = False
            self._report(lambda arbiter: arbiter.leave(self._steps.holder))

    async def look(self, *, again: bool = False) -> None:
        """See `LimiterBackend.look`."""
        if self._limited and (again or self._steps.taken is None):
            await self._read_state(silent=True)
            if again:  # a call asks, which would be sent
                await self._ask_keeper(self._steps.state.in_memory)
                if self._steps.reports:  # the lease was over
                    await self._read_state(silent=True)

    async def close(self) -> None:
        """See `LimiterBackend.close`."""
        await self._end_tasks()  # a step under way may report everything
        if self._steps.settled or self._steps.reports:
            self._report(lambda _: None)
            await self._end_tasks()

    # -- inside -----------------------------------------------------------------------------------------

    async def _end_tasks(self) -> None:
        """Wait until all steps and looks are taken."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _report(self, what: Callable[[Arbiter], object]) -> None:
        """Report something with the next step, which also asks for a slot if that may be free now."""
        self._polling.reported()
        self._steps.reports.append(what)
        self._take_steps()

    def _look(self) -> None:
        """Read the state, beside the steps."""
        task = asyncio.get_running_loop().create_task(self._read_state())
        self._tasks.add(task)
        task.add_done_callback(self._end_look)

    async def _read_state(self, *, silent: bool = False) -> None:
        with suppress(HourlyClicksError):  # a step that matters will tell
            await self._steps.take(lambda *_: None, peek=True, silent=silent)

    def _end_look(self, task: asyncio.Task[None]) -> None:
        """Let a step follow that reports what a look has handed back."""
        self._tasks.discard(task)
        if self._steps.reports and not self._stepping:
            asyncio.get_running_loop().call_later(_RESUME_AFTER, self._resume)

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
        elif self._steps.reports or self._wanted is not None:
            self._take_steps()

    def _resume(self) -> None:
        self._waiting.serve()
        if self._steps.reports:
            self._take_steps()

    async def _run_steps(self) -> None:
        while self._steps.reports or self._wanted is not None:
            task, self._wanted = self._wanted, None
            await (self._report_only() if task is None else self._request_slot(task))
            self._waiting.serve()

    async def _report_only(self, *, peek: bool = False) -> bool:
        """Take a step that requests nothing; return whether the store took it."""
        try:
            await self._steps.take(lambda *_: None, peek=peek)
        except LeaseLostError:  # the client has ended
            self._steps.reports.clear()
            return False
        except Exception as error:  # noqa: BLE001 - no task waits for it, and the steps must go on
            if self._steps.reports:
                self._steps.reports.clear()
                _log.warning("the shared rate limit could not be updated: %s; its leases will expire", error)
            return False
        return True

    async def _request_slot(self, task: Task) -> None:
        """Request a slot for a task, and pass on the result."""
        lane, query = task.job.lane, task.query
        waiting, unsent = self._waiting.load(lane)
        self._number += 1
        further = tuple(map(_day_key, task.further))
        request = SlotRequest(
            self._steps.holder, self._number, lane, waiting, unsent, task.job.name, _day_key(query), further
        )
        for day in request.days:
            if day in self._steps.settled:  # else the step that grants its new claim would release it
                self._steps.settled.remove(day)
                self._steps.claims.add(day)
        # A copy, since the step may be taken in another thread.
        slots = {request.name, *(grant.name for grant in self._grants.values())}

        def step(arbiter: Arbiter, entry: LedgerEntry | None) -> Answer:
            if not task.needs_request(entry, self._clock.wall()):
                return Answer(None)
            got = arbiter.reserve(request)
            next_wait = arbiter.next_wait(request) if isinstance(got, Slot) else None
            alone = arbiter.awaits_only(slots)
            ahead = arbiter.ahead(request.holder, lane)
            return Answer(got, next_wait, ahead, alone, arbiter.waited, arbiter.expires_in, arbiter.in_memory)

        asked = self._clock.monotonic()  # the lease may start now, however late the result comes
        peek = not self._steps.reports and self._steps.state.is_shared_with_others(self._steps.holder)
        try:
            answer = await self._steps.take(step, of=(query.target, query.day), peek=peek)
        except Exception as error:  # noqa: BLE001 - each waiting task must get the error
            self._steps.claims.update(request.days)  # the step may have been taken all the same
            only_this = await self._report_only(peek=not self._steps.reports)
            self._asking = False
            if only_this:
                self._waiting.deny(task, error)
            else:
                self._waiting.fail(error)
            return
        self._asking = False
        got = answer.got
        if isinstance(got, Slot):
            self._queued = waiting > 1
            got.sent = self._clock.monotonic()
            self._grants[got] = Grant(request.name, request.days, asked)
            self._steps.claims.update(request.days)
            self._wait_for(answer.next_wait, lane, answer)
            if not self._waiting.grant(task, got):
                self.cancel(got)
        elif isinstance(got, Wait):
            self._queued = True
            self._wait_for(got, lane, answer)
            self._report_held()
            await self._ask_keeper(answer.keeper)
        else:
            self._waiting.deny(task, NotNeededError() if got is None else ClaimedError())

    def _report_held(self) -> None:
        """Report that requests of other processes are waited for, if that is worth it; once."""
        now = self._clock.monotonic() + self._steps.offset
        held = held_slots(self._steps.state, self._steps.holder, now)
        if held is not None and held.until != self._held_until:
            self._held_until = held.until
            self._waiting.held(held.requests, (held.until - now) / SECOND, killed=held.killed)

    async def _ask_keeper(self, keeper: MemoryMark | None) -> None:
        """Ask the process that keeps the limits in memory to share them, or end its lease if that is over."""
        now = self._clock.monotonic()
        if keeper is None or now - self._asked_keeper < ASK_AGAIN:
            return
        self._asked_keeper = now
        with suppress(HourlyClicksError):  # the next step will tell
            ended = await self._steps.ask_holder()
            if ended is not None:
                self._polling.ask_now()
                self._steps.reports.append(lambda arbiter: arbiter.end_memory(ended, keeper))

    def _wait_for(self, wait: Wait | None, lane: Lane, answer: Answer) -> None:
        """Set when to ask again."""
        if wait is None or self._steps.reports:  # what came meanwhile may have freed a slot
            self._polling.ask_now()
            return
        self._polling.wait_for(wait, lane, answer, now=self._clock.monotonic(), offset=self._steps.offset)


def _day_key(query: Query) -> str:
    """Return the name of a day in the shared state."""
    return f"{query.target} {query.day}"


def request_life(longest: float) -> int:
    """Return for how many nanoseconds a request holds its slot if its process dies.

    Args:
        longest: the seconds it can take.
    """
    return round((longest + MARGIN) * SECOND)
