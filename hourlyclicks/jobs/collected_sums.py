"""What is known of the days of one call for sums, so far.

A day without a row in an answer is not reported, if it is proved that the answer covers it
(`hourlyclicks.model.range_proof`); else it is uncertain. Further answers can prove it later.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.dates import DateRange

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.jobs.server_ranges import ServerRanges
    from hourlyclicks.jobs.sums_in_flight import AnswerWithoutRow, SumOutcome
    from hourlyclicks.model.targets import Target
    from hourlyclicks.model.zones import Finality
    from hourlyclicks.store.freshness import Freshness


class CollectedSums:
    """The days of a call, by what is known of each.

    Args:
        range_: all days of the call.
        target: their target.
        freshness: which days in the store need a request.
        server: tells which days without rows were answered for.
        finality: tells whether an answer is final.
        cache: the store, if there is one.

    Attributes:
        range: all days of the call.
        days: the sums, by day.
        failures: why days failed.
    """

    def __init__(
        self,
        range_: DateRange,
        target: Target,
        freshness: Freshness,
        *,
        server: ServerRanges,
        finality: Finality,
        cache: DayCache | None,
    ) -> None:
        self.range = range_
        self.days: dict[dt.date, DailyClicks] = {}
        self.failures: dict[dt.date, HourlyClicksError] = {}
        self._target = target
        self._freshness = freshness
        self._server = server
        self._finality = finality
        self._cache = cache
        self._without_row: dict[AnswerWithoutRow, frozenset[dt.date]] = {}

    @property
    def uncertain(self) -> dict[dt.date, AnswerWithoutRow]:
        """The days that perhaps were not answered for, each with its last answer."""
        return {
            day: answer
            for answer, days in self._without_row.items()
            for day in days.difference(self.days, self.failures)
        }

    async def recall(self, needed: frozenset[dt.date]) -> frozenset[dt.date]:
        """Add those of some days that the store has by now; return the others."""
        if self._cache is None:
            return needed
        range_ = DateRange(min(needed), max(needed))
        known = await self._cache.known_sums(self._target, range_, self._freshness)
        self.add(day for date, day in known.items() if date in needed)
        return needed.difference(known)

    def add(self, days: Iterable[DailyClicks]) -> None:
        """Add days that are stored already."""
        self.days.update((day.date, day) for day in days)

    async def put(self, days: list[DailyClicks]) -> None:
        """Add days, and put them into the store."""
        self.add(days)
        if self._cache is not None and days:
            await self._cache.put_sums(self._target, days)

    async def put_without_row(self, answer: AnswerWithoutRow, days: frozenset[dt.date]) -> None:
        """Put those of some days without rows that were answered for; the others are uncertain."""
        others = self._without_row.get(answer, frozenset()) - days
        days = days.difference(self.days, self.failures)
        uncertain = days.intersection(self._server.uncertain(answer.asked, answer.answered))
        self._without_row[answer] = others | uncertain
        await self.put(
            [
                DailyClicks(day, None, None, answer.moment, self._finality.of(day, answer.moment))
                for day in sorted(days - uncertain)
            ]
        )

    async def settle(self) -> None:
        """Judge the uncertain days again, since more is known of the server by now."""
        for answer, days in tuple(self._without_row.items()):
            await self.put_without_row(answer, days)

    def fail(self, days: Iterable[dt.date], error: HourlyClicksError) -> None:
        """Note that days have failed."""
        for day in days:
            self.failures[day] = copy.copy(error).about(day, self._target)

    def accept_uncertain(self) -> None:
        """Take the uncertain days for not reported; they stay provisional, and are not stored."""
        self.add(
            DailyClicks(day, None, None, answer.moment, final=False) for day, answer in self.uncertain.items()
        )

    def outcomes(self, days: frozenset[dt.date]) -> dict[dt.date, SumOutcome]:
        """Return the results of days, as far as they are known."""
        known: dict[dt.date, SumOutcome] = {**self.uncertain, **self.failures, **self.days}
        return {day: known[day] for day in days if day in known}

    def series(self) -> DailySeries:
        """Return the sums."""
        return DailySeries.of(self._target, self.range, self.days.values())
