"""One account in a store, read without an API key: its targets, hourly series, sums of days and coverage."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import attrs

from hourlyclicks.clock import SystemClock
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.series_builder import SeriesBuilder
from hourlyclicks.model.spans import spans
from hourlyclicks.model.targets import Account
from hourlyclicks.store.coverage import (
    ALL_DAYS,
    Coverage,
    cover,
    cover_complete,
    freshness_of,
    is_complete,
    may_be_parked,
)
from hourlyclicks.store.ledger import WITH_FIGURES, Revision
from hourlyclicks.store.protocol import Store
from hourlyclicks.store.target_summary import batches

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness, Reader
    from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry
    from hourlyclicks.store.protocol import Change
    from hourlyclicks.store.target_summary import TargetSummary

R = TypeVar("R")

SHORT = 8
"""How many digits of a fingerprint are shown, and are enough to name an account."""

_CHUNK = 366
"""Days of a target that are read at a time."""


def chunks(days: DateRange) -> Iterator[DateRange]:
    """Split a range into parts that are read at a time."""
    return days.chunks(_CHUNK)


@attrs.frozen(eq=False)
class StoredAccount:
    """The days of one account in a store.

    Args:
        fingerprint: 32 hexadecimal digits by which the store knows the account.
        number: the ``account_id`` of its rows in the tables.
    """

    fingerprint: str
    number: int
    _store: Store = attrs.field(repr=False)
    _zone: dt.tzinfo | None = attrs.field(default=None, repr=False)

    @property
    def short(self) -> str:
        """The first 8 digits of the fingerprint, which are enough to name the account."""
        return self.fingerprint[:SHORT]

    async def days(
        self, start: dt.date | str, end: dt.date | str, target: Target = Account()
    ) -> AsyncGenerator[DayClicks, None]:
        """Yield the days of a target that have figures, in order.

        The memory does not grow with the range. Use ``contextlib.aclosing`` if the loop may end early.

        Args:
            start: the first day, a date or ``"YYYY-MM-DD"``.
            end: the last day.
            target: `Account`, `Link` or `Group`.

        Raises:
            UsageError: `start` or `end` is not a day, or `end` is before `start`.
            StoreError: the store cannot be read.
        """
        for chunk in chunks(DateRange.of(start, end)):
            for day in await self._store.read(self.number, target, chunk):
                yield day

    async def targets(self) -> list[Target]:
        """Return the targets of which days were asked for.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._store.targets(self.number)

    async def series(
        self, start: dt.date | str, end: dt.date | str, target: Target = Account()
    ) -> HourlySeries:
        """Return the hours of a target from `start` to `end`, both included.

        Days without figures are in `HourlySeries.missing_days`. The series holds about 400 bytes for each
        day; read a long range in parts.

        Args:
            start: the first day, a date or ``"YYYY-MM-DD"``.
            end: the last day.
            target: `Account`, `Link` or `Group`.

        Raises:
            UsageError: `start` or `end` is not a day, or `end` is before `start`.
            StoreError: the store cannot be read.
        """
        builder = SeriesBuilder(target, DateRange.of(start, end))
        async for day in self.days(start, end, target):
            builder.add(day)
        return builder.build()

    async def daily(
        self, start: dt.date | str, end: dt.date | str, target: Target = Account()
    ) -> DailySeries:
        """Return the sums of the days of a target from `start` to `end`, both included.

        They are those that `Client.daily` has stored. Other days are in `DailySeries.missing_days`.

        Args:
            start: the first day, a date or ``"YYYY-MM-DD"``.
            end: the last day.
            target: `Account`, `Link` or `Group`.

        Raises:
            UsageError: `start` or `end` is not a day, or `end` is before `start`.
            StoreError: the store cannot be read.
        """
        days = DateRange.of(start, end)
        return DailySeries.of(target, days, await self._store.read_daily(self.number, target, days))

    async def entries(self, target: Target, days: DateRange | None = None) -> list[LedgerEntry]:
        """Return what the store knows of each day, in order; days that were never asked for are left out.

        Args:
            target: the target.
            days: the range; ``None``: all days.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._store.entries(self.number, target, days or ALL_DAYS)

    async def count_by_state(
        self, target: Target, days: DateRange | None = None, *, reader: Reader | None = None
    ) -> Counter[DayState]:
        """Return how many days are in each state; days that were never asked for are not counted.

        Args:
            target: the target.
            days: the range; ``None``: all days.
            reader: judges the states by a clock and a zone; ``None``: the stored ones count.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._store.count_by_state(self.number, target, days or ALL_DAYS, reader=reader)

    async def pace(self, change: Change[R], *, peek: bool = False) -> tuple[R, int]:
        """Take a step of the shared limiter; see `hourlyclicks.store.protocol.Store.pace`.

        Args:
            change: the step.
            peek: whether to try it without a transaction first; a store that is opened read-only needs it.

        Raises:
            StoreError: the store cannot be read or written.
        """
        return await self._store.pace(self.number, change, peek=peek)

    async def revisions(self, target: Target, days: DateRange | None = None) -> list[Revision]:
        """Return the figures that were replaced by others, in the order of days and revisions.

        Args:
            target: the target.
            days: the range; ``None``: all days.

        Raises:
            StoreError: the store cannot be read.
        """
        return await self._store.revisions(self.number, target, days or ALL_DAYS)

    async def history(self, target: Target, days: DateRange | None = None) -> list[Revision]:
        """Return all figures of some days, the current ones last, in the order of days and revisions.

        Args:
            target: the target.
            days: the days, also those whose figures were never replaced; ``None``: all days whose figures
                were replaced.

        Raises:
            StoreError: the store cannot be read.
        """
        found = await self.revisions(target, days)
        dates = [revision.day.date for revision in found]
        stretches = [DateRange(*each) for each in spans(sorted(set(dates)))] if days is None else [days]
        for stretch in stretches:
            for chunk in chunks(stretch):
                found += await self._current(target, chunk)
        return sorted(found, key=lambda revision: (revision.day.date, revision.number))

    async def _current(self, target: Target, days: DateRange) -> list[Revision]:
        """Return the current figures of a range with their numbers."""
        numbers = {entry.date: entry.revision for entry in await self.entries(target, days)}
        known = await self._store.read(self.number, target, days)
        return [Revision(numbers[day.date], day) for day in known if day.date in numbers]

    async def coverage(
        self, target: Target, days: DateRange | None = None, *, now: dt.datetime | None = None
    ) -> Coverage:
        """Return which days of a target are there, missing, stale, failed or refused.

        Args:
            target: the target.
            days: the range; ``None``: from the first day that is known to the last.
            now: the moment, aware, at which days are judged; ``None``: the present one.

        Raises:
            StoreError: the store cannot be read.
        """
        now = now or SystemClock().wall()
        [summary] = await self.summarize([target], days, now=now)
        return await self.cover(summary, now=now)

    async def coverages(
        self,
        targets: Sequence[Target] | None = None,
        days: DateRange | None = None,
        *,
        now: dt.datetime | None = None,
    ) -> AsyncGenerator[Coverage, None]:
        """Yield the `coverage` of many targets, in order; days are read only of targets with gaps.

        Args:
            targets: the targets; ``None``: all.
            days: the range; ``None``: of each target from the first day that is known to the last.
            now: the moment, aware, at which days are judged; ``None``: the present one.

        Raises:
            StoreError: the store cannot be read.
        """
        now = now or SystemClock().wall()
        for batch in batches(await self.targets() if targets is None else targets, days):
            for summary in await self.summarize(batch, days, now=now):
                yield await self.cover(summary, now=now)

    async def summarize(
        self,
        targets: Sequence[Target] | None = None,
        days: DateRange | None = None,
        *,
        freshness: Freshness | None = None,
        now: dt.datetime | None = None,
    ) -> list[TargetSummary]:
        """Return for each target how many days are in each state, and the newest complete day.

        Takes about a microsecond for each day; a million days are counted in about a second.

        Args:
            targets: the targets, each once; ``None``: all.
            days: the range; ``None``: of each target from the first day that is known to the last.
            freshness: which stored days count as due; ``None``: those that a backfill would request.
            now: the moment, aware, at which days are judged; ``None``: the present one.

        Raises:
            StoreError: the store cannot be read.
        """
        now = now or SystemClock().wall()
        freshness = freshness or freshness_of(now, self._zone)
        found: list[TargetSummary] = []
        for batch in batches(await self.targets() if targets is None else targets, days):
            found += await self._store.summarize(self.number, batch, days, freshness=freshness, now=now)
        return found

    async def count_failures(
        self, targets: Sequence[Target], days: DateRange | None = None
    ) -> Counter[Failure]:
        """Return why days of some targets failed, and how many for each kind of reason.

        Reasons with the same error, code and status are one kind, of which one text is returned.

        Args:
            targets: the targets.
            days: the range; ``None``: all days.

        Raises:
            StoreError: the store cannot be read.
        """
        found: dict[tuple[object, ...], tuple[Failure, int]] = {}
        for batch in batches(targets, days):
            for why, number in await self._store.count_failures(self.number, batch, days or ALL_DAYS):
                kind = why.error, why.code, why.status
                first, before = found.get(kind, (why, 0))
                found[kind] = first, before + number
        return Counter(dict(found.values()))

    async def parked(self, summaries: Sequence[TargetSummary]) -> dict[Target, str]:
        """Return the targets that a backfill has parked, and why.

        Args:
            summaries: what is known of each target.

        Raises:
            StoreError: the store cannot be read.
        """
        found: dict[Target, str] = {}
        for summary in summaries:
            if may_be_parked(summary.states):
                reason = (await self.coverage(summary.target, summary.range)).parked
                if reason is not None:
                    found[summary.target] = reason
        return found

    async def cover(self, summary: TargetSummary, *, now: dt.datetime) -> Coverage:
        """Return which days a summary has counted.

        Args:
            summary: what is known of a target.
            now: the moment, aware, at which days are judged.

        Raises:
            StoreError: the store cannot be read.
        """
        target, days = summary.target, summary.range
        if days is None:
            return Coverage(target, None, summary.states)
        if is_complete(summary.states, days):
            return cover_complete(target, summary.states, days)
        found = cover(target, await self.entries(target, days), days, now=now, zone=self._zone)
        if found.parked is not None:
            states = await self.count_by_state(target)
            if any(states[state] for state in WITH_FIGURES):  # on other days than those of the range
                return attrs.evolve(found, parked=None)
        return found
