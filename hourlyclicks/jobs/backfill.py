"""A backfill: years of many targets into the store, in bounded memory, over as many runs as it takes.

The days of one target are requested together, or one day of each target after the other
(`hourlyclicks.jobs.planner`). The ledger is read as the run reaches it, so that neither thousands of targets
nor years need memory. A target
of which the API rejects every day is parked (`hourlyclicks.jobs.parking`); the run goes on with the others.

The run stops gracefully: workers that wait for a slot are cancelled, those with a request in flight store its
result first. Other processes may work on the same days at the same time; what they fetch is read from the
store.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import aclosing, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import attrs

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import ApiError, AuthenticationError, HourlyClicksError, RateLimitedError, carry
from hourlyclicks.fetching.task import Caller
from hourlyclicks.jobs.breaker_listener import BreakerListener
from hourlyclicks.jobs.circuit import Circuit, ParkedError
from hourlyclicks.jobs.planner import Planner
from hourlyclicks.jobs.services import Tracker
from hourlyclicks.jobs.stats import BackfillStats
from hourlyclicks.jobs.stopping import Stopper
from hourlyclicks.jobs.workers import WorkerPool
from hourlyclicks.model.priority import Lane
from hourlyclicks.model.report import StopReason
from hourlyclicks.model.target_days import name_of
from hourlyclicks.pacing.queue import Job, OverError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Mapping

    from hourlyclicks.events.context import CallContext
    from hourlyclicks.jobs.batches import Batch
    from hourlyclicks.jobs.gaps import FirstGaps
    from hourlyclicks.jobs.run_options import RunOptions
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.jobs.target_feed import TargetFeed
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.model.targets import Query, Target
    from hourlyclicks.store.freshness import Freshness

    _Pool: TypeAlias = WorkerPool[Query] | WorkerPool[Batch]

T = TypeVar("T")

_LATER = 900.0
"""Seconds after which to run again after trouble, unless the server has named a time."""


class Backfill(BreakerListener):
    """One run.

    Args:
        ranges: the days of each target, or what reads the targets during the run.
        options: the order of the requests, how many it may send, and its name.
        freshness: which days in the store need a request.
        since: the first days of targets that have one.
        context: the call, as its events name it.
        services: the parts of the client.
        gaps: finds the first gap of each target, if only the days from there on are meant.

    Attributes:
        name: the name by which other processes know it; empty: none.
        stats: counts the days.
    """

    def __init__(
        self,
        ranges: dict[Target, DateRange] | TargetFeed,
        options: RunOptions,
        *,
        freshness: Freshness,
        since: Mapping[Target, dt.date],
        context: CallContext,
        services: Services,
        gaps: FirstGaps | None = None,
    ) -> None:
        feed, ranges = (None, ranges) if isinstance(ranges, dict) else (ranges, {})
        self.name = options.name or ""
        self._services = services
        self._cache = cache = services.required_cache
        self._fetcher = services.fetcher
        self._single_flight = flight = services.single_flight
        self._limiter = services.limiter
        self._clock = services.clock
        self._job = Job(Lane.BACKFILL, remaining=0, allowance=options.max_requests, name=name_of(ranges))
        self._caller = Caller(self._job, freshness, context)
        self._tracker = Tracker(services, self._job, self, context)
        self._runs = services.runs
        self.stats = BackfillStats(sum(map(len, ranges.values())), self._caller)
        self._circuit = Circuit(
            ranges,
            newest_first=options.order != "oldest",
            caller=self._caller,
            listener=self,
            services=services,
        )
        self._planner = Planner(
            ranges,
            order=options.order,
            caller=self._caller,
            cache=cache,
            circuit=self._circuit,
            run=self,
            gaps=gaps,
            feed=feed,
        )
        self._feed = feed
        self._unreadable: Exception | None = None
        self._active = 0
        self._idle = asyncio.Event()
        self._stopper = Stopper(services.clock, self.stop)
        self._stopping = False
        self._stopped = StopReason.COMPLETE
        self._error: HourlyClicksError | None = None
        self._items: AsyncGenerator[Query, None] | AsyncGenerator[Batch, None]
        finishes = services.finisher(self._job, flight.has_sent)
        pool = partial(WorkerPool, size=services.workers, keeps_running=flight.detach, finishes=finishes)
        if services.ranges is None:
            self._items = queries = self._counted(self._planner.queries())
            self._pool: _Pool = pool(queries, self._work)
        else:
            from hourlyclicks.jobs.range_work import RangeWork  # noqa: PLC0415 - not by default
            from hourlyclicks.jobs.widening import Widening  # noqa: PLC0415 - likewise

            self._ranges = RangeWork(
                services.ranges,
                caller=self._caller,
                services=services,
                done=self._count_outcome,
                by_day=self._request,
            )
            self._job.days_per_request = services.ranges.state.days_per_request
            state, widening = services.ranges.state, Widening(cache, freshness, since)
            self._items = batches = self._counted(self._planner.batches(state.current_cap, widening))
            self._pool = pool(batches, self._work_range)

    def stop(self, reason: StopReason, error: HourlyClicksError | None = None) -> None:
        """Send nothing more, and end as soon as the requests in flight have been answered and stored.

        A job that is over gets no more slots, not even for a retry. Its waiting tasks are dismissed, so that
        calls that follow one of them lead in its place. `drain` lets those workers finish that have a request
        in flight, because that is spent and its result must not be lost; it cancels the others. The event
        wakes the planner, which may be waiting for them. The first reason counts: it is the one reported.
        """
        if self._stopping:
            return
        self._stopping = True
        self._stopped, self._error = reason, error
        self._job.over = True
        self._limiter.queue.dismiss(self._job)
        self._pool.drain(self._single_flight.has_sent)
        self._idle.set()

    async def on_close(self, error: HourlyClicksError) -> None:
        """End at once with that error: the client is closed."""
        await self._pool.end(error)

    async def on_stop(self, error: HourlyClicksError) -> None:
        """End with that error as soon as the requests in flight are answered and stored."""
        self.stop(StopReason.ERROR)
        await self._pool.wind_down(error, self._single_flight.has_sent)

    async def run(
        self, *, seconds: float | None, event: asyncio.Event | None, until: dt.datetime | None = None
    ) -> BackfillReport:
        """Request every day that is due, unless the deadline or the event comes first; see `Stopper.watch`.

        Another process may stop it as well.

        Raises:
            HourlyClicksError: a fatal error; carries the report.
            asyncio.CancelledError: the call was cancelled; carries the report.
        """
        began = self._clock.monotonic()
        try:
            stopper = self._stopper.watch(seconds, event, until)
            registered = nullcontext() if self._runs is None else self._runs.registered(self)
            reading = nullcontext() if self._feed is None else self._feed
            with self._tracker, registered, stopper:
                if self._services.ranges is not None:
                    await self._services.ranges.memory.recall()
                await self._planner.survey()
                await self._limiter.look()
                self._report_progress()
                if not self._stopping:
                    async with reading, self._pool:
                        await self._pool.join()
                self._check_readable()
        except asyncio.CancelledError as error:
            if not self._stopping:
                self._stopped = StopReason.STOPPED
            carry(error, report=self._report(began))
            raise
        except Exception as error:
            self._stopped = StopReason.ERROR
            self._error = error if isinstance(error, HourlyClicksError) else None
            carry(error, report=self._report(began))
            raise
        finally:
            await self._items.aclose()
            await self._end_beginnings()
        return self._report(began)

    async def _end_beginnings(self) -> None:
        """Record where targets begin of which nothing was answered, unless the key is wrong."""
        if isinstance(self._error, AuthenticationError):
            self._cache.drop_beginnings()
        with suppress(HourlyClicksError):  # what ended the run tells
            await self._cache.record_beginnings()

    def unlisted(self, reason: StopReason) -> BackfillReport:
        """Return the report of a run that was stopped before all of its targets were known."""
        self.stop(reason)
        return attrs.evolve(self._report(self._clock.monotonic()), listed=False)

    # -- the work ---------------------------------------------------------------------------------------

    async def _counted(self, planned: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """Yield what is planned, and count the active workers."""
        async with aclosing(planned):
            async for item in planned:
                if self._stopping:
                    return
                self._active += 1
                self._idle.clear()
                yield item

    def is_running(self) -> bool:
        """Return whether the run goes on; raise the error if the client was closed."""
        self._pool.check()
        return not self._stopping

    def reading_failed(self, error: Exception) -> None:
        """End the run with an error of the source of its targets, once the requests in flight are done."""
        self._unreadable = error
        self.stop(StopReason.ERROR)

    def _check_readable(self) -> None:
        if self._unreadable is not None:
            raise self._unreadable

    async def wait_until_idle(self) -> None:
        """Wait until no worker is active, or the run is to stop."""
        while self._active and not self._stopping:
            await self._idle.wait()

    async def _work(self, query: Query) -> None:
        try:
            await self._request(query)
        finally:
            self._end_item()

    async def _work_range(self, batch: Batch) -> None:
        try:
            await self.guard(self._ranges.fetch(batch))
        finally:
            self._end_item()

    def _end_item(self) -> None:
        self._active -= 1
        if not self._active:
            self._idle.set()

    async def _request(self, query: Query) -> None:
        await self.guard(self._fetch(query), query)
        if self._circuit.parking.unsettled:
            await self.guard(self._circuit.follow_up(query.target))

    async def guard(self, work: Awaitable[None], query: Query | None = None) -> None:
        """Await some work; an error counts as that of its day, if it has one, or ends the run."""
        try:
            await work
        except OverError:
            self.stop(StopReason.MAX_REQUESTS)
        except HourlyClicksError as error:
            if error.fatal:
                self._stop_with(error)
            elif query is not None:
                self._count_failure(query, error)

    def _stop_with(self, error: HourlyClicksError) -> None:
        """End the run, with a report if its days can be requested later, else with the error."""
        if isinstance(error, RateLimitedError):
            self.stop(StopReason.RATE_LIMITED, error)
        elif isinstance(error, ApiError | AuthenticationError) and error.code is not None:
            self.stop(StopReason.TROUBLE, error)  # an answer of the API about the key
        else:
            raise error

    async def _fetch(self, query: Query) -> None:
        try:
            day = await self._circuit.fetch(query)
        except ParkedError:
            self._planner.put_back(query)
            return
        self._count_fetched(day)
        self._count(1)

    def _count_fetched(self, day: DayClicks) -> None:
        self.stats.got += 1
        if not day.final:
            self.stats.add_provisional(self._cache.reader().due_at(day.date, day.fetched_at))

    def _count_outcome(self, query: Query, outcome: DayClicks | HourlyClicksError) -> None:
        """Count a day of a range."""
        if isinstance(outcome, HourlyClicksError):
            self._count_failure(query, outcome)
        else:
            self._count_fetched(outcome)
            self._count(1)

    def _count_failure(self, query: Query, error: HourlyClicksError) -> None:
        self.stats.add_failure(query, error, refused=False)
        self._count(1)
        if error.retryable and self._fetcher.gives_up(self._job):
            self.stop(StopReason.TROUBLE, error)

    # -- what the circuit breakers decide ----------------------------------------------------------------

    def unfinished(self, target: Target) -> int:
        """Return how many days of a target are not done."""
        return self._planner.unsent(target)

    def became_final(self, query: Query) -> None:
        """Note that the rejection of a day that had failed is final."""
        del query
        self.stats.make_final()

    def recovered(self, query: Query, day: DayClicks) -> None:
        """Note that a day that had failed was answered after all."""
        self.stats.remove_failure(query)
        self._count_fetched(day)

    def outage(self, error: ApiError) -> None:
        """End the run: the API rejects everything."""
        self.stop(StopReason.TROUBLE, error)

    # -- how far it is -----------------------------------------------------------------------------------

    def count_known(self, days: int) -> None:
        """Count days that were not due any more when their target was reached; can be negative."""
        if days:
            self.stats.known += days
            self._count(days)

    def _count(self, days: int) -> None:
        self._job.remaining -= days
        self._report_progress()

    def _report_progress(self) -> None:
        stats = self.stats
        done, failed = stats.known + stats.got, stats.failed + stats.refused
        listed = self._feed is None or self._feed.exhausted
        self._tracker.report(done=done, failed=failed, total=stats.total, listed=listed)

    # -- what other processes see -------------------------------------------------------------------------

    @property
    def requests(self) -> int:
        """See `RegisteredRun.requests`."""
        job = self._job
        return job.unanswered if job.allowance is None else min(job.unanswered, job.allowance - job.spent)

    @property
    def pause(self) -> float:
        """See `RegisteredRun.pause`."""
        return self._limiter.backfill_pause

    def eta(self) -> float:
        """See `RegisteredRun.eta`."""
        job = self._job
        most = None if job.allowance is None else job.allowance - job.spent
        return min(self._limiter.eta.eta(job, most=most)[0], self._stopper.left())

    def stop_asked(self) -> None:
        """See `RegisteredRun.stop_asked`."""
        self.stop(StopReason.STOPPED)

    # -- the end ----------------------------------------------------------------------------------------

    def _report(self, began: int) -> BackfillReport:
        seconds = (self._clock.monotonic() - began) / SECOND
        again_at = self._clock.wall() + dt.timedelta(seconds=self._wait())
        parked = self._circuit.parking.parked
        report = self.stats.report(
            seconds=seconds,
            stopped=self._stopped,
            error=self._error,
            again_at=again_at,
            parked=dict(parked),
            unsent=sum(map(self._planner.unsent, parked)),
        )
        return report if self._feed is None else attrs.evolve(report, listed=self._feed.exhausted)

    def _wait(self) -> float:
        """Return the seconds after which another run could send a request."""
        if isinstance(self._error, RateLimitedError) and self._error.retry_after is not None:
            return self._error.retry_after
        if self._stopped in {StopReason.RATE_LIMITED, StopReason.TROUBLE}:
            return _LATER
        return self._limiter.eta.opens_in
