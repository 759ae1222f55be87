"""How many days one request may ask for.

The vendor caps ranges at 7 days, at 14 days, or at "1 month", by plan. What a month is stays open. Here it is
what every reading allows: from a day up to the day before the same day of the next month, at most 31 days.
Where the next month has no such day, its last day counts instead.
"""

from __future__ import annotations

import datetime as dt

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.quantities import count

_LONGEST_MONTH = 31
_USUAL_MONTH = 30
_LAST = dt.date.max.toordinal()


@attrs.frozen
class RangeCap:
    """The most days that one request may ask for.

    A server may leave out the first or the last day of each range. A range then has to be asked for with a
    day more at that end, and is shorter by that day; see `asked`.

    A later first day never has an earlier last day, so a range may always be made shorter.

    Args:
        days: the number of days; ``None``: a month.
        before: how many days at its start a server leaves out, 0 or 1.
        after: how many days at its end a server leaves out, 0 or 1.

    Raises:
        UsageError: no day would be left.
    """

    days: int | None
    before: int = 0
    after: int = 0

    def __attrs_post_init__(self) -> None:
        if self.days is not None and self.days <= self.before + self.after:
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
        start = max(1, first.toordinal() - self.before)
        end = _in_next_month(dt.date.fromordinal(start)) if self.days is None else start + self.days
        return _day(end - 1 - self.after)

    def first(self, last: dt.date) -> dt.date:
        """Return the first day of the longest range that ends on a day."""
        end = last.toordinal()
        earliest = max(1, end + 1 - (self.days or _LONGEST_MONTH))
        return next(
            day for day in map(dt.date.fromordinal, range(earliest, end + 1)) if self.last(day) >= last
        )

    def asked(self, days: DateRange) -> DateRange:
        """Return the range to ask for, so that a server answers for these days."""
        start = max(1, days.start.toordinal() - self.before)
        return DateRange(dt.date.fromordinal(start), _day(days.end.toordinal() + self.after))

    def allows(self, days: DateRange) -> bool:
        """Return whether one request may ask for a range."""
        return days.end <= self.last(days.start)

    def smaller(self) -> RangeCap | None:
        """Return the next lower cap of the ladder, with nothing left out; ``None`` after one day."""
        longest = self.days or _LONGEST_MONTH
        return next((cap for cap in LADDER if cap.days is not None and cap.days < longest), None)

    def __str__(self) -> str:
        if self.days is None:
            return "a month"
        return count(self.days, "day")


MONTH = RangeCap(None)

LADDER = (MONTH, RangeCap(14), RangeCap(7), RangeCap(1))
"""The caps to try, one after the other, where the plan is not known; the longest first."""


def cap_checks(day: dt.date, cap: RangeCap, *, within: DateRange) -> list[DateRange]:
    """Return ranges that show whether a server answers for as many days as a cap says.

    One begins on a day that has clicks, one ends on it, and both are as long as a request may be. If an
    answer lacks that day, or is a refusal, the server answers for fewer days. If both have it, the server
    cuts no range of that length, see `hourlyclicks.model.range_proof`.

    Args:
        day: a day that is known to have clicks.
        cap: the cap in question. With the days that the server leaves out, the ranges are longer by these.
        within: the days that can be asked for; none of the two ranges is made shorter because of them.
    """
    ranges = (cap.asked(DateRange(day, cap.last(day))), cap.asked(DateRange(cap.first(day), day)))
    return [asked for asked in ranges if asked.start in within and asked.end in within]


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
