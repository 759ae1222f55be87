"""Many days of one target, and how they are collected into a series.

A run pulls its days from the range, counts them and reports its progress. A day that failed is a result like
any other, except when no other day can succeed either (a rejected key), or when so many requests have failed
that the retry budget is spent: then the remaining days are not requested.

With a store, final days are read from it and not requested at all.
"""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, TypeVar

from hourlyclicks.errors import HourlyClicksError, IncompleteSeriesError, StoreError, carry
from hourlyclicks.events import FetchCancelled
from hourlyclicks.fetching.cache import Prefetch
from hourlyclicks.fetching.task import Caller
from hourlyclicks.jobs.circuit import Circuit, ParkedError
from hourlyclicks.jobs.listener import BreakerListener
from hourlyclicks.jobs.services import Tracker
from hourlyclicks.jobs.workers import WorkerPool
from hourlyclicks.model.series import SeriesBuilder
from hourlyclicks.model.targets import queries
from hourlyclicks.pacing.queue import HeldError, Job

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from hourlyclicks.errors import ApiError
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.model.daily_series import DailySeries
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.targets import Query, Target
    from hourlyclicks.pacing.queue import Lane
    from hourlyclicks.store.freshness import Freshness

T = TypeVar("T")


class RangeRun(BreakerListener):
    """One call of a user for many days of one target.

    Args:
        range_: the days.
        target: the target.
        lane: its priority.
        freshness: which days in the store need a request.
        services: the parts of the client.

    Attributes:
        on_close: ends it when the client is closed.
        tracker: registers the job while it runs.
        parking: its circuit breakers.
        dispatch: receives the events.
        workers: the size of its worker pool.
        spare: how many spare workers may be started while some of these wait.
    """

    on_close: Callable[[HourlyClicksError], Awaitable[None]]

    def __init__(
        self, range_: DateRange, target: Target, *, lane: Lane, freshness: Freshness, services: Services
    ) -> None:
        self.range = range_
        self.target = target
        self.workers = min(services.workers, len(range_))
        self.spare = min(services.spare, len(range_) - self.workers)
        self._job = Job(lane, remaining=len(range_))
        self._caller = Caller(self._job, freshness)
        cache = services.cache
        self._prefetch = None if cache is None else Prefetch(cache, target, range_, freshness)
        self._expected = 0
        self._failed = 0
        self._fetcher = services.fetcher
        self.dispatch = services.dispatch
        self._single_flight = services.single_flight
        self._circuit = Circuit(
            {target: range_}, newest_first=False, caller=self._caller, listener=self, services=services
        )
        self.parking = self._circuit.parking
        self.tracker = Tracker(services, self._job, self)

    @property
    def given_up(self) -> bool:
        """Whether a day that failed now ends the run."""
        return self._fetcher.gives_up(self._job)

    def queries(self) -> Iterator[Query]:
        """Return the days to request, in the order of their dates."""
        return queries(self.range, self.target)

    def pool(self, items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> WorkerPool[T]:
        """Return a worker pool for the days."""
        pool = WorkerPool(
            items, work, size=self.workers, spare=self.spare, keeps_running=self._single_flight.detach
        )
        self._caller.start_spare = pool.start_spare
        return pool

    async def survey(self) -> None:
        """Count the days that the store has already."""
        if self._prefetch is None:
            return
        self._expected = await self._prefetch.count()
        self._job.remaining -= self._expected
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
            raise self._parked_error(parked.error) from None
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
            raise self._parked_error(error)

    async def conclude(self) -> None:
        """Request what rejections of an earlier call lack to become final; only with a store."""
        if self._circuit.parking.unsettled:
            await self._circuit.conclude()

    def unfinished(self, target: Target) -> int:
        """Return how many days are not done."""
        del target
        return self._job.remaining + self._failed

    def _parked_error(self, error: ApiError) -> ApiError:
        """Return the rejection of a parked target as the error that ends the run."""
        ending = copy.copy(error)
        ending.fatal = True
        return ending

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
        self._job.remaining -= 1
        if self.dispatch:
            self._report_progress()

    def _report_progress(self) -> None:
        total = len(self.range)
        done = total - self._job.remaining - self._failed
        self.tracker.report(done=done, failed=self._failed, total=total)


async def collect(run: RangeRun, *, strict: bool) -> HourlySeries:
    """Fetch all days of a run and merge them.

    Raises:
        IncompleteSeriesError: some days failed and `strict` is set.
        HourlyClicksError: a fatal one; carries what had been fetched.
    """
    builder = SeriesBuilder(run.target, run.range)
    failures: dict[dt.date, HourlyClicksError] = {}

    async def work(query: Query) -> None:
        try:
            builder.add(await run.fetch(query))
        except StoreError as error:
            if error.unsaved is not None:
                builder.add(error.unsaved)
            raise
        except HourlyClicksError as error:
            if error.fatal:
                raise
            failures[query.day] = error
            if error.retryable and run.given_up:
                pool.stop()
        if run.parking.unsettled:
            await run.follow_up()

    pool = run.pool(run.queries(), work)
    run.on_close = pool.end
    try:
        with run.tracker:
            await run.survey()
            async with pool:
                await pool.join()
            await run.conclude()
    except BaseException as error:  # also after a bug: the answers so far are not lost
        _attach_series(error, builder.build(), run)
        raise
    series = builder.build()
    if failures and strict:
        raise IncompleteSeriesError(summarize(failures, series), series=series, failures=failures)
    return series


def _attach_series(error: BaseException, series: HourlySeries, run: RangeRun) -> None:
    """Attach what was fetched to an error; that of a cancelled call may never reach the caller."""
    carry(error, series=series)
    if isinstance(error, asyncio.CancelledError):
        run.dispatch(FetchCancelled(target=run.target, series=series))


def summarize(failures: dict[dt.date, HourlyClicksError], series: HourlySeries | DailySeries) -> str:
    """Return how many days are missing, and why, in words."""
    day, error = min(failures.items())
    missing = len(series.missing_days)
    skipped = missing - len(failures)
    text = f"{missing} of {len(series.range)} days are missing; {day} failed: {error}"
    if skipped:
        text += f" ({skipped} days were not requested, because too many requests had failed)"
    return text
