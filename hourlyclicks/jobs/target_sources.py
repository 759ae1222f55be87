"""The targets of a run, read from any iterable or async iterable of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING

from hourlyclicks.jobs.stopping import Stopper
from hourlyclicks.model.target_days import TargetDays

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from hourlyclicks.jobs.backfill import Backfill
    from hourlyclicks.jobs.run_options import Order
    from hourlyclicks.jobs.stopping import StopCondition
    from hourlyclicks.jobs.target_feed import TargetFeed
    from hourlyclicks.model.report import BackfillReport, StopReason
    from hourlyclicks.model.target_days import FirstDays, TargetItem, TargetSource
    from hourlyclicks.model.targets import Target


class Collected:
    """The targets of a run.

    Args:
        targets: the targets.
        stop: when the run is to stop.
        stopped: why it was stopped while the targets were read; ``None``: these are all.
        feed: reads the targets during the run.
    """

    def __init__(
        self,
        targets: TargetDays,
        stop: StopCondition,
        stopped: StopReason | None = None,
        *,
        feed: TargetFeed | None = None,
    ) -> None:
        self.targets = targets
        self.feed = feed
        self._stop = stop
        self._stopped = stopped

    @property
    def since(self) -> dict[Target, dt.date]:
        """The first days of the targets; with a feed, of those that were read so far."""
        return self.targets.since if self.feed is None else self.feed.since

    async def run(self, backfill: Backfill) -> BackfillReport:
        """Run a backfill of these targets until it is to stop."""
        stop = self._stop
        if self._stopped is not None:
            return backfill.unlisted(self._stopped)
        return await backfill.run(seconds=stop.left, event=stop.event, until=stop.until)


async def collect_targets(
    source: TargetSource,
    since: FirstDays | None,
    stop: StopCondition,
    *,
    feed: Callable[[AsyncIterable[TargetItem]], TargetFeed],
    order: Order,
) -> Collected:
    """Read the targets of a run.

    Those of an async iterable are read during the run. But the order ``newest-day`` begins with a day of
    each target: then all are read before, until the run is to stop.

    Args:
        source: the targets.
        since: first days by target.
        stop: when the run is to stop.
        feed: makes what reads an async iterable.
        order: the order of the requests.

    Raises:
        UsageError: something in it is no target.
        HourlyClicksError: reading them failed.
    """
    if not isinstance(source, AsyncIterable):
        return Collected(TargetDays.of(source, since), stop)
    if order != "newest-day":
        return Collected(TargetDays(since), stop, feed=feed(source))
    targets = TargetDays(since)
    reading = asyncio.ensure_future(_read(source, targets))
    reasons: list[StopReason] = []

    def end(reason: StopReason) -> None:
        reasons.append(reason)
        reading.cancel()

    try:
        with Stopper(stop.clock, end).watch(stop.left, stop.event, stop.until):
            await asyncio.wait([reading])
    except asyncio.CancelledError:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        raise
    if reasons and reading.cancelled():
        return Collected(targets, stop, reasons[0])
    reading.result()
    return Collected(targets, stop)


async def _read(source: AsyncIterable[TargetItem], targets: TargetDays) -> None:
    async for item in source:
        targets.add(item)
