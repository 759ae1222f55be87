"""Which day of a target shows whether the target is answered at all: its witness."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import TYPE_CHECKING

from hourlyclicks.jobs.earlier_answers import NO_ANSWERS, read_earlier_answers
from hourlyclicks.model.targets import Query
from hourlyclicks.model.zones import is_final
from hourlyclicks.store.ledger import WITH_FIGURES, DayState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.jobs.earlier_answers import EarlierAnswers
    from hourlyclicks.jobs.parking import Parking
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.targets import Target

_ONE_DAY = dt.timedelta(days=1)
_LOOKED_AT = 50
"""Targets at each end of the list among which a witness is looked for, in one query."""


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
        self._targets = list(ranges)  # also those that turn out to have no gap
        self._newest_first = newest_first
        self._freshness = caller.freshness
        self._parking = parking
        self._cache = services.cache
        self._zone = services.zone
        self._clock = services.clock
        self._earlier: dict[Target, EarlierAnswers] = {}
        self._elsewhere: Query | None = None

    def add(self, targets: Iterable[Target]) -> None:
        """Note targets that were added to the ranges."""
        self._targets.extend(targets)

    async def find(self, target: Target) -> Query:
        """Return a day that was answered, in this call or before; else the one at the other end."""
        day = (
            self._parking.known(target)
            or (await self.earlier_answers(target)).day
            or self._other_end(self._ranges[target])
        )
        return Query(day, target)

    async def answered_before(self, target: Target) -> Query | None:
        """Return a day of a target that was answered in an earlier call."""
        day = (await self.earlier_answers(target)).day
        return None if day is None else Query(day, target)

    async def elsewhere(self) -> Query | None:
        """Return a day of a target of which none was rejected: one with figures, or else one to be fetched.

        It is looked for among the first and the last of these targets. Without figures it is the last one
        that has not failed before: wrong links often come together, and each run tries another target.
        ``None``: each of them was rejected.
        """
        last = self._not_rejected(reversed(self._targets))
        failed: set[Target] = set()
        recorded: set[Target] = set()
        if self._cache is not None:
            others = dict.fromkeys([*self._not_rejected(self._targets), *last])
            for summary in await self._cache.summarize(list(others), None, self._freshness):
                if summary.states[DayState.FAILED]:
                    failed.add(summary.target)
                if summary.range is not None:
                    recorded.add(summary.target)
                if summary.range is not None and any(summary.states[state] for state in WITH_FIGURES):
                    known = await read_earlier_answers(
                        self._cache,
                        summary.target,
                        summary.range,
                        began=self._freshness.began,
                        newest_first=False,
                    )
                    if known.day is not None:
                        self._elsewhere = Query(known.day, summary.target)
                        return self._elsewhere
        due = sorted((target for target in last if target in self._ranges), key=failed.__contains__)
        if not due:
            return None
        days = self._ranges[due[0]]
        if self._cache is not None and due[0] not in recorded:  # or a sync would begin with the witness
            self._cache.note_beginning(Query(days.start, due[0]))
        return Query(self._other_end(days), due[0])

    def _not_rejected(self, targets: Iterable[Target]) -> list[Target]:
        """Return the first targets of which no day was rejected in this call."""
        rejected = self._parking.was_rejected
        return list(islice((target for target in targets if not rejected(target)), _LOOKED_AT))

    async def earlier_answers(self, target: Target) -> EarlierAnswers:
        """Return what the store had of the other days of a target when this was first called."""
        if self._cache is None:
            return NO_ANSWERS
        found = self._earlier.get(target)
        if found is None:
            found = self._earlier[target] = await read_earlier_answers(
                self._cache,
                target,
                self._ranges[target],
                began=self._freshness.began,
                newest_first=self._newest_first,
            )
        return found

    def has_figures(self, query: Query) -> bool:
        """Return whether a day is known to have figures in the store."""
        earlier = self._earlier.get(query.target)
        return query == self._elsewhere or (earlier is not None and earlier.day == query.day)

    def _other_end(self, days: DateRange) -> dt.date:
        """Return the last day to be requested, if possible one that is over."""
        if self._newest_first:
            return days.start
        now, day = self._clock.wall(), days.end
        while day > days.start and not is_final(day, now, self._zone):
            day -= _ONE_DAY
        return day if is_final(day, now, self._zone) else days.end
