"""The store as one client sees it: opened with the first use, and narrowed to the days of its account."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.fetching.store_latch import StoreLatch
from hourlyclicks.model.series_builder import SeriesBuilder
from hourlyclicks.store.daily import is_due
from hourlyclicks.store.freshness import Reader
from hourlyclicks.store.ledger import SETTLED

if TYPE_CHECKING:
    import datetime as dt
    from collections import Counter
    from collections.abc import Callable, Sequence

    from hourlyclicks.clock import Clock
    from hourlyclicks.model.daily import DailyClicks
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.range_record import RangeRecord
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.state import StoreState
    from hourlyclicks.model.targets import Query, Target
    from hourlyclicks.store.freshness import Freshness
    from hourlyclicks.store.ledger import DayState, LedgerEntry
    from hourlyclicks.store.protocol import RangeChange, Store
    from hourlyclicks.store.target_summary import TargetSummary

ENTRIES = 512
"""Ledger entries that are read at a time; they are smaller than days."""


class AccountStore:
    """What a store has of one account.

    Args:
        store: where it is.
        owned: whether to close the store in the end.
        fingerprint: makes the name of the account in the store from the salt of the store.
        zone: the account's time zone, if it is known.
        clock: what time it is.

    Attributes:
        store: where it is, until this is closed.
    """

    store: Store

    def __init__(
        self,
        store: Store,
        *,
        owned: bool,
        fingerprint: Callable[[bytes], str],
        zone: dt.tzinfo | None,
        clock: Clock,
    ) -> None:
        self._latch = StoreLatch(store)
        self.store = cast("Store", self._latch)
        self._given_store = store
        self._owned = owned
        self._fingerprint = fingerprint
        self._zone = zone
        self._clock = clock
        self._account: int | None = None
        self._closed = False
        self._opening = asyncio.Lock()

    async def account(self) -> int:
        """Return the number of the account; the first call opens the store."""
        if self._closed:
            raise UsageError("the client is closed", fatal=True)
        if self._account is not None:
            return self._account
        async with self._opening:
            return await self._open()

    async def _open(self) -> int:
        """Open the store, unless another call has done so, or closed this, while this one waited."""
        if self._closed or self._account is not None:
            return await self.account()
        await self.store.open()
        self._account = await self.store.account(self._fingerprint(await self.store.salt()))
        return self._account

    def reader(self) -> Reader:
        """Return the rules by which the store is read at this moment."""
        return Reader(self._clock.wall(), self._zone)

    def describe(self) -> StoreState:
        """Return what the store is, and where."""
        from hourlyclicks.model.state import StoreState  # noqa: PLC0415 - many programs never ask

        store = self._given_store
        kind = getattr(store, "kind", type(store).__name__)
        return StoreState(kind=str(kind), location=getattr(store, "location", None))

    async def entries(self, target: Target, days: DateRange) -> list[LedgerEntry]:
        """Return what is known of some days; see `Store.entries`."""
        return await self.store.entries(await self.account(), target, days)

    async def count_by_state(self, target: Target, days: DateRange) -> Counter[DayState]:
        """Count some days by their states as they are seen now; see `Store.count_by_state`."""
        return await self.store.count_by_state(await self.account(), target, days, reader=self.reader())

    async def summarize(
        self, targets: Sequence[Target], days: DateRange | None, freshness: Freshness
    ) -> list[TargetSummary]:
        """Count days of many targets by their states as they are seen now; see `Store.summarize`."""
        account, now = await self.account(), self._clock.wall()
        return await self.store.summarize(account, targets, days, freshness=freshness, now=now)

    async def failing(self) -> list[Target]:
        """Return the targets of which days have failed."""
        return await self.store.targets(await self.account(), failing=True)

    async def series(self, target: Target, days: DateRange) -> HourlySeries:
        """Return the figures that the store has of some days, however old they are."""
        account, reader, builder = await self.account(), self.reader(), SeriesBuilder(target, days)
        for chunk in days.chunks(ENTRIES):
            states = {
                entry.date: reader.state(entry) for entry in await self.store.entries(account, target, chunk)
            }
            for day in await self.store.read(account, target, chunk):
                builder.add(attrs.evolve(day, final=states.get(day.date) in SETTLED))
        return builder.build()

    async def doubt(self, query: Query) -> bool:
        """Put the figures of a day in doubt; see `Store.doubt`."""
        return await self.store.doubt(await self.account(), query.target, query.day)

    async def known_sums(
        self, target: Target, days: DateRange, freshness: Freshness
    ) -> dict[dt.date, DailyClicks]:
        """Return the sums of those of some days that need no request."""
        reader, stored = self.reader(), await self.store.read_daily(await self.account(), target, days)
        return {
            day.date: attrs.evolve(day, final=reader.is_final(day.date, day.fetched_at, said=day.final))
            for day in stored
            if not is_due(day, freshness, reader.now)
        }

    async def put_sums(self, target: Target, days: Sequence[DailyClicks]) -> None:
        """Put the sums of days into the store."""
        await self.store.put_daily(await self.account(), target, days, reader=self.reader())

    async def range_record(self, endpoint: str) -> RangeRecord:
        """Return what is known of an endpoint for ranges of days; see `Store.range_record`."""
        return await self.store.range_record(await self.account(), endpoint)

    async def change_range_record(self, endpoint: str, change: RangeChange) -> RangeRecord:
        """Change what is known of an endpoint for ranges of days; see `Store.change_range_record`."""
        return await self.store.change_range_record(await self.account(), endpoint, change)

    async def close(self) -> None:
        """Stop using the store, and close it if it is owned."""
        self._closed = True
        self._latch.shut()  # at once, so that no call in progress opens it again
        if self._owned:
            await self._given_store.close()
