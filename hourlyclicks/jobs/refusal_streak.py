"""Whether the API refuses single days, or every day of a target: a circuit breaker for ranges.

When `ROW` refusals of single days in a row are alike, one other day decides: one that was answered before,
or else the one at the other end of the range. If it is refused in the same way, so is every day. Otherwise
only those days are refused, and refusals of that kind call for no other check until the next answer. The
answer of a gateway to a range counts like a refusal, and so does one that no retry changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.jobs.parking import ROW
from hourlyclicks.model.rejections import is_lasting, likeness

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.rejections import Likeness


class RefusalStreak:
    """The refusals of single days in a row.

    Args:
        days: the days of the call.
    """

    def __init__(self, days: DateRange) -> None:
        self._days = days
        self._like: Likeness | None = None
        self._length = 0
        self._known: dt.date | None = None

    def answered(self, days: DateRange) -> None:
        """Note that a range was answered."""
        self._known = days.start
        self._like, self._length = None, 0

    def refused(self, day: dt.date, error: HourlyClicksError) -> dt.date | None:
        """Note that a day was refused; return the day to ask for as a check, if it is time for one."""
        like = _like(error)
        if like != self._like:
            self._like, self._length = like, 0
        self._length += 1
        if self._length != ROW:
            return None
        if self._known is not None:
            return self._known
        return self._days.end if day != self._days.end else self._days.start

    def is_like(self, error: HourlyClicksError) -> bool:
        """Return whether an error is the refusal that the days in a row have met."""
        return _like(error) == self._like


def _like(error: HourlyClicksError) -> Likeness | None:
    return likeness(error) if is_lasting(error) else None
