"""The limiter backend of several processes with one key: it asks the arbiter, whose state is in their store.

One step is taken at a time (`hourlyclicks.coordination.step_loop`). So a day takes two transactions at most:
one that grants the slot, and one with the answer. When to ask again is decided in
`hourlyclicks.coordination.polling`.

A step that fails ends the wait of all tasks with its error, so that none of them waits for ever. If a step
without its request succeeds, the request alone was the reason, such as a damaged row of its day.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.orphans import SEND_WITHIN, held_slots
from hourlyclicks.coordination.polling import Answer, Polling
from hourlyclicks.coordination.process_queue import SlotRequest
from hourlyclicks.coordination.processes import leave
from hourlyclicks.coordination.registry import RunRegistry
from hourlyclicks.coordination.step_loop import StepLoop
from hourlyclicks.coordination.steps import ArbiterSteps
from hourlyclicks.errors import HourlyClicksError, RateLimitedError
from hourlyclicks.model.priority import Lane
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.queue import ClaimedError, NotNeededError, is_waiting
from hourlyclicks.pacing.window import Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.clock import Clock
    from hourlyclicks.coordination.arbiter import Arbiter
    from hourlyclicks.coordination.shared_state import SharedState
    from hourlyclicks.coordination.snapshot import SharedSnapshot
    from hourlyclicks.coordination.state import LimitsHolder
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.backend import WaitingTasks
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.queue import Job, Task
    from hourlyclicks.pacing.throttle import Throttled
    from hourlyclicks.store.ledger import LedgerEntry

MARGIN = 10.0
"""Seconds by which a lease is longer than a request may take; some of it may pass before it is sent."""

ASK_AGAIN = SECOND
"""Nanoseconds after which the holder of the account's lease is asked again to share the limits."""


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
        shared: where the shared state is.
        clock: what time it is here.
        longest: the seconds a request can take.

    Attributes:
        runs: the runs of this client that other processes see.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        shared: SharedState,
        clock: Clock,
        longest: float,
    ) -> None:
        self._clock = clock
        self._limited = bool(limits.rates)
        self._steps = ArbiterSteps(limits, shared=shared, clock=clock, lease=request_life(longest))
        self._polling = Polling()
        self._loop = StepLoop(self._steps, self._polling, self._request_slot)
        self._report = self._loop.report
        self.runs = RunRegistry(self._steps, self._loop, clock=clock)
        self._number = 0
        self._waiting: WaitingTasks
        self._grants: dict[Slot, Grant] = {}
        self._answered: set[Slot] = set()
        self._queued = False
        self._asked_holder = -ASK_AGAIN
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
        self._loop.attach(waiting)

    def reserve(self, task: Task, now: int) -> Slot | Wait:
        """See `LimiterBackend.reserve`: ask the arbiter, unless it has said to ask later."""
        if not self._loop.asking:
            wait = self._polling.wait(task.job.lane, now)
            if wait is not None:
                return wait
            self._loop.ask(task)
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
            self._loop.resume()
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
        if self._queued and not self._loop.asking:
            self._queued = False
            self._report(lambda arbiter: arbiter.leave(self._steps.holder))

    async def look(self, *, again: bool = False) -> None:
        """See `LimiterBackend.look`."""
        if self._limited and (again or self._steps.taken is None):
            await self._loop.read_state(silent=True)
            if again:  # a call asks, which would be sent
                await self._ask_holder(self._steps.state.limits_holder)
                if self._steps.reports:  # the lease was over
                    await self._loop.read_state(silent=True)

    async def close(self) -> None:
        """See `LimiterBackend.close`."""
        await self._loop.close()
        if self._loop.lost_reports:
            leave(self._steps.holder)

    # -- inside -----------------------------------------------------------------------------------------

    async def _request_slot(self, task: Task) -> None:
        """Request a slot for a task, and pass on the result."""
        request = self._request_of(task)
        asked = self._clock.monotonic()  # the lease may start now, however late the result comes
        peek = not self._steps.reports and self._steps.state.is_shared_with_others(request.holder)
        try:
            answer = await self._steps.take(
                self._step_for(task, request), of=(task.query.target, task.query.day), peek=peek
            )
        except Exception as error:  # noqa: BLE001 - each waiting task must get the error
            await self._step_failed(task, request, error)
            return
        self._loop.asking = False
        got = answer.got
        if isinstance(got, Slot):
            self._granted(task, request, got, answer, asked)
        elif isinstance(got, Wait):
            self._queued = True
            self._wait_for(got, Lane(request.lane), answer)
            self._report_held()
            await self._ask_holder(answer.holder)
        else:
            self._waiting.deny(task, NotNeededError() if got is None else ClaimedError())

    def _request_of(self, task: Task) -> SlotRequest:
        """Return the request for a slot of a task, with the claims to its days."""
        lane = task.job.lane
        waiting, unsent = self._waiting.load(lane)
        self._number += 1
        days = tuple(map(_day_key, task.claimed))
        for day in days:
            if day in self._steps.settled:  # else the step that grants its new claim would release it
                self._steps.settled.remove(day)
                self._steps.claims.add(day)
        return SlotRequest(self._steps.holder, self._number, lane, waiting, unsent, task.job.name, days)

    def _step_for(self, task: Task, request: SlotRequest) -> Callable[[Arbiter, LedgerEntry | None], Answer]:
        """Return the step that requests a slot, if the task still needs one by what the ledger has."""
        # A copy, since the step may be taken in another thread.
        slots = {request.name, *(grant.name for grant in self._grants.values())}

        def step(arbiter: Arbiter, entry: LedgerEntry | None) -> Answer:
            if not task.needs_request(entry, self._clock.wall()):
                return Answer(None)
            got = arbiter.reserve(request)
            next_wait = arbiter.next_wait(request) if isinstance(got, Slot) else None
            alone = arbiter.awaits_only(slots)
            ahead = arbiter.ahead(request.holder, request.lane)
            return Answer(
                got, next_wait, ahead, alone, arbiter.waited, arbiter.expires_in, arbiter.limits_holder
            )

        return step

    def _granted(self, task: Task, request: SlotRequest, slot: Slot, answer: Answer, asked: int) -> None:
        """Pass a slot on to its task, or give it back if the task is gone."""
        self._queued = request.waiting > 1
        slot.sent = self._clock.monotonic()
        self._grants[slot] = Grant(request.name, request.days, asked)
        self._steps.claims.update(request.days)
        self._wait_for(answer.next_wait, Lane(request.lane), answer)
        if not self._waiting.grant(task, slot):
            self.cancel(slot)

    async def _step_failed(self, task: Task, request: SlotRequest, error: Exception) -> None:
        """End the wait of the task whose request has failed, or of all tasks if every step fails."""
        # The step may have been taken all the same; a task that is gone has settled its days already.
        if is_waiting(task):
            self._steps.claims.update(request.days)
        else:
            self._steps.settled.extend(request.days)
        only_this = await self._loop.report_only(peek=not self._steps.reports)
        self._loop.asking = False
        if only_this:
            self._waiting.deny(task, error)
        else:
            self._waiting.fail(error)

    def _report_held(self) -> None:
        """Report that requests of other processes are waited for, if that is worth it; once."""
        now = self._clock.monotonic() + self._steps.offset
        held = held_slots(self._steps.state, self._steps.holder, now)
        if held is not None and held.until != self._held_until:
            self._held_until = held.until
            self._waiting.held(held.requests, (held.until - now) / SECOND, killed=held.killed)

    async def _ask_holder(self, holder: LimitsHolder | None) -> None:
        """Ask the process that has the limits in memory to share them, or end its lease if that is over."""
        now = self._clock.monotonic()
        if holder is None or now - self._asked_holder < ASK_AGAIN:
            return
        self._asked_holder = now
        with suppress(HourlyClicksError):  # the next step will tell
            ended = await self._steps.ask_holder()
            if ended is not None:
                self._polling.ask_now()
                self._steps.reports.append(lambda arbiter: arbiter.expire_holder(ended, holder))

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
