"""Which day of a target shows whether the target is answered at all: its witness."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks.fetching.cache import NOTHING
from hourlyclicks.model.dates import is_final
from hourlyclicks.model.targets import Query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks.fetching.cache import TargetHistory
    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.jobs.parking import Parking
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.targets import Target

_ONE_DAY = dt.timedelta(days=1)


class Witnesses:
    """Choose the witnesses of one call.

    Args:
        ranges: the days of each target of the call.
        newest_first: whether it requests the last of them first.
        caller: the call.
        parking: knows which days were answered in this call.
        services: the parts of the client.
    """

    def __init__(
        self,
        ranges: Mapping[Target, DateRange],
        *,
        newest_first: bool,
        caller: Caller,
        parking: Parking,
        services: Services,
    ) -> None:
        self._ranges = ranges
        self._newest_first = newest_first
        self._began = caller.freshness.began
        self._parking = parking
        self._cache = services.cache
        self._zone = services.zone
        self._clock = services.clock
        self._histories: dict[Target, TargetHistory] = {}

    async def find(self, target: Target) -> Query:
        """Return a day that was answered, in this call or before; else the one at the other end."""
        day = (
            self._parking.known(target)
            or (await self.history(target)).day
            or self._other_end(self._ranges[target])
        )
        return Query(day, target)

    async def answered_before(self, target: Target) -> Query | None:
        """Return a day of a target that was answered in an earlier call."""
        day = (await self.history(target)).day
        return None if day is None else Query(day, target)

    async def history(self, target: Target) -> TargetHistory:
        """Return what the store had of the other days of a target when this was first called."""
        if self._cache is None:
            return NOTHING
        found = self._histories.get(target)
        if found is None:
            found = self._histories[target] = await self._cache.history(
                target, self._ranges[target], began=self._began, newest_first=self._newest_first
            )
        return found

    def has_figures(self, query: Query) -> bool:
        """Return whether a day is known to have figures in the store."""
        history = self._histories.get(query.target)
        return history is not None and history.day == query.day

    def _other_end(self, days: DateRange) -> dt.date:
        """Return the last day to be requested, if possible one that is over."""
        if self._newest_first:
            return days.start
        now, day = self._clock.wall(), days.end
        while day > days.start and not is_final(day, now, self._zone):
            day -= _ONE_DAY
        return day if is_final(day, now, self._zone) else days.end
