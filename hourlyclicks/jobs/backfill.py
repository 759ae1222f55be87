"""A backfill: years of many targets into the store, in bounded memory, over as many runs as it takes.

The days of one target lie together and in order (`hourlyclicks.jobs.planner`). What the store knows is looked
up target by target as the run comes to it, so that neither thousands of targets nor years need room. A target
of which the API rejects every day is parked (`hourlyclicks.jobs.parking`); the run goes on with the others.

The run stops without haste: who waits for a turn goes home, and who has sent a request keeps its answer.
Other processes may work on the same days at the same time; whatever they get is taken from the store.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from contextlib import aclosing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import ApiError, AuthenticationError, HourlyClicksError, RateLimitedError, carry
from hourlyclicks.fetching.task import Caller
from hourlyclicks.jobs.circuit import BreakerListener, Circuit, ParkedError
from hourlyclicks.jobs.planner import Planner
from hourlyclicks.jobs.services import Tracker
from hourlyclicks.jobs.stats import BackfillStats
from hourlyclicks.jobs.workers import WorkerPool
from hourlyclicks.model.report import StopReason
from hourlyclicks.pacing.queue import Job, Lane, OverError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

    from hourlyclicks.clock import Timer
    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.model.targets import Query, Target
    from hourlyclicks.store.freshness import Freshness

_LOOK = 60.0
"""Seconds after which to look at the clock again."""
_LATER = 900.0
"""Seconds after which to try again when the run was given up, and nobody has named another time."""


class Backfill(BreakerListener):
    """One run.

    Args:
        days: the days.
        targets: the targets, each once.
        newest_first: whether the days of a target are asked for from the last to the first.
        freshness: which days in the store need a request.
        max_requests: how many requests it may send.
        cache: the store.
        services: the parts of the client.

    Attributes:
        stats: what has become of the days.
    """

    def __init__(
        self,
        days: DateRange,
        targets: tuple[Target, ...],
        *,
        newest_first: bool,
        freshness: Freshness,
        max_requests: int | None,
        cache: DayCache,
        services: Services,
    ) -> None:
        self._cache = cache
        self._fetcher = services.fetcher
        self._single_flight = services.single_flight
        self._limiter = services.limiter
        self._clock = services.clock
        self._job = Job(Lane.BACKFILL, remaining=0, allowance=max_requests, name=_name_of(days, targets))
        self._caller = Caller(self._job, freshness)
        self._tracker = Tracker(services, self._job, self)
        self.stats = BackfillStats(len(days) * len(targets), self._caller)
        self._circuit = Circuit(
            days, newest_first=newest_first, caller=self._caller, listener=self, services=services
        )
        self._planner = Planner(
            days,
            targets,
            newest_first=newest_first,
            caller=self._caller,
            cache=cache,
            circuit=self._circuit,
            run=self,
        )
        self._in_hand = 0
        self._idle = asyncio.Event()
        self._stopping = False
        self._timer: Timer | None = None
        self._stopped = StopReason.COMPLETE
        self._error: HourlyClicksError | None = None
        self._items = self._queries()
        self._pool = WorkerPool(
            self._items, self._work, size=services.workers, keeps_running=self._single_flight.detach
        )

    def stop(self, reason: StopReason, error: HourlyClicksError | None = None) -> None:
        """Send nothing more, and end as soon as what is under way has been answered and kept."""
        if self._stopping:
            return
        self._stopping = True
        self._stopped, self._error = reason, error
        self._job.over = True
        self._limiter.dismiss(self._job)
        self._pool.drain(self._single_flight.has_sent)
        self._idle.set()

    async def on_close(self, error: HourlyClicksError) -> None:
        """End at once, with an error: the client is closed."""
        await self._pool.end(error)

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
        try:
            with self._tracker, self._until(seconds, event, until):
                await self._planner.survey()
                self._tell()
                if not self._stopping:
                    async with self._pool:
                        await self._pool.join()
        except Exception as error:
            self._stopped = StopReason.ERROR
            self._error = error if isinstance(error, HourlyClicksError) else None
            carry(error, report=self._report(began))
            raise
        finally:
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

    # -- the work ---------------------------------------------------------------------------------------

    async def _queries(self) -> AsyncGenerator[Query, None]:
        """Yield what to ask for, and count what is in hand."""
        async with aclosing(self._planner.queries()) as queries:
            async for query in queries:
                if self._stopping:
                    return
                self._in_hand += 1
                self._idle.clear()
                yield query

    def goes_on(self) -> bool:
        """Return whether the run goes on; raises why, when the client was closed."""
        self._pool.check()
        return not self._stopping

    async def quiet(self) -> None:
        """Wait until no day is in hand, or the run is to stop."""
        while self._in_hand and not self._stopping:
            await self._idle.wait()

    async def _work(self, query: Query) -> None:
        try:
            await self.guard(self._ask(query), query)
            if self._circuit.parking.unsettled:
                await self.guard(self._circuit.follow_up(query.target))
        finally:
            self._in_hand -= 1
            if not self._in_hand:
                self._idle.set()

    async def guard(self, work: Awaitable[None], query: Query | None = None) -> None:
        """Wait for a piece of work; an error is that of its day, if it has one, or ends the run."""
        try:
            await work
        except OverError:
            self.stop(StopReason.MAX_REQUESTS)
        except HourlyClicksError as error:
            if error.fatal:
                self._end_by(error)
            elif query is not None:
                self._lose(query, error)

    def _end_by(self, error: HourlyClicksError) -> None:
        """End the run with a report when its days are still to be asked for, or with the error."""
        if isinstance(error, RateLimitedError):
            self.stop(StopReason.RATE_LIMITED, error)
        elif isinstance(error, ApiError | AuthenticationError) and error.code is not None:
            self.stop(StopReason.TROUBLE, error)  # the API's own words about the key
        else:
            raise error

    async def _ask(self, query: Query) -> None:
        try:
            day = await self._circuit.fetch(query)
        except ParkedError:
            self._planner.put_back(query)
            return
        self._got(day)
        self._count(1)

    def _got(self, day: DayClicks) -> None:
        self.stats.got += 1
        if not day.final:
            self.stats.not_final(self._cache.due_at(day.date, day.fetched_at))

    def _lose(self, query: Query, error: HourlyClicksError) -> None:
        self.stats.lose(query, error, refused=False)
        self._count(1)
        if error.retryable and self._fetcher.gives_up(self._job):
            self.stop(StopReason.TROUBLE, error)

    # -- what the circuit breakers decide ----------------------------------------------------------------

    def left(self, target: Target) -> int:
        """Return how many days of a target are not done."""
        return self._planner.left(target)

    def refuse(self, query: Query) -> None:
        """Note that a day that had failed is rejected for good."""
        del query
        self.stats.refuse()

    def regain(self, query: Query, day: DayClicks) -> None:
        """Note that a day that had failed was answered after all."""
        self.stats.regain(query)
        self._got(day)

    def give_up(self, error: ApiError) -> None:
        """End the run: targets are parked one after the other, and nothing else is answered."""
        self.stop(StopReason.TROUBLE, error)

    # -- how far it is -----------------------------------------------------------------------------------

    def reuse(self, days: int) -> None:
        """Note days that were not due any more when their target's turn came, or less than none."""
        if days:
            self.stats.known += days
            self._count(days)

    def _count(self, days: int) -> None:
        self._job.remaining -= days
        self._tell()

    def _tell(self) -> None:
        stats = self.stats
        done, failed = stats.known + stats.got, stats.failed + stats.refused
        self._tracker.tell(done=done, failed=failed, total=stats.total)

    # -- the end ----------------------------------------------------------------------------------------

    def _report(self, began: int) -> BackfillReport:
        seconds = (self._clock.monotonic() - began) / SECOND
        again_at = self._clock.wall() + dt.timedelta(seconds=self._wait())
        parked = self._circuit.parking.parked
        return self.stats.report(
            seconds=seconds,
            stopped=self._stopped,
            error=self._error,
            again_at=again_at,
            parked=dict(parked),
            unsent=sum(map(self._planner.left, parked)),
        )

    def _wait(self) -> float:
        """Return the seconds after which another run could send a request."""
        if isinstance(self._error, RateLimitedError) and self._error.retry_after is not None:
            return self._error.retry_after
        if self._stopped in {StopReason.RATE_LIMITED, StopReason.TROUBLE}:
            return _LATER
        return self._limiter.eta.opens_in


def _name_of(days: DateRange, targets: tuple[Target, ...]) -> str:
    """Name the job, so that processes that share it are recognized."""
    name = hashlib.blake2b(str(days).encode(), digest_size=8)
    for target in targets:
        name.update(f"|{target}".encode())
    return name.hexdigest()
