"""An audit: the hours in the store against the sums that the API computes.

Sums are asked for only from the first to the last day with final hours. A day that differs is put in doubt:
its figures are kept, and the next backfill requests it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks import events
from hourlyclicks.errors import IncompleteSeriesError
from hourlyclicks.model.audit import compare
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.targets import Query

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.events.context import CallContext
    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.jobs.daily import DailySums
    from hourlyclicks.model.audit import AuditReport
    from hourlyclicks.model.daily import DailyClicks
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness


class Audit:
    """Compare the days of one target with their sums.

    Args:
        cache: the store.
        freshness: which of the stored hours are final.
        sums: makes the runs for the sums of a range.
        for_sums: which of the stored sums need a request.
        context: the call, as its events name it.
    """

    def __init__(
        self,
        cache: DayCache,
        freshness: Freshness,
        sums: DailySums,
        for_sums: Freshness,
        context: CallContext,
    ) -> None:
        self._cache = cache
        self._freshness = freshness
        self._daily = sums
        self._for_sums = for_sums
        self._dispatch = sums.services.dispatch
        self._context = context

    async def compare(self, days: DateRange, target: Target) -> AuditReport:
        """Compare, and put the days that differ in doubt.

        Raises:
            HourlyClicksError: a fatal error.
        """
        hours = await self._final_hours(days, target)
        sums, failures = await self._sums(hours, target)
        whole = DailySeries.of(target, days, sums)
        report = compare(hours, whole, failures=failures)
        for day in report.differences:
            await self._cache.doubt(Query(day.date, target))
            differs = events.DayDiffers(
                day=day.date, target=target, by_hour=day.by_hour, by_date=day.by_date, **self._context.tags
            )
            self._dispatch(differs)
        return report

    async def _final_hours(self, days: DateRange, target: Target) -> dict[dt.date, DayClicks]:
        found: dict[dt.date, DayClicks] = {}
        for chunk in days.chunks():
            known = await self._cache.known(target, chunk, self._freshness)
            found |= {date: day for date, day in known.items() if isinstance(day, DayClicks) and day.final}
        return found

    async def _sums(
        self, hours: dict[dt.date, DayClicks], target: Target
    ) -> tuple[list[DailyClicks], dict[dt.date, HourlyClicksError]]:
        """Return the sums from the first to the last day with hours, and why others are missing."""
        if not hours:
            return [], {}
        run = self._daily.run(DateRange(min(hours), max(hours)), target, self._context, self._for_sums)
        try:
            series = await run.collect(strict=True)
        except IncompleteSeriesError as error:
            if not isinstance(error.series, DailySeries):  # pragma: no cover - for the type checker
                raise
            return [*error.series.days()], error.failures
        return [*series.days()], {}
