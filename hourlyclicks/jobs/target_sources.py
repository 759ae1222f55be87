"""The targets of a run, read from any iterable or async iterable of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from hourlyclicks.jobs.stopping import Stopper
from hourlyclicks.model.target_days import TargetDays, days_from_first, days_of_each

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping

    from hourlyclicks.jobs.backfill import Backfill
    from hourlyclicks.jobs.run_options import Order
    from hourlyclicks.jobs.stopping import StopCondition
    from hourlyclicks.jobs.target_feed import TargetFeed
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.report import BackfillReport, StopReason
    from hourlyclicks.model.target_days import FirstDays, TargetItem, TargetSource
    from hourlyclicks.model.targets import Target

    DaysOf: TypeAlias = Callable[[Iterable[Target], Mapping[Target, dt.date]], dict[Target, DateRange]]


class Collected:
    """The targets of a run.

    Args:
        targets: the targets.
        stop: when the run is to stop.
        stopped: why it was stopped while the targets were read; ``None``: these are all.
        feed: reads the targets during the run.
        days: returns the days of targets that have these first days.
    """

    def __init__(
        self,
        targets: TargetDays,
        stop: StopCondition,
        stopped: StopReason | None = None,
        *,
        feed: TargetFeed | None = None,
        days: DaysOf,
    ) -> None:
        self.targets = targets
        self.feed = feed
        self._days = days
        self._stop = stop
        self._stopped = stopped

    @property
    def since(self) -> dict[Target, dt.date]:
        """The first days of the targets; with a feed, of those that were read so far."""
        return self.targets.since if self.feed is None else self.feed.since

    @property
    def ranges(self) -> dict[Target, DateRange] | TargetFeed:
        """The days of each target, or what reads the targets during the run."""
        return self.feed or self._days(self.targets, self.targets.since)

    async def run(self, backfill: Backfill) -> BackfillReport:
        """Run a backfill of these targets until it is to stop."""
        if self._stopped is not None:
            return backfill.unlisted(self._stopped)
        return await backfill.run(self._stop)


async def collect_targets(
    source: TargetSource,
    since: FirstDays | None,
    stop: StopCondition,
    *,
    days: DateRange,
    order: Order,
    check: Callable[[Target], None],
    known: bool = False,
) -> Collected:
    """Read the targets of a run.

    Those of an async iterable are read during the run. But the order ``newest-day`` begins with a day of
    each target: then all are read before, until the run is to stop.

    Args:
        source: the targets.
        since: first days by target.
        stop: when the run is to stop.
        days: the days of targets without a first day.
        order: the order of the requests.
        check: raises an error if a target cannot be requested.
        known: whether a first day may lie before these days.

    Raises:
        UsageError: something in it is no target.
        HourlyClicksError: reading them failed.
    """
    each = partial(days_from_first if known else days_of_each, days=days)

    def days_of(targets: Iterable[Target], first: Mapping[Target, dt.date]) -> dict[Target, DateRange]:
        return each(targets, since=first)

    if not isinstance(source, AsyncIterable):
        return Collected(TargetDays.of(source, since), stop, days=days_of)
    if order != "newest-day":
        feed = _feed(source, since, days_of, check)
        return Collected(TargetDays(since), stop, feed=feed, days=days_of)
    targets = TargetDays(since)
    reading = asyncio.ensure_future(_read(source, targets))
    reasons: list[StopReason] = []

    def end(reason: StopReason) -> None:
        reasons.append(reason)
        reading.cancel()

    try:
        with Stopper(stop.clock, end).watch(stop):
            await asyncio.wait([reading])
    except asyncio.CancelledError:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        raise
    if reasons and reading.cancelled():
        return Collected(targets, stop, reasons[0], days=days_of)
    reading.result()
    return Collected(targets, stop, days=days_of)


def _feed(
    source: AsyncIterable[TargetItem],
    since: FirstDays | None,
    days_of: DaysOf,
    check: Callable[[Target], None],
) -> TargetFeed:
    from hourlyclicks.jobs.target_feed import TargetFeed  # noqa: PLC0415 - most runs have a list

    def days_of_one(target: Target, first: dt.date | None) -> DateRange | None:
        return days_of([target], {} if first is None else {target: first}).get(target)

    return TargetFeed(source, since, days_of=days_of_one, check=check)


async def _read(source: AsyncIterable[TargetItem], targets: TargetDays) -> None:
    async for item in source:
        targets.add(item)
