"""The plan of a backfill: which days are requested, in which order, in memory that does not grow with them.

It goes through the targets twice: first for the days that failed in an earlier run, then for all that are
missing or stale. A target that is parked is left at that point. Once it is released, those of its days that
were not sent, or were rejected while it was parked, are worked on again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from hourlyclicks.fetching.cache import ENTRIES
from hourlyclicks.model.targets import Query
from hourlyclicks.store.ledger import SETTLED, DayState
from hourlyclicks.store.summary import batches

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.jobs.circuit import Circuit
    from hourlyclicks.jobs.stats import BackfillStats
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.ledger import LedgerEntry


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

    async def guard(self, work: Awaitable[None], query: Query | None = None) -> None:
        """Await requests of the circuit breakers, and handle their errors."""
        ...


class Planner:
    """The days of one backfill.

    Args:
        days: the days.
        targets: the targets, each once.
        newest_first: whether the days of a target are requested from the last to the first.
        caller: the call.
        cache: the store.
        circuit: the circuit breakers.
        run: the backfill.
    """

    def __init__(
        self,
        days: DateRange,
        targets: tuple[Target, ...],
        *,
        newest_first: bool,
        caller: Caller,
        cache: DayCache,
        circuit: Circuit,
        run: PlannedRun,
    ) -> None:
        self._days = days
        self._targets = targets
        self._newest_first = newest_first
        self._freshness = caller.freshness
        self._job = caller.job
        self._cache = cache
        self._circuit = circuit
        self._parking = circuit.parking
        self._run = run
        self._due: dict[Target, int] = {}
        self._handed_out: dict[Target, int] = {}  # the days of a target that were handed out, one bit each

    async def survey(self) -> None:
        """Count what is due of each target."""
        for batch in batches(self._targets, self._days):
            await asyncio.sleep(0)  # a long list must delay neither the event loop nor a deadline
            if not self._run.is_running():
                return
            if self._freshness.refresh:
                for target in batch:
                    self._count_due(target, Counter())
            else:
                for summary in await self._cache.summarize(batch, self._days, self._freshness):
                    self._count_due(summary.target, summary.states)

    async def queries(self) -> AsyncGenerator[Query, None]:
        """Yield the days to request, one after the other."""
        async with aclosing(self._rounds()) as rounds:
            async for query in rounds:
                yield query
        while True:
            await self._run.wait_until_idle()
            await self._run.guard(self._circuit.conclude())
            await self._probe(last=True)
            if not self._parking.released:
                return
            async with aclosing(self._released()) as released:
                async for query in released:
                    yield query

    def put_back(self, query: Query) -> None:
        """Return a day that was not sent."""
        whole = (1 << len(self._days)) - 1
        self._due.setdefault(query.target, len(self._days))
        bit = 1 << self._days.index(query.day)
        self._handed_out[query.target] = self._handed_out.get(query.target, whole) & ~bit

    def unsent(self, target: Target) -> int:
        """Return how many days of a target were not handed out, or were put back."""
        return max(0, self._due.get(target, 0) - self._handed_out.get(target, 0).bit_count())

    # -- inside -----------------------------------------------------------------------------------------

    def _count_due(self, target: Target, states: Counter[DayState]) -> None:
        """Count the days of a target that are not settled, by the number of its days in each state."""
        settled = sum(states[state] for state in SETTLED)
        rejected = 0 if self._freshness.refused else states[DayState.REFUSED]
        self._run.stats.known += settled
        self._run.stats.refused += rejected
        self._due[target] = len(self._days) - settled - rejected
        self._job.remaining += self._due[target]

    async def _rounds(self) -> AsyncGenerator[Query, None]:
        wanted = set(self._targets)
        for target in await self._cache.failing():
            if target in wanted:
                async with aclosing(self._of_target(target, self._has_failed)) as days:
                    async for query in days:
                        yield query
        for target in self._targets:
            async with aclosing(self._rest(target)) as days:
                async for query in days:
                    yield query
            async with aclosing(self._released()) as days:
                async for query in days:
                    yield query

    async def _rest(self, target: Target) -> AsyncGenerator[Query, None]:
        """Yield the days of a target in the second round, and count those that were not due."""
        if target not in self._due:  # done already, since the target was released meanwhile
            return
        if not self._due[target]:
            del self._due[target]
            return
        async with aclosing(self._of_target(target, self._is_due)) as days:
            async for query in days:
                yield query
        if target not in self._parking.parked:
            number = self._handed_out.pop(target, 0).bit_count()
            self._run.count_known(self._due.pop(target) - number)

    async def _of_target(
        self, target: Target, due: Callable[[LedgerEntry | None], bool]
    ) -> AsyncGenerator[Query, None]:
        """Yield the days of a target that are due and were not handed out, until it is parked."""
        if target in self._parking.parked:
            return
        early = self._circuit.fetched_early
        for page in self._days.chunks(ENTRIES, newest_first=self._newest_first):
            entries = {entry.date: entry for entry in await self._cache.entries(target, page)}
            for day in reversed(page) if self._newest_first else page:
                bit = 1 << self._days.index(day)
                handed = self._handed_out.get(target, 0)
                if handed & bit or not (due(entries.get(day)) or (early and Query(day, target) in early)):
                    continue
                self._handed_out[target] = handed | bit
                yield Query(day, target)
                if self._parking.parked:
                    await self._probe(last=False)
                    if target in self._parking.parked:
                        return

    async def _released(self) -> AsyncGenerator[Query, None]:
        """Yield the days of targets that were released."""
        while self._parking.released:
            target, queries = self._parking.released.pop()
            for query in queries:
                self.put_back(query)
                self._run.stats.remove_failure(query)
                self._job.remaining += 1
            async with aclosing(self._rest(target)) as days:
                async for query in days:
                    yield query

    async def _probe(self, *, last: bool) -> None:
        for target in self._circuit.due_for_probe(last=last):
            await self._run.guard(self._circuit.probe(target))

    def _has_failed(self, entry: LedgerEntry | None) -> bool:
        return entry is not None and entry.state is DayState.FAILED

    def _is_due(self, entry: LedgerEntry | None) -> bool:
        """Return whether a day is requested in the second round."""
        due = self._cache.needs_request(entry, self._freshness)
        if entry is not None and not due and self._cache.reader().state(entry) is DayState.PROVISIONAL:
            self._run.stats.add_provisional(self._cache.due_at(entry.date, entry.last_asked))
        return due
