"""Widen the ranges of a backfill over days whose figures may have changed, where that adds no request.

A request costs the same for one day as for a month. So a range for yesterday and today also asks for the days
around them that are provisional or have failed, as far as the cap allows; a final day is asked for only where
it lies in between. A day that is due in this run as well is handed out with the range, and not again. Other
days are a gift: they are stored if the answer has them, count as nothing in the report, and are never worth a
request of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.jobs.range_plan import plan_ranges
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.zones import last_begun
from hourlyclicks.store.ledger import DayState

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.jobs.batches import Batch
    from hourlyclicks.jobs.remaining import Remaining
    from hourlyclicks.model.range_caps import RangeCap
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness

_CHANGING = {DayState.PROVISIONAL, DayState.FAILED}


class Widening:
    """Widen the batches of one backfill.

    Args:
        cache: the store.
        freshness: which days need a request.
        since: the first days of targets that have one; no earlier day is asked for.
    """

    def __init__(self, cache: DayCache, freshness: Freshness, since: Mapping[Target, dt.date]) -> None:
        self._cache = cache
        self._freshness = freshness
        self._since = since

    async def widen(self, batch: Batch, cap: RangeCap, left: Remaining | None) -> Batch:
        """Return a batch with the days that fit into its request.

        Args:
            batch: the batch.
            cap: how many days one request may ask for.
            left: what is left of its target; those of its days that are taken are handed out.
        """
        around = self._around(batch, cap)
        if around is None:
            return batch
        due, others = await self._changing(batch, around, left)
        ranges = plan_ranges(batch.days, cap, optional=due | others, within=around)
        if len(ranges) != 1:  # the cap was lowered since
            return batch
        taken = due.intersection(ranges[0])
        if left is not None:
            for day in taken:
                left.hand_out(left.bit(day))
        days = tuple(sorted(taken.union(batch.days)))
        return batch._replace(days=days, optional=tuple(sorted(others.intersection(ranges[0]))))

    def _around(self, batch: Batch, cap: RangeCap) -> DateRange | None:
        """Return the days that a range over a batch can reach; ``None``: it has no room for another day."""
        first, last = batch.days[0], batch.days[-1]
        latest = last_begun(self._cache.reader().now, self._freshness.zone)
        start = max(cap.first(last), self._since.get(batch.target, first.min))
        end = min(cap.last(first), latest)
        if start > first or end < last or (start, end) == (first, last):
            return None
        return DateRange(start, end)

    async def _changing(
        self, batch: Batch, around: DateRange, left: Remaining | None
    ) -> tuple[set[dt.date], set[dt.date]]:
        """Return the days around a batch that are due in this run, and others that may have changed."""
        reader, held = self._cache.reader(), set(batch.days)
        entries = {entry.date: entry for entry in await self._cache.entries(batch.target, around)}
        due = {
            day
            for day in _not_handed_out(left, around)
            if day not in held and self._cache.needs_request(entries.get(day), self._freshness)
        }
        changing = {
            day
            for day, entry in entries.items()
            if entry.requested and reader.state(entry) in _CHANGING and day not in held
        }
        return due, changing - due


def _not_handed_out(left: Remaining | None, around: DateRange) -> Collection[dt.date]:
    days = None if left is None else left.days.clip(around)
    if left is None or days is None:
        return ()
    return [day for day in days if not left.passed & left.bit(day)]
