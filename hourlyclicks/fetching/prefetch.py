"""The days of one call that need no request, read from the store page by page, ahead of the call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hourlyclicks.model.dates import CHUNK, DateRange
from hourlyclicks.store.ledger import DayState

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.freshness import Freshness


class Prefetch:
    """What the store has of the days of one call, read page by page as the call comes to them.

    Args:
        cache: where to read.
        target: the target.
        days: all days of the call.
        freshness: which days in the store need a request.
    """

    def __init__(self, cache: DayCache, target: Target, days: DateRange, freshness: Freshness) -> None:
        self._cache = cache
        self._target = target
        self._days = days
        self._freshness = freshness
        self._pages: dict[int, dict[dt.date, DayClicks | HourlyClicksError]] = {}
        self._reading = asyncio.Lock()

    async def count(self) -> int:
        """Return how many of the days need no request, as far as that can be told at once."""
        if self._freshness.refresh:
            return 0
        states = await self._cache.count_by_state(self._target, self._days)
        settled = states[DayState.FINAL] + states[DayState.EMPTY]
        return settled if self._freshness.refused else settled + states[DayState.REFUSED]

    async def find(self, day: dt.date) -> DayClicks | HourlyClicksError | None:
        """Return a day that needs no request; each is returned once."""
        number = self._days.index(day) // CHUNK
        if number not in self._pages:
            async with self._reading:
                if number not in self._pages:
                    self._pages = {
                        other: page for other, page in self._pages.items() if page and other >= number - 1
                    }
                    self._pages[number] = await self._read(number)
        return self._pages.get(number, {}).pop(day, None)

    async def _read(self, number: int) -> dict[dt.date, DayClicks | HourlyClicksError]:
        first, last = number * CHUNK, min((number + 1) * CHUNK, len(self._days)) - 1
        page = DateRange(self._days[first], self._days[last])
        return await self._cache.known(self._target, page, self._freshness)
