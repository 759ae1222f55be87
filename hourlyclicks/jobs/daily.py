"""The sums of many days of one target, asked for in ranges.

A first round asks for all days that are due, in ranges as long as the server allows. A range that is refused
is asked for again in shorter ones. Which days without rows were answered for is told by
`hourlyclicks.model.range_proof`. Those that perhaps were not are asked for in a second round, in ranges of at
most `WEEK` days, which every plan includes, or as long as the server is known to answer as a whole. Where it
is not known that the ends of a range are included, such a range has one more day at each end.

A day that has no row after that is not reported, and stays provisional if there is still no proof that it was
answered for: it is not stored, and the next call asks for it again.

Days that another call asks for at the same time are left to it, see `hourlyclicks.jobs.sums_in_flight`.
"""

from __future__ import annotations

import asyncio
import copy
from contextlib import aclosing
from typing import TYPE_CHECKING

from hourlyclicks import events
from hourlyclicks.errors import HourlyClicksError, IncompleteSeriesError, as_fatal, carry
from hourlyclicks.fetching.exchange import Exchange
from hourlyclicks.fetching.task import Caller, FetchTask
from hourlyclicks.jobs.collected_sums import CollectedSums
from hourlyclicks.jobs.range_plan import plan_ranges
from hourlyclicks.jobs.refusal_streak import RefusalStreak
from hourlyclicks.jobs.series import summarize
from hourlyclicks.jobs.server_ranges import ServerRanges
from hourlyclicks.jobs.sums_in_flight import AnswerWithoutRow, SumsInFlight
from hourlyclicks.jobs.tracker import Tracker
from hourlyclicks.jobs.workers import WorkerPool
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.questions import Question
from hourlyclicks.model.rejections import is_lasting
from hourlyclicks.model.targets import Query
from hourlyclicks.pacing.queue import Job
from hourlyclicks.wire.clicks_by_date import CLICKS_BY_DATE
from hourlyclicks.wire.range_endpoint import is_missing, is_refusal

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from hourlyclicks.events.context import CallContext
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.jobs.sums_in_flight import SumsRequest
    from hourlyclicks.model.daily import DailyClicks
    from hourlyclicks.model.daily_series import DailySeries
    from hourlyclicks.model.range_caps import RangeCap
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness


class DailySums:
    """What all calls of a client for sums of days share; each of them has a run of its own.

    Args:
        services: the parts of the client.
        longest: the longest range to ask for at first.

    Attributes:
        services: as given.
        server: what is known of how the server answers for ranges; each run adds to it.
        in_flight: the days that all calls ask for at present.
    """

    def __init__(self, services: Services, longest: RangeCap) -> None:
        self.services = services
        self.server = ServerRanges(longest, services.clock)
        self.in_flight = SumsInFlight(services.limiter.queue.move)

    def run(self, days: DateRange, target: Target, context: CallContext, freshness: Freshness) -> DailyRun:
        """Return a run for many days of one target."""
        return DailyRun(days, target, context=context, freshness=freshness, shared=self)


