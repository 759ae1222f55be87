"""The plan of a backfill: which days are requested, in which order, in memory that does not grow with them.

It goes through the targets twice: first for the days that failed in an earlier run, then for all that are
missing or stale. A target that is parked is left at that point. Once it is released, those of its days that
were not sent, or were rejected while it was parked, are worked on again.

Targets that are still being read come in parts, each of which is surveyed when it is reached. The two passes
are then made for each part.

In the order ``newest-day`` it goes through the days instead, from the last one back, and requests each of all
targets before the day before. The ledger is then read in windows of a month, each target's when its first day
of the window comes up, so that what is held is an integer for each target.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import aclosing
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from hourlyclicks.fetching.account_store import ENTRIES
from hourlyclicks.jobs.batches import in_order, interleaved
from hourlyclicks.jobs.remaining import Remaining
from hourlyclicks.jobs.survey import Survey
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.target_days import name_of
from hourlyclicks.model.targets import Query
from hourlyclicks.store.ledger import DayState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection

    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.jobs.backfill_targets import BackfillTargets
    from hourlyclicks.jobs.batches import Batch
    from hourlyclicks.jobs.circuit import Circuit
    from hourlyclicks.jobs.run_options import Order
    from hourlyclicks.jobs.stats import BackfillStats
    from hourlyclicks.jobs.target_feed import TargetFeed
    from hourlyclicks.jobs.widening import Widening
    from hourlyclicks.model.range_caps import RangeCap
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.ledger import LedgerEntry

WINDOW = 32
"""Days of which the ledger is read at a time in the order ``newest-day``."""

_YIELD_EVERY = 64
"""Targets after which other tasks get their turn."""


class PlannedRun(Protocol):
    """The backfill, as its planner sees it.

    Attributes:
        stats: counts its days.
    """

    stats: BackfillStats

    def is_running(self) -> bool:
        """Return whether the run goes on."""
        ...

    def count_known(self, days: int) -> None:
        """Count days that were not due any more when their target was reached."""
        ...

    async def wait_until_idle(self) -> None:
        """Wait until no worker is busy."""
        ...

    def reading_failed(self, error: Exception) -> None:
        """End the run, since its targets cannot be read any further."""
        ...

    async def guard(self, work: Awaitable[None], query: Query | None = None) -> None:
        """Await requests of the circuit breakers, and handle their errors."""
        ...


class Planner:
    """The days of one backfill.

    Args:
        targets: the targets, and which of their days are meant; `survey` looks for their first gaps.
        order: the order of the requests.
        caller: the call.
        cache: the store.
        circuit: the circuit breakers.
        run: the backfill.
    """

    def __init__(
        self,
        targets: BackfillTargets,
        *,
        order: Order,
        caller: Caller,
        cache: DayCache,
        circuit: Circuit,
        run: PlannedRun,
    ) -> None:
        self._ranges = targets.ranges
        self._by_days = order == "newest-day"
        self._newest_first = order != "oldest"
        self._freshness = caller.freshness
        self._job = caller.job
        self._cache = cache
        self._circuit = circuit
        self._parking = circuit.parking
        self._run = run
        self._feed = targets.feed
        self._survey = Survey(targets, caller=caller, cache=cache, run=run)
        self._left = self._survey.left
        self._new: set[Target] = set()

    async def survey(self) -> None:
        """Count what is due of each target."""
        await self._count(dict(self._ranges))

    async def _count(self, ranges: dict[Target, DateRange]) -> None:
        """Count what is due of some targets, which come after the others from then on."""
        await self._survey.count(ranges)
        self._new |= self._survey.without_beginning(ranges)

    async def queries(self) -> AsyncGenerator[Query, None]:
        """Yield the days to request, one after the other."""
        async with aclosing(self._passes()) as passes:
            async for queries in passes:
                async with aclosing(queries):
                    async for query in queries:
                        yield query

    async def batches(self, cap: Callable[[], RangeCap], widening: Widening) -> AsyncGenerator[Batch, None]:
        """Yield the days to request in batches, each for one request for a range.

        Args:
            cap: returns how many days one request may ask for at present.
            widening: adds days that cost no further request.
        """
        group = interleaved if self._by_days else in_order
        async with aclosing(self._passes()) as passes:
            async for queries in passes:
                async with aclosing(queries), aclosing(group(queries, cap)) as batches:
                    async for batch in batches:
                        yield await widening.widen(batch, cap(), self._left.get(batch.target))

    async def _passes(self) -> AsyncGenerator[AsyncGenerator[Query, None], None]:
        """Yield the days of each pass through the targets: the first, and those of released targets."""
        yield self._day_by_day() if self._by_days else self._target_by_target()
        while self._feed is not None and (more := await self._take(self._feed)):
            await self._count(more)
            yield self._target_by_target(more)
        while True:
            await self._run.wait_until_idle()
            await self._run.guard(self._circuit.conclude())
            await self._probe(last=True)
            if not self._parking.released:
                return
            yield self._released()

    def put_back(self, query: Query) -> None:
        """Return a day that was not sent."""
        target = query.target
        left = self._left.get(target)
        if left is None:
            left = self._left[target] = Remaining.nothing(self._ranges[target])
        left.put_back(query.day)

    def unsent(self, target: Target) -> int:
        """Return how many days of a target were not handed out, or were put back."""
        left = self._left.get(target)
        return 0 if left is None else max(0, left.due)

    async def _take(self, feed: TargetFeed) -> dict[Target, DateRange]:
        """Return the next targets that were read, as soon as there are some; if reading failed, none.

        The very first of them names the job, since the others are not known before the end.
        """
        try:
            more = dict(await feed.take())
        except Exception as error:  # noqa: BLE001 - whatever a source of a user raises
            self._run.reading_failed(error)
            return {}
        self._ranges |= more
        if not self._job.name:
            self._job.name = name_of(dict(islice(more.items(), 1)))
        self._circuit.add(more)
        self._run.stats.total += sum(map(len, more.values()))
        return more

    # -- target by target -------------------------------------------------------------------------------

    async def _target_by_target(
        self, targets: Collection[Target] | None = None
    ) -> AsyncGenerator[Query, None]:
        """Yield the days of some targets; ``None``: of all."""
        among = self._left if targets is None else targets
        for target in await self._cache.failing():
            if target in among and target in self._left:
                async with aclosing(self._days_of(target, only_failed=True)) as days:
                    async for query in days:
                        yield query
        for target in tuple(among):
            async with aclosing(self._rest(target)) as days:
                async for query in days:
                    yield query
            async with aclosing(self._released()) as days:
                async for query in days:
                    yield query

    async def _rest(self, target: Target) -> AsyncGenerator[Query, None]:
        """Yield all days of a target that are left, and count those that were not due."""
        if target not in self._left:  # nothing was due, or all is done since the target was released
            return
        async with aclosing(self._days_of(target)) as days:
            async for query in days:
                yield query
        self._finish(target)

    async def _days_of(
        self, target: Target, *, only_failed: bool = False, since: dt.date | None = None
    ) -> AsyncGenerator[Query, None]:
        """Yield the days of a target that are due and were not handed out, until it is parked.

        Args:
            target: the target.
            only_failed: whether to yield only days that failed in an earlier run.
            since: the first day to look at; ``None``: that of the target.
        """
        left = self._left[target]
        days = left.days if since is None else left.days.clip(DateRange(since, dt.date.max))
        if days is None or target in self._parking.parked:
            return
        for page in days.chunks(ENTRIES, newest_first=self._newest_first):
            due = await self._read(target, left, page, only_failed=only_failed)
            for day, bit in left.days_of(due, newest_first=self._newest_first):
                if left.passed & bit:  # it was handed out while another day was under way
                    continue
                left.hand_out(bit)
                yield Query(day, target)
                if self._parking.parked:
                    await self._probe(last=False)
                    if target in self._parking.parked:
                        return

    def _finish(self, target: Target) -> None:
        """Count the days of a target that were not due, unless it is parked."""
        if target not in self._parking.parked:
            self._run.count_known(self._left.pop(target).due)

    # -- day by day -------------------------------------------------------------------------------------

    async def _day_by_day(self) -> AsyncGenerator[Query, None]:
        if not self._left:
            return
        first = min(left.days.start for left in self._left.values())
        last = max(left.days.end for left in self._left.values())
        for window in DateRange(first, last).chunks(WINDOW, newest_first=True):
            due: dict[Target, int] = {}
            for day in reversed(window):
                async with aclosing(self._of_day(day, window, due)) as queries:
                    async for query in queries:
                        yield query
        for target in tuple(self._left):
            self._finish(target)

    async def _of_day(
        self, day: dt.date, window: DateRange, due: dict[Target, int]
    ) -> AsyncGenerator[Query, None]:
        """Yield one day of each target where it is due.

        Args:
            day: the day.
            window: the days of which the ledger is read at a time.
            due: the days of the window that are due of each target that was read, one bit each.
        """
        for number, (target, left) in enumerate(tuple(self._left.items())):
            if number % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
            if left.due <= 0 or day not in left.days or target in self._parking.parked:
                continue
            if target not in due:
                due[target] = await self._read(target, left, window)
            bit = left.bit(day)
            if due[target] & bit and not left.passed & bit:
                left.hand_out(bit)
                yield Query(day, target)
                if self._parking.parked:
                    await self._probe(last=False)
            if self._parking.released:
                async with aclosing(self._released(since=day)) as released:
                    async for query in released:
                        yield query

    # -- both -------------------------------------------------------------------------------------------

    async def _read(
        self, target: Target, left: Remaining, page: DateRange, *, only_failed: bool = False
    ) -> int:
        """Read the ledger entries of a page; return its days that are due, one bit each.

        Days that are not due are counted; with `only_failed`, nothing is known of those that did not fail.
        """
        days = left.days.clip(page)
        if days is None:
            return 0
        await self._record_first_day(target, left.days)
        early = self._circuit.fetched_early
        entries = {entry.date: entry for entry in await self._cache.entries(target, days)}
        due, known = 0, 0
        for number, day in enumerate(days, start=left.days.index(days.start)):
            bit = 1 << number
            if left.passed & bit:
                continue
            entry = entries.get(day)
            if only_failed:
                due |= bit if entry is not None and entry.state is DayState.FAILED else 0
            elif self._is_due(entry) or (early and Query(day, target) in early):
                due |= bit
            else:
                known += left.skip(bit)
        self._run.count_known(known)
        return due

    async def _record_first_day(self, target: Target, days: DateRange) -> None:
        """Record where a target begins, before anything of it is requested.

        A sync begins with the first day that is known. If this run ended before its first day was answered,
        it would be forgotten, and with an order that begins with the newest day, all others with it.
        """
        if target in self._new:
            self._new.discard(target)
            await self._cache.record_beginning(Query(days.start, target))

    async def _released(self, *, since: dt.date | None = None) -> AsyncGenerator[Query, None]:
        """Yield the days of targets that were released: all, or those from a day on."""
        while self._parking.released:
            target, queries = self._parking.released.pop()
            for query in queries:
                self.put_back(query)
                self._run.stats.remove_failure(query)
                self._job.remaining += 1
            if target not in self._left:
                continue
            async with aclosing(
                self._rest(target) if since is None else self._days_of(target, since=since)
            ) as days:
                async for query in days:
                    yield query

    async def _probe(self, *, last: bool) -> None:
        for target in self._circuit.due_for_probe(last=last):
            await self._run.guard(self._circuit.probe(target))

    def _is_due(self, entry: LedgerEntry | None) -> bool:
        """Return whether a day needs a request; count it if it has provisional figures and needs none."""
        due = self._cache.needs_request(entry, self._freshness)
        if entry is not None and not due and self._cache.reader().state(entry) is DayState.PROVISIONAL:
            self._run.stats.add_provisional(self._cache.reader().due_at(entry.date, entry.last_asked))
        return due
