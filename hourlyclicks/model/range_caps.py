"""How many days one request may ask for.

The vendor caps ranges at 7 days, at 14 days, or at "1 month", by plan. What a month is stays open. Here it is
what every reading allows: from a day up to the day before the same day of the next month, at most 31 days.
Where the next month has no such day, its last day counts instead.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.quantities import count

if TYPE_CHECKING:
    from hourlyclicks.model.dates import DateRange

_LONGEST_MONTH = 31
_USUAL_MONTH = 30
_LAST = dt.date.max.toordinal()


@attrs.frozen
class RangeCap:
    """The most days that one request may ask for.

    A later first day never has an earlier last day, so a range may always be made shorter.

    Args:
        days: the number of days; ``None``: a month.

    Raises:
        UsageError: no day would be left.
    """

    days: int | None

    def __attrs_post_init__(self) -> None:
        if self.days is not None and self.days < 1:
            raise UsageError(f"a request asks for at least one day, not for {self}")

    @property
    def usual_days(self) -> int:
        """How many days a range of this length has as a rule; a few months have fewer days or one more."""
        return self.days or _USUAL_MONTH

    @property
    def most_days(self) -> int:
        """How many days a range has at most."""
        return self.days or _LONGEST_MONTH

    def last(self, first: dt.date) -> dt.date:
        """Return the last day of the longest range that begins on a day."""
        end = _in_next_month(first) if self.days is None else first.toordinal() + self.days
        return _day(end - 1)

    def first(self, last: dt.date) -> dt.date:
        """Return the first day of the longest range that ends on a day."""
        end = last.toordinal()
        earliest = max(1, end + 1 - (self.days or _LONGEST_MONTH))
        return next(
            day for day in map(dt.date.fromordinal, range(earliest, end + 1)) if self.last(day) >= last
        )

    def allows(self, days: DateRange) -> bool:
        """Return whether one request may ask for a range."""
        return days.end <= self.last(days.start)

    def smaller(self) -> RangeCap | None:
        """Return the next lower cap of the ladder; ``None`` after one day."""
        longest = self.days or _LONGEST_MONTH
        return next((cap for cap in LADDER if cap.days is not None and cap.days < longest), None)

    def __str__(self) -> str:
        if self.days is None:
            return "a month"
        return count(self.days, "day")


MONTH = RangeCap(None)

LADDER = (MONTH, RangeCap(14), RangeCap(7), RangeCap(1))
"""The caps to try, one after the other, where the plan is not known; the longest first."""


def _in_next_month(day: dt.date) -> int:
    """Return the ordinal of the same day of the next month, or of the last day of a month that is shorter."""
    year, month = day.year + day.month // 12, day.month % 12 + 1
    if year > dt.MAXYEAR:
        return _LAST + 1
    try:
        return dt.date(year, month, day.day).toordinal()
    except ValueError:  # the month is shorter, so it is not December
        return dt.date(year, month + 1, 1).toordinal() - 1


def _day(ordinal: int) -> dt.date:
    return dt.date.fromordinal(min(ordinal, _LAST))
