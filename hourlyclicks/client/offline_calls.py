"""The calls of a client that send no request: what the store has, and what requests would cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, overload

from hourlyclicks.client.base import BaseClient
from hourlyclicks.model.checks import check_whole
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.target_days import TargetDays, days_of_each
from hourlyclicks.model.targets import Account

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Coroutine

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.target_days import FirstDays, TargetItem
    from hourlyclicks.model.targets import Target
    from hourlyclicks.pacing.eta import Estimate


class OfflineCalls(BaseClient):
    """Days from the store, estimates and forecasts."""

    @overload
    async def peek(self, days: dt.date | str, target: Target = Account()) -> DayClicks | None: ...

    @overload
    async def peek(self, days: DateRange, target: Target = Account()) -> HourlySeries: ...

    async def peek(
        self, days: dt.date | str | DateRange, target: Target = Account()
    ) -> DayClicks | HourlySeries | None:
        """Return what the store has of a day, or of a range of days, and send no request.

        The figures may be old: `DayClicks.final` and `DayClicks.fetched_at` tell. For a web page that shows
        what there is at once, while a backfill brings the rest::

            series = await client.peek(DateRange.of("2025-04-01", "2025-04-30"), link)
            print(series.missing_days)

        Args:
            days: a date, ``"YYYY-MM-DD"``, or a `DateRange`.
            target: `Account`, `Link` or `Group`.

        Returns:
            Of a day its figures, or ``None`` if the store has none: it was not requested, or it failed or was
            rejected. Of a range a series; days without figures are in its `missing_days`.

        Raises:
            UsageError: the client has no store, or an argument is invalid.
            StoreError: the store cannot be read.
        """
        if isinstance(days, DateRange):
            return await self._engine.read(target, self._check(days.start, days.end, target))
        range_ = self._check(days, days, target)
        series = await self._engine.read(target, range_)
        return next(series.days(), None)

    def forecast(self, requests: int) -> Estimate:
        """Compute how long so many requests take from now on.

        It takes into account what was sent before, also by other processes with the same store, as far as
        this client knows it: from its first request or backfill on. `estimate` assumes that nothing was sent.

        Args:
            requests: how many.

        Raises:
            UsageError: that is no whole number from 0 on.
        """
        check_whole("requests", requests, least=0)
        return self._engine.limiter.eta.of(requests)

    @overload
    def estimate(self, start: dt.date | str, end: dt.date | str, targets: int = 1) -> Estimate: ...

    @overload
    def estimate(
        self,
        start: dt.date | str,
        end: dt.date | str,
        targets: Iterable[TargetItem],
        *,
        since: FirstDays | None = None,
        refresh: bool = False,
        retry_refused: bool = False,
    ) -> Coroutine[Any, Any, Estimate]: ...

    def estimate(
        self,
        start: dt.date | str,
        end: dt.date | str,
        targets: int | Iterable[TargetItem] = 1,
        *,
        since: FirstDays | None = None,
        refresh: bool = False,
        retry_refused: bool = False,
    ) -> Estimate | Coroutine[Any, Any, Estimate]:
        """Compute what a range will cost; nothing is sent.

        With a number of targets it returns the estimate at once, as if nothing were in the store. With the
        targets themselves it is awaited, looks into the store, and counts only the days that `backfill`
        would ask for now. With ranges of days (``endpoint``), it counts as many days for each request as the
        plan allows, or as the store knows to be answered; the few requests that prove that ranges work are
        not counted::

            estimate = client.estimate("2025-04-01", "2025-04-30", 3)
            estimate = await client.estimate("2025-04-01", "2025-04-30", [link, group])

        Args:
            start: the first day.
            end: the last day.
            targets: how many targets the range is fetched for, or these targets, each of which counts once.
            since: as for `backfill`; with a number it changes nothing.
            refresh: likewise.
            retry_refused: likewise.

        Raises:
            UsageError: an argument is invalid.
            PlanError: the plan does not include a target.
            StoreError: the store cannot be read; awaiting raises it.
        """
        if not isinstance(targets, Iterable):
            return self._engine.costs.estimate_all(DateRange.of(start, end), targets)
        found = TargetDays.of(targets, since)
        days = self._check(start, end, *found, use=False)
        freshness = self._engine.freshness(refresh=refresh, refused=retry_refused, patient=True)
        return self._engine.costs.estimate(days_of_each(found, days, found.since), freshness)
