"""Fetch batches of days with requests for ranges, and day by day what these leave open.

A batch is one request if all goes well. Otherwise it ends as single days, which are asked for by version 2:

* Days that are in flight elsewhere are not asked for; they are waited for at the end.
* A range that is refused is asked for in shorter ones. If the length may be the reason, these are the next
  shorter ones of the ladder. When all of them were answered, so that none of its days is the reason, the cap
  is lowered. Otherwise they are halves; if too many are refused in a row, the target is the reason, and not
  one of its days. A single day is left to version 2, so only a day that version 2 rejects is rejected.
* Days that an answer is not certain about are asked for in ranges that are no longer than what is proved not
  to be cut, once; those that are still open are left to version 2. So are those of an answer without rows,
  as long as it is not proved that shorter ranges are answered for as a whole.
* After any other error of the endpoint itself, all of its days are.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from typing import TYPE_CHECKING, TypeAlias

import attrs

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.fetching.range_exchange import is_about_range
from hourlyclicks.jobs.range_plan import halves, plan_ranges
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.questions import Question
from hourlyclicks.model.range_caps import RangeCap
from hourlyclicks.model.spans import spans
from hourlyclicks.model.targets import Query
from hourlyclicks.pacing.queue import HeldError
from hourlyclicks.wire.clicks_by_range import CLICKS_BY_RANGE
from hourlyclicks.wire.range_endpoint import is_refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hourlyclicks.fetching.range_fetcher import RangeFetcher
    from hourlyclicks.fetching.range_task import Outcomes
    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.jobs.batches import Batch
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.model.targets import Target

_ONE_DAY = RangeCap(1)
_MOST_REFUSALS = 5
"""How many ranges in a row are refused at most because of one day: that of a month, and the four halves."""

Days: TypeAlias = "Sequence[dt.date]"


@attrs.define(eq=False)
class _Refused:
    """A range that was refused, perhaps because of its length.

    Args:
        open: how many of the shorter ranges in its place are not answered.
    """

    open: int


@attrs.frozen
class _Part:
    """A part of a batch.

    Args:
        days: the days, in order.
        cap: the cap that it was made for, after a longer range was refused.
        refused: that range.
        again: whether an answer was not certain about them before.
        optional: further days that the same request can ask for; they are not asked for again, except in a
            shorter range that is needed anyway.
    """

    days: Days
    cap: RangeCap | None = None
    refused: _Refused | None = None
    again: bool = False
    optional: Days = ()

    @property
    def asked(self) -> DateRange:
        """The range to ask for."""
        days = [*self.days, *self.optional]
        return DateRange(min(days), max(days))

    @property
    def is_single(self) -> bool:
        """Whether this is a single day."""
        return len(self.days) + len(self.optional) == 1


@attrs.define
class _Left:
    """What is left of a batch.

    Args:
        parts: what to ask for by ranges.
        single: the days that are left to version 2.
        refusals: how many ranges in a row were refused.
    """

    parts: deque[_Part]
    single: list[dt.date] = attrs.field(factory=list)
    refusals: int = 0

    def put_first(self, parts: Sequence[_Part]) -> None:
        """Put parts in front of the others; those of one day are left to version 2."""
        self.single += [part.days[0] for part in parts if part.is_single]
        self.parts.extendleft(reversed([part for part in parts if not part.is_single]))
        if any(part.cap == _ONE_DAY for part in parts):  # ranges of all lengths are refused
            self.give_up()

    def give_up(self) -> None:
        """Leave everything to version 2."""
        self.single += [day for part in self.parts for day in part.days]
        self.parts.clear()


class RangeWork:
    """Fetch the batches of one call.

    Args:
        fetcher: fetches ranges.
        caller: the call.
        services: the parts of the client.
        done: called with each day that is answered or has failed.
        by_day: fetches a single day, and counts it.
    """

    def __init__(
        self,
        fetcher: RangeFetcher,
        *,
        caller: Caller,
        services: Services,
        done: Callable[[Query, DayClicks | HourlyClicksError], None],
        by_day: Callable[[Query], Awaitable[None]],
    ) -> None:
        self._fetcher = fetcher
        self._state = fetcher.state
        self._caller = caller
        self._single_flight = services.single_flight
        self._done = done
        self._by_day = by_day

    async def fetch(self, batch: Batch) -> None:
        """Fetch a batch.

        Raises:
            OverError: the call is over.
            HourlyClicksError: a fatal error, or one of `by_day`.
        """
        if self._state.settled:
            single = await self._fetch_ranges(batch)
        else:  # one batch at a time finds out what the server does
            async with self._state.proving:
                single = await self._fetch_ranges(batch)
        for day in sorted(single):
            await self._by_day(Query(day, batch.target))

    async def _fetch_ranges(self, batch: Batch) -> list[dt.date]:
        """Fetch a batch by ranges, and return the days that are left to version 2."""
        left = _Left(deque([_Part(batch.days, optional=batch.optional)]))
        while left.parts:
            await self._take_part(batch.target, left)
        return left.single

    async def _take_part(self, target: Target, left: _Left) -> None:
        """Fetch the first part, and put what is left of it in its place."""
        part = left.parts.popleft()
        days = self._not_in_flight(target, part.days)
        left.single += set(part.days).difference(days)
        optional = self._not_in_flight(target, part.optional) if days else []
        if len(days) + len(optional) < 2 or not await self._fetcher.memory.usable():  # noqa: PLR2004 - a range has two
            left.single += days
            return
        part = attrs.evolve(part, days=days, optional=optional)
        if not self._state.cap.allows(part.asked):  # it was made before the cap was lowered
            fitting = plan_ranges(days, self._state.cap, within=part.asked)
            left.put_first([_part_of(days, each) for each in fitting])
            return
        left.put_first(await self._fetch_part(target, part, left))
        if left.refusals > _MOST_REFUSALS:
            left.give_up()

    async def _fetch_part(self, target: Target, part: _Part, left: _Left) -> list[_Part]:
        """Fetch a part, and return what is left of it; a part of one day is left to version 2."""
        outcomes: Outcomes = {}
        try:
            await self._ask(target, part, outcomes)
        except HeldError:
            return _alone(_open(part, outcomes))
        except HourlyClicksError as error:
            if error.fatal or not is_about_range(error):
                raise
            open_ = _open(part, outcomes)
            if not is_refusal(error):
                return _alone(open_)
            left.refusals += 1
            optional = [day for day in part.optional if day not in outcomes]
            return self._shorter(attrs.evolve(part, days=open_, optional=optional))
        left.refusals = 0
        await self._lower_cap(part)
        return self._left(part, outcomes)

    async def _ask(self, target: Target, part: _Part, outcomes: Outcomes) -> None:
        """Send a request for a part, and report the days that are done, also if an error follows."""
        days = sorted([*part.days, *part.optional])
        question = Question(days[0], days[-1], target, CLICKS_BY_RANGE.name)
        fetch = self._fetcher.fetch_range
        try:
            await self._single_flight.fetch_range(
                question, days, self._caller, fetch, optional=part.optional, outcomes=outcomes
            )
        finally:
            for day in part.days:
                if day in outcomes:
                    self._done(Query(day, target), outcomes[day])

    def _not_in_flight(self, target: Target, days: Days) -> list[dt.date]:
        return [day for day in days if not self._single_flight.is_in_flight(Query(day, target))]

    async def _lower_cap(self, part: _Part) -> None:
        """Note that a range was answered, perhaps the last one in place of a longer one that was refused."""
        cap, refused, longest = part.cap, part.refused, self._state.cap
        if cap is None or refused is None:
            return
        refused.open -= 1
        if not refused.open and cap.days is not None and (longest.days is None or cap.days < longest.days):
            await self._fetcher.memory.lower_cap(cap)

    def _shorter(self, part: _Part) -> list[_Part]:
        """Return what to ask for after a range was refused."""
        asked = part.asked
        if self._state.reach >= len(asked):  # its length is not the reason
            return [_part_of(part.days, half) for half in halves(asked, part.days)]
        cap = part.cap or self._state.cap
        while cap.allows(asked):
            cap = cap.smaller() or _ONE_DAY
        shorter = plan_ranges(part.days, cap, optional=part.optional, within=asked)
        # An optional day that no shorter range has room for may be the reason.
        instead = _Refused(len(shorter)) if _cover(shorter, part.optional) else None
        return [
            attrs.evolve(_part_of(part.days, days, part.optional), cap=cap, refused=instead)
            for days in shorter
        ]

    def _left(self, part: _Part, outcomes: Outcomes) -> list[_Part]:
        """Return what to ask for after an answer that was not certain about some days."""
        left = _open(part, outcomes)
        longest = max(1, self._state.reach)
        seen = any(isinstance(found, DayClicks) and found.reported_hours for found in outcomes.values())
        if part.again or not left or not (seen or 1 < self._state.whole < len(part.days)):
            return _alone(left)
        return [
            _part_of(left, days, again=True)
            for stretch in spans(left)
            for days in plan_ranges(left, RangeCap(longest), within=DateRange(*stretch))
        ]


def _open(part: _Part, outcomes: Outcomes) -> list[dt.date]:
    return [day for day in part.days if day not in outcomes]


def _alone(days: Days) -> list[_Part]:
    return [_Part([day]) for day in days]


def _part_of(days: Days, within: DateRange, optional: Days = (), *, again: bool = False) -> _Part:
    return _Part(
        [day for day in days if day in within],
        again=again,
        optional=[day for day in optional if day in within],
    )


def _cover(ranges: Sequence[DateRange], days: Days) -> bool:
    """Return whether each of the days is in one of the ranges."""
    return all(any(day in range_ for range_ in ranges) for day in days)
