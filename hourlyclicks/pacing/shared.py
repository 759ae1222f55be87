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
from hourlyclicks.errors import HourlyClicksError, RateLimitedError
from hourlyclicks.pacing.book import Book
from hourlyclicks.pacing.errand import NotNeededError, TakenError
from hourlyclicks.pacing.gate import Slot
from hourlyclicks.pacing.pause import Wait
from hourlyclicks.pacing.turnstile import TURN, Applicant, Turnstile

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Coroutine

    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Binding
    from hourlyclicks.model.targets import Query, Target
    from hourlyclicks.pacing.errand import Errand
    from hourlyclicks.pacing.gate import Moment
    from hourlyclicks.pacing.lanes import Call, Lane
    from hourlyclicks.pacing.pace import Line
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.pacing.regulator import Refusal
    from hourlyclicks.pacing.turnstile import Taken
    from hourlyclicks.store.ledger import Mark
    from hourlyclicks.store.protocol import Store

R = TypeVar("R")

_log = logging.getLogger("hourlyclicks")

MARGIN = 10.0
"""Seconds by which a lease is longer than a request may take; half of it may pass before it is sent."""


class SharedPace:
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
        self._holder = secrets.token_hex(8)
        self._number = 0
        self._line: Line
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking = False
        self._asks = 0
        self._lane: Lane | None = None
        self._binding: Binding = "rate"
        self._answered: set[str] = set()
        self._settled: list[str] = []
        self._book = Book()
        self._shift = 0
        self._stands = False

    @property
    def epoch(self) -> int:
        """See `Pace.epoch`."""
        return self._book.pause.epoch

    def serves(self, line: Line) -> None:
        """See `Pace.serves`."""
        self._line = line

    def reserve(self, errand: Errand, now: int) -> Slot | Wait:
        """See `Pace.reserve`: ask the store, unless the time has not come."""
        if self._asking:
            return Wait(None, self._binding)
        if now < self._asks and self._lane is not None and errand.call.lane >= self._lane:
            return Wait(self._asks, self._binding)
        self._asking = True
        self._spawn(self._ask(errand))
        return Wait(None, self._binding)

    def expired(self, slot: Slot, now: int) -> bool:
        """See `Pace.expired`."""
        return now - slot.asked > round(MARGIN / 2 * SECOND)

    def release(self, slot: Slot, _now: int) -> None:
        """See `Pace.release`."""
        answered = slot.id in self._answered
        self._answered.discard(slot.id)
        self._spawn(self._tell(lambda stile: stile.release(slot.id, answered=answered)))

    def cancel(self, slot: Slot) -> None:
        """See `Pace.cancel`."""
        what = slot.what
        self._spawn(self._tell(lambda stile: stile.cancel(slot.id, what)))

    def answered(self, slot: Slot) -> None:
        """See `Pace.answered`: it is told together with the release that follows."""
        self._answered.add(slot.id)

    async def refused(
        self, slot: Slot, retry_after: float | None, *, now: int, u: float, for_rate: bool
    ) -> Refusal | None:
        """See `Pace.refused`."""
        del now  # the store has a clock of its own

        def step(stile: Turnstile, _: Mark | None) -> Refusal | RateLimitedError | None:
            try:
                return stile.refused(slot.id, retry_after, u=u, for_rate=for_rate)
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
        """See `Pace.opens`."""
        pause = self._book.pause
        return max(now, pause.until - self._shift) if pause.held else now

    def finish(self, requests: int, now: int, latency: int, *, opens: int) -> Moment:
        """See `Pace.finish`; computed from what the book said when it was last looked at."""
        stile = Turnstile(
            self._limits, Book.read(self._book.write()), now=now + self._shift, lease=self._lease
        )
        found = stile.finish(requests, latency, opens=opens + self._shift)
        return found._replace(when=found.when - self._shift)

    def ahead(self, call: Call) -> int:
        """See `Pace.ahead`."""
        return sum(
            line.unsent if line.lane < call.lane else min(line.unsent, call.unsent)
            for holder, line in self._book.lines.items()
            if holder != self._holder and line.lane <= call.lane and not (line.job and line.job == call.job)
        )

    def idle(self) -> None:
        """See `Pace.idle`: step out of the line."""
        if self._stands and not self._asking:
            self._stands = False
            self._spawn(self._tell(lambda stile: stile.leave(self._holder)))

    async def close(self) -> None:
        """See `Pace.close`."""
        if self._settled:
            self._spawn(self._tell(lambda _: None))
        while self._tasks:
            await asyncio.wait(self._tasks)

    # -- inside -----------------------------------------------------------------------------------------

    async def _ask(self, errand: Errand) -> None:
        """Ask for a place for an errand, and tell the line what came of it."""
        lane, query = errand.call.lane, errand.query
        waiting, unsent = self._line.load(lane)
        self._number += 1
        who = Applicant(self._holder, self._number, lane, waiting, unsent, errand.call.job, _what(query))
        terms = errand.terms

        def step(stile: Turnstile, mark: Mark | None) -> Slot | Wait | Taken | None:
            return stile.reserve(who) if terms.want(mark) else None

        asked = self._clock.monotonic()  # its lease may run from now on, however late the answer comes
        try:
            got = await self._step(step, of=(query.target, query.day))
        except Exception as error:  # noqa: BLE001 - whoever waits must be told of any failure
            self._asking = False
            self._line.fail(error)
            return
        self._asking = False
        if isinstance(got, Slot):
            self._stands = waiting > 1
            got.asked, got.sent, got.what = asked, self._clock.monotonic(), who.what
            if not self._line.grant(errand, got):
                self.cancel(got)
        elif isinstance(got, Wait):
            self._stands = True
            until = self._clock.monotonic() + TURN if got.until is None else got.until - self._shift
            self._asks, self._lane, self._binding = until, lane, got.binding
        else:
            self._line.deny(errand, NotNeededError() if got is None else TakenError())
        self._line.serve()

    async def _tell(self, step: Callable[[Turnstile], object]) -> None:
        """Take a step that nobody waits for, and see whether it lets anybody go on."""
        try:
            await self._step(lambda stile, _: step(stile))
        except HourlyClicksError as error:
            _log.warning("the shared pace could not be kept: %s; leases will expire", error)
            return
        self._asks = 0
        self._line.serve()

    async def _step(
        self,
        step: Callable[[Turnstile, Mark | None], R],
        *,
        of: tuple[Target, dt.date] | None = None,
        ours: bool = False,
    ) -> R:
        """Take a step in the store, and take note of the book as it is afterwards."""
        settled, self._settled = self._settled, []

        def change(text: str | None, now: int, mark: Mark | None) -> tuple[str | None, tuple[R, Book]]:
            stile = Turnstile(self._limits, Book.read(text), now=now, lease=self._lease)
            for what in settled:
                stile.settle(what, self._holder)
            result = step(stile, mark)
            book = stile.close()
            return book.write() if stile.changed else None, (result, book)

        (result, book), moment = await self._store.pace(await self._account(), change, of=of)
        self._note(book, moment, ours=ours)
        return result

    def _note(self, book: Book, moment: int, *, ours: bool) -> None:
        before, self._book = self._book.pause, book
        self._shift = moment - self._clock.monotonic()
        if book.pause.epoch > before.epoch and book.pause.held and not ours:
            self._line.paused(max(0.0, (book.pause.until - moment) / SECOND))
        elif before.held and not book.pause.held:
            self._line.resumed()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _what(query: Query) -> str:
    return f"{query.target} {query.day}"
