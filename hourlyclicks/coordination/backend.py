"""The pace of several processes with one key: a turnstile in their store.

Each step is a transaction of the store and runs in a task of its own. A task that fails tells everybody who
waits, so that none of them waits for ever. One question for a place is asked at a time; what cannot be
answered before something else has happened elsewhere is asked again after `TURN`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, TypeVar

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.arbiter import TURN, Arbiter, SlotRequest
from hourlyclicks.coordination.state import ArbiterState
from hourlyclicks.errors import HourlyClicksError, RateLimitedError
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.queue import NotNeededError, TakenError
from hourlyclicks.pacing.window import Slot

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Coroutine

    from hourlyclicks.clock import Clock
    from hourlyclicks.coordination.arbiter import Taken
    from hourlyclicks.events import Binding
    from hourlyclicks.model.targets import Query, Target
    from hourlyclicks.pacing.backend import WaitingTasks
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.queue import Job, Lane, Task
    from hourlyclicks.pacing.throttle import Refusal
    from hourlyclicks.pacing.window import Moment
    from hourlyclicks.store.ledger import LedgerEntry
    from hourlyclicks.store.protocol import Store

R = TypeVar("R")

_log = logging.getLogger("hourlyclicks")

MARGIN = 10.0
"""Seconds by which a lease is longer than a request may take; half of it may pass before it is sent."""


class SharedBackend:
    """Keep one pace with all processes that use the same store.

    Args:
        limits: the limits to keep.
        store: where the pace is.
        account: returns whose pace it is.
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
        self._named = ""
        self._number = 0
        self._waiting: WaitingTasks
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking = False
        self._asks = 0
        self._lane: Lane | None = None
        self._binding: Binding = "rate"
        self._answered: set[str] = set()
        self._settled: list[str] = []
        self._state = ArbiterState()
        self._shift = 0
        self._stands = False

    @property
    def _holder(self) -> str:
        """The name of this client at the store; made at its first use, so that forks do not share it."""
        if not self._named:
            self._named = secrets.token_hex(8)
        return self._named

    @property
    def epoch(self) -> int:
        """See `LimiterBackend.epoch`."""
        return self._state.pause.epoch

    def serves(self, waiting: WaitingTasks) -> None:
        """See `LimiterBackend.serves`."""
        self._waiting = waiting

    def reserve(self, task: Task, now: int) -> Slot | Wait:
        """See `LimiterBackend.reserve`: ask the store, unless the time has not come."""
        if self._asking:
            return Wait(None, self._binding)
        if now < self._asks and self._lane is not None and task.job.lane >= self._lane:
            return Wait(self._asks, self._binding)
        self._asking = True
        self._spawn(self._ask(task))
        return Wait(None, self._binding)

    def expired(self, slot: Slot, now: int) -> bool:
        """See `LimiterBackend.expired`."""
        return now - slot.asked > round(MARGIN / 2 * SECOND)

    def release(self, slot: Slot, _now: int) -> None:
        """See `LimiterBackend.release`."""
        answered = slot.id in self._answered
        self._answered.discard(slot.id)
        self._spawn(self._tell(lambda arbiter: arbiter.release(slot.id, answered=answered)))

    def abandon(self, slot: Slot, _now: int, may_arrive: int) -> None:
        """See `LimiterBackend.abandon`: its lease is made as long as it may arrive, and not given back."""
        self._spawn(self._tell(lambda arbiter: arbiter.abandon(slot.id, may_arrive)))

    def cancel(self, slot: Slot) -> None:
        """See `LimiterBackend.cancel`."""
        what = slot.what
        self._spawn(self._tell(lambda arbiter: arbiter.cancel(slot.id, what)))

    def answered(self, slot: Slot) -> None:
        """See `LimiterBackend.answered`: it is told together with the release that follows."""
        self._answered.add(slot.id)

    async def rate_limited(
        self, slot: Slot, retry_after: float | None, *, now: int, u: float, for_rate: bool
    ) -> Refusal | None:
        """See `LimiterBackend.rate_limited`."""
        del now  # the store has a clock of its own

        def step(arbiter: Arbiter, _: LedgerEntry | None) -> Refusal | RateLimitedError | None:
            try:
                return arbiter.refused(slot.id, retry_after, u=u, for_rate=for_rate)
            except RateLimitedError as error:
                return error

        outcome = await self._step(step, ours=True)
        if isinstance(outcome, RateLimitedError):
            raise outcome
        return outcome

    def settle(self, query: Query) -> None:
        """Give up the claim to a day that is in the store; told with the next step."""
        self._settled.append(_what(query))

    def opens(self, now: int) -> int:
        """See `LimiterBackend.opens`."""
        pause = self._state.pause
        return max(now, pause.until - self._shift) if pause.held else now

    def finish(self, requests: int, now: int, latency: int, *, opens: int) -> Moment:
        """See `LimiterBackend.finish`; computed from what the book said when it was last looked at."""
        arbiter = Arbiter(
            self._limits, ArbiterState.read(self._state.write()), now=now + self._shift, lease=self._lease
        )
        found = arbiter.finish(requests, latency, opens=opens + self._shift)
        return found._replace(when=found.when - self._shift)

    def ahead(self, job: Job) -> int:
        """See `LimiterBackend.ahead`."""
        return sum(
            line.unsent if line.lane < job.lane else min(line.unsent, job.unsent)
            for holder, line in self._state.queue.items()
            if holder != self._holder and line.lane <= job.lane and not (line.job and line.job == job.name)
        )

    def idle(self) -> None:
        """See `LimiterBackend.idle`: step out of the line."""
        if self._stands and not self._asking:
            self._stands = False
            self._spawn(self._tell(lambda arbiter: arbiter.leave(self._holder)))

    async def close(self) -> None:
        """See `LimiterBackend.close`."""
        if self._settled:
            self._spawn(self._tell(lambda _: None))
        while self._tasks:
            await asyncio.wait(self._tasks)

    # -- inside -----------------------------------------------------------------------------------------

    async def _ask(self, task: Task) -> None:
        """Ask for a place for a task, and tell the line what came of it."""
        lane, query = task.job.lane, task.query
        waiting, unsent = self._waiting.load(lane)
        self._number += 1
        who = SlotRequest(self._holder, self._number, lane, waiting, unsent, task.job.name, _what(query))

        def step(arbiter: Arbiter, entry: LedgerEntry | None) -> Slot | Wait | Taken | None:
            return arbiter.reserve(who) if task.needs_request(entry, self._clock.wall()) else None

        asked = self._clock.monotonic()  # its lease may run from now on, however late the answer comes
        try:
            got = await self._step(step, of=(query.target, query.day))
        except Exception as error:  # noqa: BLE001 - whoever waits must be told of any failure
            self._asking = False
            self._waiting.fail(error)
            return
        self._asking = False
        if isinstance(got, Slot):
            self._stands = waiting > 1
            got.asked, got.sent, got.what = asked, self._clock.monotonic(), who.what
            if not self._waiting.grant(task, got):
                self.cancel(got)
        elif isinstance(got, Wait):
            self._stands = True
            until = self._clock.monotonic() + TURN if got.until is None else got.until - self._shift
            self._asks, self._lane, self._binding = until, lane, got.binding
        else:
            self._waiting.deny(task, NotNeededError() if got is None else TakenError())
        self._waiting.serve()

    async def _tell(self, step: Callable[[Arbiter], object]) -> None:
        """Take a step that nobody waits for, and see whether it lets anybody go on."""
        try:
            await self._step(lambda arbiter, _: step(arbiter))
        except HourlyClicksError as error:
            _log.warning("the shared pace could not be kept: %s; leases will expire", error)
            return
        self._asks = 0
        self._waiting.serve()

    async def _step(
        self,
        step: Callable[[Arbiter, LedgerEntry | None], R],
        *,
        of: tuple[Target, dt.date] | None = None,
        ours: bool = False,
    ) -> R:
        """Take a step in the store, and take note of the book as it is afterwards."""
        settled, self._settled = self._settled, []

        def change(
            text: str | None, now: int, entry: LedgerEntry | None
        ) -> tuple[str | None, tuple[R, ArbiterState]]:
            arbiter = Arbiter(self._limits, ArbiterState.read(text), now=now, lease=self._lease)
            for what in settled:
                arbiter.settle(what, self._holder)
            result = step(arbiter, entry)
            state = arbiter.close()
            return state.write() if arbiter.changed else None, (result, state)

        (result, state), moment = await self._store.pace(await self._account(), change, of=of)
        self._note(state, moment, ours=ours)
        return result

    def _note(self, state: ArbiterState, moment: int, *, ours: bool) -> None:
        before, self._state = self._state.pause, state
        self._shift = moment - self._clock.monotonic()
        if state.pause.epoch > before.epoch and state.pause.held and not ours:
            self._waiting.paused(max(0.0, (state.pause.until - moment) / SECOND))
        elif before.held and not state.pause.held:
            self._waiting.resumed()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _what(query: Query) -> str:
    return f"{query.target} {query.day}"
