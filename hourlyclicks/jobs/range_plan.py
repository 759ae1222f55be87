"""Which ranges of days to ask for, so that they are as few as possible.

Theory. A range that begins on the first day that is still needed, and is as long as a request may be, is
always right: any range that covers that day ends no later, since an earlier range never ends later. So one
pass over the days gives the fewest ranges.

A request costs the same for one day as for a month. So each range is then *widened* over days that are not
needed but may have changed, as far as that adds no request. Days before a link was created, and days that
have not begun, are never asked for.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from hourlyclicks.model.dates import DateRange

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from hourlyclicks.model.range_caps import RangeCap

_DAY = dt.timedelta(days=1)


def plan_ranges(
    needed: Iterable[dt.date], cap: RangeCap, *, optional: Iterable[dt.date] = (), within: DateRange
) -> list[DateRange]:
    """Return the fewest ranges that cover the needed days, in order; `RangeCap.asked` is what to ask for.

    Args:
        needed: the days that must be covered.
        cap: how many days a range may have.
        optional: days to cover as well, where that adds no range.
        within: the days that can be asked for; all others are left out.
    """
    wanted = sorted({day for day in needed if day in within})
    ranges, place = [], 0
    while place < len(wanted):
        end = bisect_right(wanted, cap.last(wanted[place]), place)
        ranges.append(DateRange(wanted[place], wanted[end - 1]))
        place = end
    spare = {day for day in optional if day in within}.difference(wanted)
    return list(_widened(ranges, cap, spare, within)) if spare else ranges


def halves(refused: DateRange, needed: Collection[dt.date]) -> list[DateRange]:
    """Return the ranges to ask for after a range of several days was refused; none after a single day.

    A range may be refused because of one of its days. Halving finds that day in twice as many requests as the
    number of days has binary digits.

    Args:
        refused: the range.
        needed: the days that are needed of it; other days are not asked for again.
    """
    if refused.start == refused.end:
        return []
    middle = refused[(len(refused) - 1) // 2]
    wanted = sorted(day for day in needed if day in refused)
    place = bisect_right(wanted, middle)
    return [DateRange(half[0], half[-1]) for half in (wanted[:place], wanted[place:]) if half]


def _widened(
    ranges: Sequence[DateRange], cap: RangeCap, spare: set[dt.date], within: DateRange
) -> Iterator[DateRange]:
    """Yield each range with as many spare days as fit in; no two of them overlap."""
    left = sorted(spare.difference(*ranges))
    first = within.start
    for place, days in enumerate(ranges):
        after = place + 1
        last = ranges[after].start - _DAY if after < len(ranges) else within.end
        wide = _widest(days, cap, left, DateRange(first, last))
        first = min(wide.end, dt.date.max - _DAY) + _DAY
        yield wide


def _widest(days: DateRange, cap: RangeCap, spare: Sequence[dt.date], within: DateRange) -> DateRange:
    """Return the range that holds the most spare days, and no end that is neither spare nor needed.

    Of several such ranges it is the one that begins last, which has the newer days.
    """
    earliest = max(cap.first(days.end), within.start)
    starts = [*spare[bisect_left(spare, earliest) : bisect_left(spare, days.start)], days.start]

    def until(start: dt.date) -> int:
        """Return the place behind the last spare day that a range from there reaches."""
        return bisect_right(spare, min(cap.last(start), within.end))

    def gained(start: dt.date) -> tuple[int, dt.date]:
        return until(start) - bisect_left(spare, start), start

    start = max(starts, key=gained)
    place = until(start)
    end = max(days.end, spare[place - 1]) if place else days.end
    return DateRange(start, end)
