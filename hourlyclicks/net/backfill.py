"""A backfill: years of many targets into the store, in bounded memory, over as many runs as it takes.

A run goes through the targets twice. First it asks for the days that failed in an earlier run, then for all
that are missing or stale; the days of one target lie together and in order. What the store knows is looked
up target by target as the run comes to it, so that neither thousands of targets nor years need room.

The run stops without haste: who waits for a turn goes home, and who has sent a request keeps its answer.
Other processes may work on the same days at the same time; whatever they get is taken from the store.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections import Counter
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import HourlyClicksError, RateLimitedError, carry
from hourlyclicks.events import Progress
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.report import StopReason
from hourlyclicks.model.targets import Query
from hourlyclicks.net.fanout import Crew
from hourlyclicks.net.score import Score
from hourlyclicks.pacing.lanes import Call, Lane, OverError
from hourlyclicks.store.ledger import SETTLED, DayState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator

    from hourlyclicks.clock import Clock, Timer
    from hourlyclicks.events import Announcer
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.model.targets import Target
    from hourlyclicks.net.archive import Archive
    from hourlyclicks.net.days import DayFetcher
    from hourlyclicks.net.fanout import Ongoing
    from hourlyclicks.net.flights import Flights
    from hourlyclicks.pacing.limiter import Limiter
    from hourlyclicks.store.ledger import Mark
    from hourlyclicks.store.terms import Terms

_PAGE = 512
_LOOK = 60.0
"""Seconds after which to look at the clock again."""
_BREATH = 64
"""Targets after which the survey lets others have their turn."""
_LATER = 900.0
"""Seconds after which to try again when the run was given up, and nobody has named another time."""


class Backfill:
    """One run.

    Args:
        days: the days.
        targets: the targets, each once.
        newest_first: whether the days of a target are asked for from the last to the first.
        terms: what it wants of days that are in the store.
        max_requests: how many requests it may send.
        archive: where the days go.
        fetcher: knows when to give up.
        flights: fetch the days.
        limiter: says when.
        clock: what time it is.
        announce: told how far it is.
        workers: how many days may be worked on at a time.
        running: the calls of the client, among which it is while it runs.
    """

    def __init__(
        self,
        days: DateRange,
        targets: tuple[Target, ...],
        *,
        newest_first: bool,
        terms: Terms,
        max_requests: int | None,
        archive: Archive,
        fetcher: DayFetcher,
        flights: Flights,
        limiter: Limiter,
        clock: Clock,
        announce: Announcer,
        workers: int,
        running: set[Ongoing],
    ) -> None:
        self._days = days
        self._targets = targets
        self._newest_first = newest_first
        self._terms = terms
        self._archive = archive
        self._fetcher = fetcher
        self._flights = flights
        self._limiter = limiter
        self._clock = clock
        self._announce = announce
        self._running = running
        job = _job(days, targets)
        self._call = Call(Lane.BACKFILL, remaining=0, terms=terms, allowance=max_requests, job=job)
        self._score = Score(len(days) * len(targets), self._call)
        self._due: dict[Target, int] = {}
        self._stopping = False
        self._timer: Timer | None = None
        self._stopped = StopReason.COMPLETE
        self._error: HourlyClicksError | None = None
        self._items = self._queries()
        self._crew = Crew(self._items, self._work, size=workers, spared=flights.adopt)

    def stop(self, reason: StopReason, error: HourlyClicksError | None = None) -> None:
        """Send nothing more, and end as soon as what is under way has been answered and kept."""
        if self._stopping:
            return
        self._stopping = True
        self._stopped, self._error = reason, error
        self._call.over = True
        self._limiter.dismiss(self._call, OverError())
        self._crew.retire(self._flights.busy)

    async def on_close(self, error: HourlyClicksError) -> None:
        """End at once, with an error: the client is closed."""
        await self._crew.end(error)

    async def run(
        self, *, seconds: float | None, event: asyncio.Event | None, until: dt.datetime | None = None
    ) -> BackfillReport:
        """Ask for everything that is due.

        Args:
            seconds: when to stop, whatever happens to the time of day.
            event: what to stop at.
            until: when to stop by the time of day, even if the clock is put right meanwhile.

        Raises:
            HourlyClicksError: one that no day can survive; carries the report.
        """
        began = self._clock.monotonic()
        self._running.add(self)
        self._limiter.foresight.enter(self._call)
        try:
            with self._until(seconds, event, until):
                await self._survey()
                self._tell()
                if not self._stopping:
                    async with self._crew:
                        await self._crew.join()
        except Exception as error:
            self._stopped = StopReason.ERROR
            self._error = error if isinstance(error, HourlyClicksError) else None
            carry(error, report=self._report(began))
            raise
        finally:
            self._limiter.foresight.leave(self._call)
            self._running.discard(self)
            await self._items.aclose()
        return self._report(began)

    @contextmanager
    def _until(
        self, seconds: float | None, event: asyncio.Event | None, until: dt.datetime | None
    ) -> Iterator[None]:
        """Stop when the time is up, or when the event is set."""
        if until is not None:
            self._look_at_clock(until)
        elif seconds is not None:
            self._stop_after(seconds, partial(self.stop, StopReason.DEADLINE))
        watch = None if event is None else asyncio.create_task(self._watch(event))
        try:
            yield
        finally:
            if self._timer is not None:
                self._timer.cancel()
            if watch is not None:
                watch.cancel()

    def _look_at_clock(self, until: dt.datetime) -> None:
        """Stop at a time of day; look again in a while, since the clock may be put right meanwhile."""
        seconds = (until - self._clock.wall()).total_seconds()
        again = partial(self._look_at_clock, until)
        self._stop_after(max(0.0, min(seconds, _LOOK)), again)

    def _stop_after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back after some seconds; when there are none left, stop at once."""
        if seconds == 0:
            self.stop(StopReason.DEADLINE)
        else:
            self._timer = self._clock.call_later(round(seconds * SECOND), call)

    async def _watch(self, event: asyncio.Event) -> None:
        await event.wait()
        self.stop(StopReason.STOPPED)

    # -- what there is to do ----------------------------------------------------------------------------

    async def _survey(self) -> None:
        """Count what is due of each target."""
        for number, target in enumerate(self._targets):
            if self._stopping:
                return
            if number % _BREATH == 0:
                await asyncio.sleep(0)  # a long list holds up neither the loop nor a deadline
                self._crew.check()
            states = (
                Counter[DayState]() if self._terms.refresh else await self._archive.tally(target, self._days)
            )
            settled = sum(states[state] for state in SETTLED)
            refused = 0 if self._terms.refused else states[DayState.REFUSED]
            self._score.known += settled
            self._score.refused += refused
            self._due[target] = len(self._days) - settled - refused
            self._call.remaining += self._due[target]

    async def _queries(self) -> AsyncGenerator[Query, None]:
        """Yield what to ask for, one after the other."""
        wanted = set(self._targets)
        first_round: Counter[Target] = Counter()  # its days, each a bit, since they can be many
        for target in await self._archive.failing():
            if target in wanted:
                async for query in self._of_target(target, self._has_failed):
                    first_round[target] |= 1 << self._days.index(query.day)
                    yield query
        for target in self._targets:
            asked = first_round.pop(target, 0)
            left = self._due.pop(target) - asked.bit_count()
            async for query in self._of_target(target, self._is_due, but=asked):
                left -= 1
                if left < 0:  # it was not due before: the clock was put back meanwhile
                    self._reuse(-1)
                    left = 0
                yield query
            self._reuse(left)

    async def _of_target(
        self, target: Target, due: Callable[[Mark | None], bool], *, but: int = 0
    ) -> AsyncIterator[Query]:
        for page in self._pages():
            marks = {mark.date: mark for mark in await self._archive.marks(target, page)}
            for day in reversed(page) if self._newest_first else page:
                if not but >> self._days.index(day) & 1 and due(marks.get(day)):
                    yield Query(day, target)

    def _pages(self) -> Iterator[DateRange]:
        firsts = range(0, len(self._days), _PAGE)
        for first in reversed(firsts) if self._newest_first else firsts:
            yield DateRange(self._days[first], self._days[min(first + _PAGE, len(self._days)) - 1])

    def _has_failed(self, mark: Mark | None) -> bool:
        return mark is not None and mark.state is DayState.FAILED

    def _is_due(self, mark: Mark | None) -> bool:
        """Return whether a day is to be asked for in the second round."""
        due = self._archive.wants(mark, self._terms)
        if mark is not None and not due and self._archive.reader().state(mark) is DayState.PROVISIONAL:
            self._score.not_final(self._archive.due_at(mark.date, mark.last_asked))
        return due

    # -- the work ---------------------------------------------------------------------------------------

    async def _work(self, query: Query) -> None:
        try:
            await self._ask(query)
        except OverError:
            self.stop(StopReason.MAX_REQUESTS)
        except RateLimitedError as error:
            if not error.fatal:
                self._lose(query, error)
            else:
                self.stop(StopReason.RATE_LIMITED, error)
        except HourlyClicksError as error:
            if error.fatal:
                raise
            self._lose(query, error)
            if error.retryable and self._fetcher.gives_up(self._call):
                self.stop(StopReason.TROUBLE, error)

    async def _ask(self, query: Query) -> None:
        day = await self._flights.fly(query, self._call)
        self._score.got += 1
        if not day.final:
            self._score.not_final(self._archive.due_at(day.date, day.fetched_at))
        self._count(1)

    def _lose(self, query: Query, error: HourlyClicksError) -> None:
        refused = self._archive.refuses(query.day, error, asked=self._clock.wall())
        self._score.lose(query, error, refused=refused)
        self._count(1)

    def _reuse(self, days: int) -> None:
        """Note days that were not due any more when their target's turn came, or less than none."""
        if days:
            self._score.known += days
            self._count(days)

    def _count(self, days: int) -> None:
        self._call.remaining -= days
        self._tell()

    def _tell(self) -> None:
        if not self._announce:
            return
        eta, binding = self._limiter.foresight.eta(self._call)
        score = self._score
        self._announce(
            Progress(
                done=score.known + score.got,
                failed=score.failed + score.refused,
                total=score.total,
                eta=eta,
                binding=binding,
            )
        )

    # -- the end ----------------------------------------------------------------------------------------

    def _report(self, began: int) -> BackfillReport:
        seconds = (self._clock.monotonic() - began) / SECOND
        again_at = self._clock.wall() + dt.timedelta(seconds=self._wait())
        return self._score.report(
            seconds=seconds, stopped=self._stopped, error=self._error, again_at=again_at
        )

    def _wait(self) -> float:
        """Return the seconds after which another run could send a request."""
        if isinstance(self._error, RateLimitedError) and self._error.retry_after is not None:
            return self._error.retry_after
        if self._stopped in {StopReason.RATE_LIMITED, StopReason.TROUBLE}:
            return _LATER
        return self._limiter.foresight.opens_in


def _job(days: DateRange, targets: tuple[Target, ...]) -> str:
    """Name the job, so that processes that share it are recognized."""
    name = hashlib.blake2b(str(days).encode(), digest_size=8)
    for target in targets:
        name.update(f"|{target}".encode())
    return name.hexdigest()
