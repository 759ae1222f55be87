"""How many requests a backfill would send, counted from the store without sending any.

The rule is that of the backfill itself, `hourlyclicks.store.freshness.Freshness`. Where the number of days in
each state is enough, the store counts them; single days are read only if some of them may be stale.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from hourlyclicks.store.ledger import SETTLED, DayState

if TYPE_CHECKING:
    import datetime as dt
    from collections import Counter
    from collections.abc import Mapping

    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness, Reader
    from hourlyclicks.store.ledger import LedgerEntry

_BATCH = 64
"""Targets after which other tasks get their turn."""


class Ledger(Protocol):
    """What is known of the days of one account; `hourlyclicks.store.StoredAccount` is one."""

    async def targets(self) -> list[Target]:
        """Return the targets of which days were asked for."""
        ...

    async def count_by_state(
        self, target: Target, days: DateRange, *, reader: Reader | None = None
    ) -> Counter[DayState]:
        """Count the days of a range in each state as a reader sees them."""
        ...

    async def entries(self, target: Target, days: DateRange) -> list[LedgerEntry]:
        """Return what is known of each day of a range."""
        ...


class CachedLedger:
    """The ledger of the account that a client uses.

    Args:
        cache: the store as that client sees it.
    """

    def __init__(self, cache: DayCache) -> None:
        self._cache = cache

    async def targets(self) -> list[Target]:
        """See `Ledger.targets`."""
        account = await self._cache.account()
        return await self._cache.store.targets(account)

    async def count_by_state(
        self, target: Target, days: DateRange, *, reader: Reader | None = None
    ) -> Counter[DayState]:
        """See `Ledger.count_by_state`."""
        account = await self._cache.account()
        return await self._cache.store.count_by_state(account, target, days, reader=reader)

    async def entries(self, target: Target, days: DateRange) -> list[LedgerEntry]:
        """See `Ledger.entries`."""
        return await self._cache.entries(target, days)

    async def known_range(self, target: Target) -> DateRange | None:
        """See `Ledger.known_range`."""
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
    known, due = set(await ledger.targets()), 0
    for number, (target, days) in enumerate(ranges.items()):
        if number % _BATCH == 0:
            await asyncio.sleep(0)
        due += (
            await count_due_of(ledger, target, days, freshness=freshness, now=now)
            if target in known
            else len(days)
        )
    return due


async def count_due_of(
    ledger: Ledger, target: Target, days: DateRange, *, freshness: Freshness, now: dt.datetime
) -> int:
    """Return how many days of one target need a request."""
    states = await ledger.count_by_state(target, days, reader=freshness.reader(now))
    if states[DayState.PROVISIONAL] or (freshness.refused and states[DayState.REFUSED]):
        fresh = [not freshness.is_stale(entry, now) for entry in await ledger.entries(target, days)]
        return len(days) - sum(fresh)
    return len(days) - sum(states[state] for state in SETTLED | {DayState.REFUSED})
