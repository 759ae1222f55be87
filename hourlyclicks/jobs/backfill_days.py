"""The days of a backfill: each is fetched through the circuit breakers, and counted by what became of it.

A day that failed is counted like any other. The run ends after an error that every other day would meet as
well, after too many failures in a row, or when the circuit breakers find that the API rejects everything.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from hourlyclicks.errors import ApiError, AuthenticationError, HourlyClicksError, RateLimitedError
from hourlyclicks.jobs.breaker_listener import BreakerListener
from hourlyclicks.jobs.circuit import Circuit, ParkedError
from hourlyclicks.jobs.planner import Planner
from hourlyclicks.jobs.stats import BackfillStats
from hourlyclicks.jobs.workers import WorkerPool
from hourlyclicks.model.report import StopReason
from hourlyclicks.pacing.queue import OverError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from hourlyclicks.fetching.range_fetcher import RangeFetcher
    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.jobs.backfill_targets import BackfillTargets
    from hourlyclicks.jobs.batches import Batch
    from hourlyclicks.jobs.run_options import Order
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.jobs.tracker import Tracker
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Query, Target

    _Pool: TypeAlias = WorkerPool[Query] | WorkerPool[Batch]
    _Items: TypeAlias = AsyncGenerator[Query, None] | AsyncGenerator[Batch, None]


class BackfillDays(BreakerListener):
    """Fetch and count the days of one run.

    Args:
        targets: the targets, and which of their days are meant.
        order: the order of the requests.
        caller: the call.
        tracker: reports the progress.
        stop: ends the run for a reason, with an error if there is one; requests in flight are completed.
        services: the parts of the client.

    Attributes:
        stats: counts the days.
        pool: does the work.
    """

    def __init__(
        self,
        targets: BackfillTargets,
        order: Order,
        *,
        caller: Caller,
        tracker: Tracker,
        stop: Callable[[StopReason, HourlyClicksError | None], None],
        services: Services,
    ) -> None:
        self._cache = services.required_cache()
        self._fetcher = services.fetcher
        self._limiter = services.limiter
        self._ranges = services.ranges
        self._job = caller.job
        self._tracker = tracker
        self._stop = stop
        self.stats = BackfillStats(sum(map(len, targets.ranges.values())), caller)
        self._circuit = Circuit(
            targets.ranges, newest_first=order != "oldest", caller=caller, listener=self, services=services
        )
        self._planner = Planner(
            targets, order=order, caller=caller, cache=self._cache, circuit=self._circuit, run=self
        )
        flight = services.single_flight
        finishes = services.finisher(self._job, flight.has_sent)
        pool = partial(WorkerPool, size=services.workers, keeps_running=flight.detach, finishes=finishes)
        self._items: _Items
        self.pool: _Pool
        if services.ranges is None:
            self._items = queries = self._planner.queries()
            self.pool = pool(queries, self._fetch)
        else:
            self._items = batches = self._batches(services.ranges, caller, services, targets.since)
            self.pool = pool(batches, self._fetch_batch)

    def _batches(
        self, ranges: RangeFetcher, caller: Caller, services: Services, since: Mapping[Target, dt.date]
    ) -> AsyncGenerator[Batch, None]:
        """Prepare requests for ranges of days, and return the plan of the batches."""
        from hourlyclicks.jobs.range_work import RangeWork  # noqa: PLC0415 - not by default
        from hourlyclicks.jobs.widening import Widening  # noqa: PLC0415 - likewise

        self._range_work = RangeWork(
            ranges, caller=caller, services=services, done=self._count_outcome, by_day=self._fetch
        )
        state = ranges.state
        self._job.days_per_request = state.days_per_request
        return self._planner.batches(lambda: state.planned, Widening(self._cache, caller.freshness, since))

    async def survey(self) -> None:
        """Count what is due, and learn what the store knows of ranges and of limits."""
        if self._ranges is not None:
            await self._ranges.memory.recall()
        await self._planner.survey()
        await self._limiter.look()
        self._report_progress()

    async def fetch_all(self) -> None:
        """Fetch every day that is due, until the run is to stop.

        Raises:
            HourlyClicksError: a fatal error.
            Exception: the targets cannot be read any further.
        """
        async with self.pool:
            await self.pool.join()

    async def close(self) -> None:
        """End the plan."""
        await self._items.aclose()

    @property
    def parked(self) -> dict[Target, HourlyClicksError]:
        """The targets that are parked, and why."""
        return dict(self._circuit.parking.parked)

    # -- one day or one batch ---------------------------------------------------------------------------

    async def _fetch(self, query: Query) -> None:
        await self.guard(self._fetch_day(query), query)
        await self._follow_up(query.target)

    async def _fetch_batch(self, batch: Batch) -> None:
        await self.guard(self._range_work.fetch(batch))
        await self._follow_up(batch.target)

    async def _follow_up(self, target: Target) -> None:
        """Send what the last answers of a target call for, if anything was ever rejected."""
        if self._circuit.parking.unsettled:
            await self.guard(self._circuit.follow_up(target))

    async def _fetch_day(self, query: Query) -> None:
        try:
            day = await self._circuit.fetch(query)
        except ParkedError:
            self._planner.put_back(query)
        else:
            self._count_outcome(query, day)

    async def guard(self, work: Awaitable[None], query: Query | None = None) -> None:
        """Await some work; an error counts as that of its day, if it has one, or ends the run."""
        try:
            await work
        except OverError:
            self._stop(StopReason.MAX_REQUESTS, None)
        except HourlyClicksError as error:
            if error.fatal:
                self._stop_with(error)
            elif query is not None:
                self._count_failure(query, error)

    def _stop_with(self, error: HourlyClicksError) -> None:
        """End the run, with a report if its days can be requested later, else with the error."""
        if isinstance(error, RateLimitedError):
            self._stop(StopReason.RATE_LIMITED, error)
        elif isinstance(error, ApiError | AuthenticationError) and error.code is not None:
            self._stop(StopReason.TROUBLE, error)  # an answer of the API about the key
        else:
            raise error

    # -- what the planner asks and tells ----------------------------------------------------------------

    def is_running(self) -> bool:
        """Return whether the run goes on; raise the error if the client was closed."""
        self.pool.check()
        return not self.pool.stopped

    async def wait_until_idle(self) -> None:
        """Wait until no worker has a day."""
        await self.pool.idle()

    def reading_failed(self, error: Exception) -> None:
        """End the run with an error of the source of its targets, once the requests in flight are done."""
        self.pool.fail(error)
        self._stop(StopReason.ERROR, None)

    def count_known(self, days: int) -> None:
        """Count days that were not due any more when their target was reached; can be negative."""
        if days:
            self.stats.known += days
            self._count(days)

    # -- what the circuit breakers decide ---------------------------------------------------------------

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
        self._add(day)

    def outage(self, error: HourlyClicksError) -> None:
        """End the run: the API rejects everything."""
        self._stop(StopReason.TROUBLE, error)

    # -- how far it is ----------------------------------------------------------------------------------

    def _count_outcome(self, query: Query, outcome: DayClicks | HourlyClicksError) -> None:
        """Count a day that was answered or has failed."""
        if isinstance(outcome, HourlyClicksError):
            self._count_failure(query, outcome)
        else:
            self._add(outcome)
            self._count(1)

    def _count_failure(self, query: Query, error: HourlyClicksError) -> None:
        """Count a day that has failed; too many of them end the run."""
        self.stats.add_failure(query, error, refused=False)
        self._count(1)
        if error.retryable and self._fetcher.gives_up(self._job):
            self._stop(StopReason.TROUBLE, error)

    def _add(self, day: DayClicks) -> None:
        self.stats.got += 1
        if not day.final:
            self.stats.add_provisional(self._cache.reader().due_at(day.date, day.fetched_at))

    def _count(self, days: int) -> None:
        self._job.remaining -= days
        self._report_progress()

    def _report_progress(self) -> None:
        stats = self.stats
        done, failed = stats.known + stats.got, stats.failed + stats.refused
        self._tracker.report(done=done, failed=failed, total=stats.total)