class DailyRun:
    """One call of a user for the sums of many days of one target.

    Args:
        days: the days.
        target: the target.
        context: its priority, and the call as its events name it.
        freshness: which days in the store need a request.
        shared: what all calls for sums share.
    """

    on_close: Callable[[HourlyClicksError], Awaitable[None]]

    def __init__(
        self,
        days: DateRange,
        target: Target,
        *,
        context: CallContext,
        freshness: Freshness,
        shared: DailySums,
    ) -> None:
        services, server, in_flight = shared.services, shared.server, shared.in_flight
        self.range = days
        self.target = target
        self._server = server
        self._in_flight = in_flight
        self._fetcher = services.fetcher
        self._cache = services.cache
        self._clock = services.clock
        self._dispatch = services.dispatch
        self._tags = context.tags
        self._job = Job(context.priority)
        self._caller = Caller(self._job, freshness, context)
        self._tracker = Tracker(services, self._job, self, context)
        finality = services.fetcher.rules.finality
        self._sums = CollectedSums(
            days, target, freshness, server=server, finality=finality, cache=services.cache
        )
        self._refusals = RefusalStreak(days)
        self._given_up = False
        self._items = self._ranges()
        self._pool = WorkerPool(
            self._items,
            self._work,
            size=min(services.workers, len(days)),
            spare=services.spare,
            keeps_running=in_flight.detach,
            finishes=services.finisher(self._job, in_flight.has_sent),
        )
        self._caller.start_spare = self._pool.start_spare
        self.on_close = self._pool.end

    async def collect(self, *, strict: bool) -> DailySeries:
        """Fetch all days.

        Raises:
            IncompleteSeriesError: some days failed and `strict` is set.
            HourlyClicksError: a fatal one; carries what had been fetched.
        """
        try:
            with self._tracker:
                if self._cache is not None:
                    self._tracker.show()
                    await self._sums.recall(frozenset(self.range))
                    record = await self._cache.range_record(CLICKS_BY_DATE.name)
                    self._server.remember(record, self._clock.wall())
                self._report_progress()
                async with aclosing(self._items), self._pool:
                    await self._pool.join()
        except BaseException as error:  # also after a bug: the answers so far are not lost
            series = self._sums.series()
            carry(error, series=series)
            if isinstance(error, asyncio.CancelledError):
                self._dispatch(events.FetchCancelled(target=self.target, series=series, **self._tags))
            raise
        if not self._given_up:
            self._sums.accept_uncertain()
        series, failures = self._sums.series(), self._sums.failures
        if failures and strict:
            raise IncompleteSeriesError(summarize(failures, series), series=series, failures=failures)
        return series

    async def on_stop(self, error: HourlyClicksError) -> None:
        """End with that error as soon as the requests in flight are answered."""
        self._job.over = True
        await self._pool.wind_down(error, self._in_flight.has_sent)

    # -- what to ask for --------------------------------------------------------------------------------

    async def _ranges(self) -> AsyncGenerator[tuple[DateRange, frozenset[dt.date]], None]:
        """Yield the ranges to ask for, each with the days that are needed of it."""
        needed = [day for day in self.range if day not in self._sums.days]
        for asked in self._server.plan(needed, within=self.range, job=self._job):
            yield asked, frozenset(day for day in needed if day in asked)
            if not self._server.known:
                await self._pool.idle()  # the answer tells how long the next range can be
        await self._pool.idle()
        await self._sums.settle()
        uncertain = sorted(self._sums.uncertain)
        for asked, part in self._server.plan_again(uncertain, now=self._clock.wall(), job=self._job):
            yield asked, frozenset(day for day in uncertain if day in part)
        await self._pool.idle()
        await self._sums.settle()

    # -- one range --------------------------------------------------------------------------------------

    async def _work(self, item: tuple[DateRange, frozenset[dt.date]]) -> None:
        await self._answer(*item)
        self._job.remaining = max(0, self._job.remaining - 1)
        self._report_progress()

    async def _answer(self, asked: DateRange, needed: frozenset[dt.date]) -> None:
        """Ask for the days that no other call asks for, and take the results of the others."""
        left = await self._sums.recall(needed)
        while left:
            others = self._in_flight.find(self.target, left)
            mine = left.difference(*others.values())
            if mine:
                with self._in_flight.leading(self.target, mine, self._caller) as request:
                    await self._ask(_narrowed(asked, needed, mine), mine, request)
                    request.found(self._sums.outcomes(mine))
            left = frozenset()
            for request, days in others.items():
                left |= await self._follow(request, days, asked)

    async def _follow(
        self, request: SumsRequest, days: frozenset[dt.date], asked: DateRange
    ) -> frozenset[dt.date]:
        """Take the results of days that another call asks for; return those that are still to be asked for.

        These are the days that are lost, and those without rows in an answer that proves less than the answer
        for `asked` would.
        """
        outcomes = await self._in_flight.follow(request, self._caller)
        open_, uncertain = set(days.difference(outcomes)), self._sums.uncertain
        for day in sorted(days.intersection(outcomes)):
            outcome = outcomes[day]
            if isinstance(outcome, HourlyClicksError):
                if outcome.fatal:
                    raise copy.copy(outcome)
                await self._failed(frozenset([day]), outcome)
            elif isinstance(outcome, AnswerWithoutRow):
                same = outcome.asked == asked
                if not same and (day in uncertain or len(outcome.asked) > len(asked)):
                    open_.add(day)
                else:
                    await self._sums.put_without_row(outcome, frozenset([day]))
            else:
                self._sums.add([outcome])
        return frozenset(open_)

    async def _ask(self, asked: DateRange, needed: frozenset[dt.date], request: SumsRequest) -> bool:
        """Ask for a range, or for its parts if it is refused; return whether all of it was answered."""
        if self._given_up:
            return False
        if not self._server.cap.allows(asked):  # as is known since it was planned
            parts = plan_ranges(needed, self._server.cap, within=asked)
            return await self._ask_each(parts, needed, request)
        try:
            exchange = await self._send(asked, request, new=len(needed.difference(self._sums.uncertain)))
        except HourlyClicksError as error:
            if error.fatal:
                raise
            if is_missing(error):
                raise as_fatal(error) from None
            if is_refusal(error) and len(asked) > 1:
                whole = await self._ask_each(self._server.parts(asked, needed), needed, request)
                if whole:
                    await self._too_long(asked)
                return whole
            await self._failed(needed, error)
            return False
        answered: dict[dt.date, DailyClicks] = {day.date: day for day in exchange.days}
        self._refusals.answered(asked)
        self._server.answered(asked, answered)
        await self._sums.put([day for date, day in answered.items() if date in needed])
        if without_row := needed.difference(answered):
            answer = AnswerWithoutRow(asked, frozenset(answered), exchange.asked)
            await self._sums.put_without_row(answer, without_row)
        return True

    async def _too_long(self, asked: DateRange) -> None:
        """Note that a range was refused of which every part was answered."""
        self._server.too_long(asked)
        cap, now = self._server.cap, self._clock.wall()
        if self._cache is not None and not cap.allows(asked):
            await self._cache.change_range_record(
                CLICKS_BY_DATE.name, lambda record: record.answered_after_refusal(cap, now)
            )

    async def _ask_each(
        self, parts: Sequence[DateRange], needed: frozenset[dt.date], request: SumsRequest
    ) -> bool:
        """Ask for the parts of a range; return whether all of them were answered."""
        return all([await self._ask(part, needed.intersection(part), request) for part in parts])

    async def _send(self, asked: DateRange, request: SumsRequest | None = None, *, new: int = 0) -> Exchange:
        """Send a request for a range, and report what came of it; `new`: how many days it fetches."""
        question = Question(asked.start, asked.end, self.target, CLICKS_BY_DATE.name)
        caller = self._caller if request is None else request.caller
        task = FetchTask(caller, Query(asked.start, self.target), again=True, claims=False)
        if request is not None:
            request.task = task
        exchange = Exchange(self._fetcher.rules, task, question)
        try:
            await self._fetcher.ask(task, exchange)
        except HourlyClicksError as error:
            self._report_range(exchange, 0, error)
            raise
        self._report_range(exchange, new, None)
        return exchange

    def _report_range(self, exchange: Exchange, new: int, error: HourlyClicksError | None) -> None:
        first, last, target, _ = exchange.question
        requests = exchange.requests
        if requests:
            done = events.RangeDone(
                start=first, end=last, target=target, days=new, requests=requests, error=error, **self._tags
            )
            self._dispatch(done)

    async def _failed(self, needed: frozenset[dt.date], error: HourlyClicksError) -> None:
        """Note that days have failed, and what that means for the run."""
        self._sums.fail(needed, error)
        if is_lasting(error):
            await self._check(min(needed), error)
        if error.retryable and not is_refusal(error) and self._fetcher.gives_up(self._job):
            self._given_up = True
            self._pool.stop()

    async def _check(self, day: dt.date, error: HourlyClicksError) -> None:
        """After some same failures in a row, ask for one other day, and end the run if that fails alike.

        Raises:
            HourlyClicksError: every day of the target fails so.
        """
        other = self._refusals.refused(day, error)
        if other is None:
            return
        try:
            await self._send(DateRange(other, other))
        except HourlyClicksError as second:
            if second.fatal or self._refusals.is_like(second):
                raise as_fatal(second) from None

    def _report_progress(self) -> None:
        done, failed = len(self._sums.days) + len(self._sums.uncertain), len(self._sums.failures)
        self._tracker.report(done=done, failed=failed, total=len(self.range))


def _narrowed(asked: DateRange, needed: frozenset[dt.date], mine: frozenset[dt.date]) -> DateRange:
    """Return a range without the days at its ends that another call asks for."""
    before, after = min(needed) - asked.start, asked.end - max(needed)
    return DateRange(min(mine) - before, max(mine) + after)
