"""What a backfill asks for, in which order, however long that is.

It goes through the targets twice: first for the days that failed in an earlier run, then for all that are
missing or stale. A target that is parked is left where it stands; once the parking is lifted, the days of it
that were not sent, or were rejected in vain, are worked on again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from hourlyclicks.fetching.cache import ENTRIES
from hourlyclicks.model.targets import Query
from hourlyclicks.store.ledger import SETTLED, DayState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.jobs.circuit import Circuit
    from hourlyclicks.jobs.stats import BackfillStats
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.ledger import LedgerEntry


_BREATH = 64
"""Targets after which the survey lets other tasks run."""


class PlannedRun(Protocol):
    """The backfill, as its planner sees it.

    Attributes:
        stats: what has become of its days.
    """

    stats: BackfillStats

    def goes_on(self) -> bool:
        """Return whether the run goes on."""
        ...

    def reuse(self, days: int) -> None:
        """Note days that were not due any more when the turn of their target came."""
        ...

    async def quiet(self) -> None:
        """Wait until no day is worked on."""
        ...

    async def guard(self, work: Awaitable[None], query: Query | None = None) -> None:
        """Wait for what asks for a day out of turn, and deal with its errors."""
        ...


class Planner:
    """The days of one backfill.

    Args:
        days: the days.
        targets: the targets, each once.
        newest_first: whether the days of a target are asked for from the last to the first.
        caller: on whose behalf.
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
        self._handed: dict[Target, int] = {}  # the days of a target that were handed out, each a bit

    async def survey(self) -> None:
        """Count what is due of each target."""
        for number, target in enumerate(self._targets):
            if number % _BREATH == 0:
                await asyncio.sleep(0)  # a long list holds up neither the loop nor a deadline
            if not self._run.goes_on():
                return
            states = (
                Counter[DayState]()
                if self._freshness.refresh
                else await self._cache.count_by_state(target, self._days)
            )
            settled = sum(states[state] for state in SETTLED)
            refused = 0 if self._freshness.refused else states[DayState.REFUSED]
            self._run.stats.known += settled
            self._run.stats.refused += refused
            self._due[target] = len(self._days) - settled - refused
            self._job.remaining += self._due[target]

    async def queries(self) -> AsyncGenerator[Query, None]:
        """Yield what to ask for, one after the other."""
        async with aclosing(self._rounds()) as rounds:
            async for query in rounds:
                yield query
        while True:
            await self._run.quiet()
            await self._run.guard(self._circuit.conclude())
            await self._probe(last=True)
            if not self._parking.lifted:
                return
            async with aclosing(self._lifted()) as lifted:
                async for query in lifted:
                    yield query

    def put_back(self, query: Query) -> None:
        """Take a day back that was not sent."""
        whole = (1 << len(self._days)) - 1
        self._due.setdefault(query.target, len(self._days))
        bit = 1 << self._days.index(query.day)
        self._handed[query.target] = self._handed.get(query.target, whole) & ~bit

    def left(self, target: Target) -> int:
        """Return how many days of a target were not handed out, or were put back."""
        return max(0, self._due.get(target, 0) - self._handed.get(target, 0).bit_count())

    # -- inside -----------------------------------------------------------------------------------------

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
            async with aclosing(self._lifted()) as days:
                async for query in days:
                    yield query

    async def _rest(self, target: Target) -> AsyncGenerator[Query, None]:
        """Yield the days of a target in the second round, and take note of its end."""
        if target not in self._due:  # done already, since its parking was lifted meanwhile
            return
        async with aclosing(self._of_target(target, self._is_due)) as days:
            async for query in days:
                yield query
        if target not in self._parking.parked:
            number = self._handed.pop(target, 0).bit_count()
            self._run.reuse(self._due.pop(target) - number)

    async def _of_target(
        self, target: Target, due: Callable[[LedgerEntry | None], bool]
    ) -> AsyncGenerator[Query, None]:
        """Yield the days of a target that are due and were not handed out, until it is parked."""
        if target in self._parking.parked:
            return
        aside = self._circuit.aside
        for page in self._days.chunks(ENTRIES, newest_first=self._newest_first):
            entries = {entry.date: entry for entry in await self._cache.entries(target, page)}
            for day in reversed(page) if self._newest_first else page:
                bit = 1 << self._days.index(day)
                handed = self._handed.get(target, 0)
                if handed & bit or not (due(entries.get(day)) or (aside and Query(day, target) in aside)):
                    continue
                self._handed[target] = handed | bit
                yield Query(day, target)
                if self._parking.parked:
                    await self._probe(last=False)
                    if target in self._parking.parked:
                        return

    async def _lifted(self) -> AsyncGenerator[Query, None]:
        """Yield the days of targets that are parked no more."""
        while self._parking.lifted:
            target, queries = self._parking.lifted.pop()
            for query in queries:
                self.put_back(query)
                self._run.stats.regain(query)
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
        """Return whether a day is to be asked for in the second round."""
        due = self._cache.needs_request(entry, self._freshness)
        if entry is not None and not due and self._cache.reader().state(entry) is DayState.PROVISIONAL:
            self._run.stats.not_final(self._cache.due_at(entry.date, entry.last_asked))
        return due
