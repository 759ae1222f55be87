"""The calls of a client for many targets, whose days go into the store."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks.client.base import BaseClient
from hourlyclicks.jobs.run_options import RunOptions
from hourlyclicks.jobs.stopping import StopCondition
from hourlyclicks.jobs.target_sources import collect_targets
from hourlyclicks.model.checks import check_whole
from hourlyclicks.model.priority import Lane
from hourlyclicks.model.zones import last_ended

if TYPE_CHECKING:
    import asyncio

    from hourlyclicks.events import Hooks
    from hourlyclicks.events.context import CallContext
    from hourlyclicks.jobs.run_options import Order
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.model.target_days import FirstDays, TargetSource


class BackfillCalls(BaseClient):
    """Backfills, from one day to another or up to yesterday."""

    async def backfill(  # noqa: PLR0913 - keyword options with defaults
        self,
        start: dt.date | str,
        end: dt.date | str,
        targets: TargetSource,
        *,
        since: FirstDays | None = None,
        deadline: float | dt.timedelta | dt.datetime | None = None,
        max_requests: int | None = None,
        order: Order = "oldest",
        refresh: bool = False,
        retry_refused: bool = False,
        stop: asyncio.Event | None = None,
        name: str | None = None,
        label: str | None = None,
        on_event: Hooks = None,
    ) -> BackfillReport:
        """Fetch every day from `start` to `end`, both included, of all targets into the store.

        It requests the days that are not final in the store, beginning with those that failed in an earlier
        run. It can be run again after any end, also by several processes at once. When it is to stop, it
        sends no more requests and stores the results of those in flight.

        Args:
            start: the first day.
            end: the last day.
            targets: what to fetch; each counts once. An iterable or async iterable of targets, of pairs of
                a target and its first day, or of what `links` and `groups` yield, which have the day of
                their creation as first day. An async iterable is read while the days of its first targets
                are requested, at most 200 targets ahead, so that totals grow during the run; with
                ``"newest-day"`` it is read to its end before. If reading it fails, the run ends with that
                error, and keeps what was requested.
            since: the first days of targets that begin later than `start`; no earlier day of them is
                requested or counted. They count more than first days among the targets.
            deadline: when to stop: after so many seconds or a timedelta, or at an aware datetime.
            max_requests: stop after so many requests.
            order: ``"oldest"`` and ``"newest"`` fetch one target after the other, from its oldest day on or
                from its newest back. ``"newest-day"`` fetches the newest day of every target first, then the
                day before, and so on; days that failed in an earlier run have no precedence then.
            refresh: whether to request also days that are final in the store.
            retry_refused: whether to request days again that the API has rejected.
            stop: stop when this event is set, for instance by a handler of SIGTERM.
            name: the name by which `hourlyclicks.coordination.running_backfills` shows it, and
                `hourlyclicks.coordination.stop_backfills` stops it: 1 to 64 printable characters.
            label: what to call this run in its events and in the log; by default, its name.
            on_event: a hook, or several, for the events of this run; see `hourlyclicks.events`.

        Raises:
            UsageError: the client has no store, or an argument is invalid.
            HourlyClicksError: a fatal error, such as a rejected key or a full disk; its `report` says what
                had been done before.
            asyncio.CancelledError: the call was cancelled; its `report` says what had been done before.
        """
        days = self._check(start, end)
        options = RunOptions(order, max_requests, name, refresh, retry_refused)
        self._engine.check_store()
        context = self._begin(Lane.BACKFILL, None, name if label is None else label, on_event)
        condition = StopCondition(self._clock, deadline, stop)
        return await self._run(targets, since, days, options, condition, context)

    async def sync(  # noqa: PLR0913 - keyword options with defaults
        self,
        targets: TargetSource,
        *,
        new: int = 365,
        since: FirstDays | None = None,
        deadline: float | dt.timedelta | dt.datetime | None = None,
        max_requests: int | None = None,
        order: Order = "oldest",
        retry_refused: bool = False,
        stop: asyncio.Event | None = None,
        name: str | None = None,
        label: str | None = None,
        on_event: Hooks = None,
    ) -> BackfillReport:
        """Bring targets up to date: a `backfill` of each from its first gap to yesterday.

        The first gap of a target is its first day that needs a request: a day that is missing, has failed, or
        has stale figures. It is looked for from the first day of the target in the store on, or from its
        first day in `since`. Yesterday is the last day that has ended in the time zone of the client; without
        one, the last that has ended everywhere on Earth.

        Args:
            targets: what to fetch, as for `backfill`; each counts once.
            new: how many days to fetch of a target of which the store has no day up to yesterday.
            since: the first days of targets; no earlier day of them is requested or counted.
            deadline: as for `backfill`, like the arguments after it.
            max_requests: stop after so many requests.
            order: the order of the requests.
            retry_refused: whether to request days again that the API has rejected.
            stop: stop when this event is set.
            name: a name for this run.
            label: what to call this run in its events and in the log; by default, its name.
            on_event: a hook, or several, for the events of this run.

        Returns:
            The report; it counts the days from the first gap of each target on, and no day of a target that
            has none.

        Raises:
            UsageError: the client has no store, or an argument is invalid.
            HourlyClicksError: a fatal error; its `report` says what had been done before.
            asyncio.CancelledError: the call was cancelled; likewise.
        """
        check_whole("new", new, least=1)
        last = last_ended(self._clock.wall(), self._zone)
        days = self._check(dt.date.fromordinal(max(1, last.toordinal() - new + 1)), last)
        options = RunOptions(order, max_requests, name, retry_refused=retry_refused)
        self._engine.check_store()
        context = self._begin(Lane.BACKFILL, None, name if label is None else label, on_event)
        condition = StopCondition(self._clock, deadline, stop)
        return await self._run(targets, since, days, options, condition, context, from_gaps=True)

    async def _run(
        self,
        targets: TargetSource,
        since: FirstDays | None,
        days: DateRange,
        options: RunOptions,
        condition: StopCondition,
        context: CallContext,
        *,
        from_gaps: bool = False,
    ) -> BackfillReport:
        """Read the targets of a call, and request their days.

        Args:
            targets: what to fetch.
            since: the first days of targets.
            days: the days of targets without a first day.
            options: which requests are sent, and how many.
            condition: when to stop.
            context: the call, as its events name it.
            from_gaps: whether each target begins with its first gap, which may lie before these days.
        """
        found = await collect_targets(
            targets,
            since,
            condition,
            days=days,
            order=options.order,
            check=self._allowance.check,
            known=from_gaps,
        )
        self._check(days.start, days.end, *found.targets)
        freshness = self._engine.freshness(
            refresh=options.refresh, refused=options.retry_refused, patient=True
        )
        with context:
            backfill = self._engine.backfill(
                found.ranges, options, freshness, context=context, since=found.since, from_gaps=from_gaps
            )
            return await found.run(backfill)
