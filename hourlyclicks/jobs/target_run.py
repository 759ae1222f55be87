"""Many days of one target: the run behind a series and behind a stream.

A run pulls its days from the range, counts them and reports its progress. A day that failed is a result like
any other, except when no other day can succeed either (a rejected key), or when so many requests have failed
that the retry budget is spent: then the remaining days are not requested.

With a store, final days are read from it and not requested at all.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from hourlyclicks.errors import HourlyClicksError, as_fatal
from hourlyclicks.events.dispatcher import debugging
from hourlyclicks.fetching.prefetch import Prefetch
from hourlyclicks.fetching.task import Caller
from hourlyclicks.jobs.batches import in_order
from hourlyclicks.jobs.breaker_listener import BreakerListener
from hourlyclicks.jobs.circuit import Circuit, ParkedError
from hourlyclicks.jobs.tracker import Tracker
from hourlyclicks.jobs.workers import WorkerPool
from hourlyclicks.model.range_caps import MONTH
from hourlyclicks.model.targets import queries
from hourlyclicks.pacing.queue import HeldError, Job

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Iterator

    from hourlyclicks.events.context import CallContext
    from hourlyclicks.jobs.batches import Batch
    from hourlyclicks.jobs.range_work import RangeWork
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.range_caps import RangeCap
    from hourlyclicks.model.targets import Query, Target
    from hourlyclicks.store.freshness import Freshness

T = TypeVar("T")


class TargetRun(BreakerListener):
    """One call of a user for many days of one target.

    Args:
        range_: the days.
        target: the target.
        context: its priority, and the call as its events name it.
        freshness: which days in the store need a request.
        services: the parts of the client.

    Attributes:
        on_close: ends it when the client is closed.
        on_stop: ends it when another process asks for that, once the requests in flight are answered.
        job: the call as the limiter sees it.
        freshness: which days in the store need a request.
        tracker: registers the job while it runs.
        parking: its circuit breakers.
        dispatch: receives the events.
        context: as above.
        workers: the size of its worker pool.
        spare: how many spare workers may be started while some of these wait.
    """

    on_close: Callable[[HourlyClicksError], Awaitable[None]]
    on_stop: Callable[[HourlyClicksError], Awaitable[None]]

    def __init__(
        self,
        range_: DateRange,
        target: Target,
        *,
        context: CallContext,
        freshness: Freshness,
        services: Services,
    ) -> None:
        self.range = range_
        self.target = target
        self.workers = min(services.workers, len(range_))
        self.spare = min(services.spare, len(range_) - self.workers)
        self.context = context
        self.job = Job(context.priority, remaining=len(range_))
        self.freshness = freshness
        self._caller = Caller(self.job, freshness, context)
        cache = services.cache
        self._prefetch = None if cache is None else Prefetch(cache, target, range_, freshness)
        self._expected = 0
        self._failed = 0
        self._fetcher = services.fetcher
        self._ranges = services.ranges
        self._services = services
        if services.ranges is not None:
            self.job.days_per_request = services.ranges.state.days_per_request
        self.dispatch = services.dispatch
        self._single_flight = services.single_flight
        self._circuit = Circuit(
            {target: range_}, newest_first=False, caller=self._caller, listener=self, services=services
        )
        self.parking = self._circuit.parking
        self.tracker = Tracker(services, self.job, self, context)

    @property
    def given_up(self) -> bool:
        """Whether a day that failed now ends the run."""
        return self._fetcher.gives_up(self.job)

    def range_work(
        self,
        done: Callable[[Query, DayClicks | HourlyClicksError], None],
        by_day: Callable[[Query], Awaitable[None]],
    ) -> RangeWork | None:
        """Return what fetches the batches, or ``None`` if the days are fetched one by one.

        Args:
            done: called with each day that is answered or has failed.
            by_day: fetches a single day.
        """
        if self._ranges is None:
            return None

        def count(query: Query, outcome: DayClicks | HourlyClicksError) -> None:
            self._failed += isinstance(outcome, HourlyClicksError)
            self._count()
            done(query, outcome)

        from hourlyclicks.jobs.range_work import RangeWork  # noqa: PLC0415 - not by default

        return RangeWork(
            self._ranges, caller=self._caller, services=self._services, done=count, by_day=by_day
        )

    @property
    def longest_batch(self) -> int:
        """The most days between two days of a batch; 0 if the days are fetched one by one."""
        return 0 if self._ranges is None else self._ranges.state.days_per_request + 1

    async def batches(
        self,
        done: Callable[[Query, DayClicks | HourlyClicksError], None],
        ready: Callable[[Query], Awaitable[None]] | None = None,
    ) -> AsyncGenerator[Batch, None]:
        """Yield the days to request in batches, in the order of their dates.

        Args:
            done: called with each day that the store has.
            ready: awaited before each day; ``None``: every day may be worked on at once.
        """
        ranges = self._ranges

        def cap() -> RangeCap:
            return MONTH if ranges is None else ranges.state.planned

        async with aclosing(in_order(self._missing(done, ready), cap)) as batches:
            async for batch in batches:
                yield batch

    async def _missing(
        self,
        done: Callable[[Query, DayClicks | HourlyClicksError], None],
        ready: Callable[[Query], Awaitable[None]] | None,
    ) -> AsyncGenerator[Query, None]:
        for query in self.queries():
            if ready is not None:
                await ready(query)
            known = None if self._prefetch is None else await self._prefetch.find(query.day)
            if known is None:
                yield query
                continue
            try:
                done(query, self._reuse(known))
            except HourlyClicksError as error:
                done(query, error)

    def queries(self) -> Iterator[Query]:
        """Return the days to request, in the order of their dates."""
        return queries(self.range, self.target)

    def pool(
        self, items: Iterable[T] | AsyncIterable[T], work: Callable[[T], Awaitable[None]]
    ) -> WorkerPool[T]:
        """Return a worker pool for the days."""
        pool = WorkerPool(
            items,
            work,
            size=self.workers,
            spare=self.spare,
            keeps_running=self._single_flight.detach,
            finishes=self._services.finisher(self.job, self._single_flight.has_sent),
        )
        self._caller.start_spare = pool.start_spare
        return pool

    async def wind_down(self, pool: WorkerPool[Any], error: HourlyClicksError) -> None:
        """Let a pool finish the requests in flight; then its `join` raises the error."""
        self.job.over = True
        await pool.wind_down(error, self._single_flight.has_sent)

    async def survey(self) -> None:
        """Count the days that the store has already, and learn what it knows of ranges."""
        if self._ranges is not None:
            await self._ranges.memory.recall()
        if self._prefetch is None:
            return
        self.tracker.show()
        self._expected = await self._prefetch.count()
        self.job.remaining -= self._expected
        if self._expected:
            self._report_progress()

    async def fetch(self, query: Query) -> DayClicks:
        """Read one of the days from the store, or fetch it; count it."""
        known = None if self._prefetch is None else await self._prefetch.find(query.day)
        if known is not None:
            return self._reuse(known)
        try:
            if self.parking.unsettled:
                day = await self._circuit.fetch(query)
            else:  # as a rule
                day = await self._single_flight.fetch(query, self._caller)
        except HeldError:
            return await self.fetch(query)
        except ParkedError as parked:
            raise as_fatal(parked.error) from None
        except HourlyClicksError:
            self._failed += 1
            self._count()
            raise
        self._count()
        return day

    async def follow_up(self) -> None:
        """Send what the last answer calls for, once its day is counted, if anything was ever rejected.

        Raises:
            HourlyClicksError: no other day can succeed.
        """
        await self._circuit.follow_up(self.target)
        error = self.parking.parked.get(self.target)
        if error is not None:
            raise as_fatal(error)

    async def conclude(self) -> None:
        """Request what rejections of an earlier call lack to become final; only with a store."""
        if self._circuit.parking.unsettled:
            await self._circuit.conclude()

    def unfinished(self, target: Target) -> int:
        """Return how many days are not done."""
        del target
        return self.job.remaining + self._failed

    def _reuse(self, known: DayClicks | HourlyClicksError) -> DayClicks:
        """Return what the store has of a day, and count it."""
        if self._expected:
            self._expected -= 1
        else:  # it was not there yet when the store was surveyed
            self._count()
        if isinstance(known, HourlyClicksError):
            self._failed += 1
            self._report_progress()
            raise known
        return known

    def _count(self) -> None:
        self.job.done()
        if self.dispatch.listening or debugging():
            self._report_progress()

    def _report_progress(self) -> None:
        total = len(self.range)
        done = total - self.job.remaining - self._failed
        self.tracker.report(done=done, failed=self._failed, total=total)
