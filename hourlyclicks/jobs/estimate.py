"""How many requests a backfill would send, counted from the store without sending any.

The rule is that of the backfill itself, `hourlyclicks.store.freshness.Freshness`. The store counts the days
of many targets at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hourlyclicks.errors import UsageError
from hourlyclicks.jobs.range_plan import plan_ranges
from hourlyclicks.model.checks import check_whole
from hourlyclicks.store.target_summary import batches

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.range_caps import RangeCap
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness
    from hourlyclicks.store.ledger import LedgerEntry
    from hourlyclicks.store.target_summary import TargetSummary

_MOST_REQUESTS = 10**12


class Ledger(Protocol):
    """What is known of the days of one account; `hourlyclicks.store.StoredAccount` is one."""

    async def summarize(
        self, targets: Sequence[Target], days: DateRange | None, *, freshness: Freshness, now: dt.datetime
    ) -> list[TargetSummary]:
        """Return for each target how many days of a range are due."""
        ...

    async def entries(self, target: Target, days: DateRange) -> list[LedgerEntry]:
        """Return what is known of each day of a range, in order; days without a request are left out."""
        ...


class CachedLedger:
    """The ledger of the account that a client uses.

    Args:
        cache: the store as that client sees it.
    """

    def __init__(self, cache: DayCache) -> None:
        self._cache = cache

    async def summarize(
        self, targets: Sequence[Target], days: DateRange | None, *, freshness: Freshness, now: dt.datetime
    ) -> list[TargetSummary]:
        """See `Ledger.summarize`."""
        account = await self._cache.account()
        return await self._cache.store.summarize(account, targets, days, freshness=freshness, now=now)

    async def entries(self, target: Target, days: DateRange) -> list[LedgerEntry]:
        """See `hourlyclicks.jobs.gaps.RangedLedger.entries`."""
        return await self._cache.entries(target, days)

    async def known_range(self, target: Target) -> DateRange | None:
        """See `hourlyclicks.jobs.gaps.RangedLedger.known_range`."""
        return await self._cache.store.known_range(await self._cache.account(), target)


async def count_due(
    ledger: Ledger | None, ranges: Mapping[Target, DateRange], *, freshness: Freshness, now: dt.datetime
) -> int:
    """Return how many days of all targets need a request.

    Args:
        ledger: what is known of them; ``None``: nothing, so that all of them do.
        ranges: the days of each target.
        freshness: what the backfill wants of days that are in the store.
        now: the present moment.
    """
    if ledger is None or freshness.refresh:
        return sum(map(len, ranges.values()))
    due = 0
    for days, targets in in_batches(ranges):
        summaries = await ledger.summarize(targets, days, freshness=freshness, now=now)
        due += sum(summary.due for summary in summaries)
    return due


def count_all(days: DateRange, targets: int, cap: RangeCap | None) -> int:
    """Return how many requests all days of so many targets take.

    Args:
        days: the days of each target.
        targets: how many targets there are.
        cap: how many days one request may ask for; ``None``: a day each.

    Raises:
        UsageError: that is no number of targets, or there are too many.
    """
    check_whole("targets", targets, least=0)
    if len(days) * targets > _MOST_REQUESTS:
        raise UsageError(f"{targets} targets are too many for an estimate")
    return targets * (len(days) if cap is None else count_ranges(days, cap))


def count_ranges(days: DateRange, cap: RangeCap) -> int:
    """Return how many requests for ranges all days take."""
    return len(plan_ranges(days, cap, within=days))


async def count_requests(
    ledger: Ledger | None,
    ranges: Mapping[Target, DateRange],
    cap: RangeCap | None,
    *,
    freshness: Freshness,
    now: dt.datetime,
) -> int:
    """Return how many requests the days of all targets take that need one.

    Args:
        ledger: what is known of them; ``None``: nothing.
        ranges: the days of each target.
        cap: how many days one request may ask for; ``None``: a day each.
        freshness: what the backfill wants of days that are in the store.
        now: the present moment.
    """
    if cap is None:
        return await count_due(ledger, ranges, freshness=freshness, now=now)
    if ledger is None or freshness.refresh:
        return sum(count_ranges(days, cap) for days in ranges.values())
    requests = 0
    for days, targets in in_batches(ranges):
        for summary in await ledger.summarize(targets, days, freshness=freshness, now=now):
            if summary.due == len(days):
                requests += count_ranges(days, cap)
            elif summary.due:
                entries = await ledger.entries(summary.target, days)
                known = {entry.date for entry in entries if not freshness.is_stale(entry, now)}
                requests += len(plan_ranges((day for day in days if day not in known), cap, within=days))
    return requests


def in_batches(ranges: Mapping[Target, DateRange]) -> Iterator[tuple[DateRange, Sequence[Target]]]:
    """Yield the targets with the same days in parts that are summarized at a time, see `batches`."""
    alike: dict[DateRange, list[Target]] = {}
    for target, days in ranges.items():
        alike.setdefault(days, []).append(target)
    for days, targets in alike.items():
        for batch in batches(targets, days):
            yield days, batch
