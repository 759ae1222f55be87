"""What the API does with a range of days, as far as its documentation leaves it open.

It says how many days a plan may ask for at once. It does not say what happens to a longer range, whether both
ends are included, or what "1 month" is. Each possibility is a switch here.
"""

from __future__ import annotations

import calendar
import datetime as dt
import http
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.simulator.rules import Cap

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.simulator.traffic import Cells

TooLong: TypeAlias = Literal["refuse", "cut_end", "cut_start", "whole"]
"""What becomes of a range that is too long: it is refused, cut silently, or answered as a whole."""

Month: TypeAlias = Literal["calendar", "30", "31"]
"""What a month is: up to the day before the same day of the next month, or so many days."""

Excluded: TypeAlias = Literal["nothing", "start", "end", "both"]
"""Which ends of a range are not answered for."""

SilentDays: TypeAlias = Literal["omit", "zeros"]
"""A day without clicks has no row, or rows of zeros."""

_HOURS = 24
_STATUSES = {200, 400, 422}
_ERRORS = {status.value for status in http.HTTPStatus if status.value >= http.HTTPStatus.BAD_REQUEST}


@attrs.frozen(kw_only=True)
class RangeRules:
    """How a server answers for ranges of days. By default: as one would hope.

    Args:
        cap: how many days a request may really name; ``None``: as many as the plan says.
        month: what a month is.
        too_long: what the server does with a longer range.
        refusal: the HTTP status of its refusal: 200, 400 or 422, each with an envelope.
        excludes: which ends of a range are not answered for.
        shift: how many hours later than in version 2 the figures are, -24 to 24; not those of
            ``clicks-by-date``.
        silent_days: whether days without clicks have rows.
        missing: the HTTP status with which version 3 is missing, such as 404 or 410; ``None``: it exists.

    Raises:
        UsageError: a value is not among the possible ones.
    """

    cap: Cap | None = None
    month: Month = "calendar"
    too_long: TooLong = "refuse"
    refusal: int = 200
    excludes: Excluded = "nothing"
    shift: int = 0
    silent_days: SilentDays = "omit"
    missing: int | None = None

    def __attrs_post_init__(self) -> None:
        _check("cap", self.cap, self.cap in {None, "month"} or (isinstance(self.cap, int) and self.cap > 0))
        _check("month", self.month, self.month in get_args(Month))
        _check("too_long", self.too_long, self.too_long in get_args(TooLong))
        _check("refusal", self.refusal, self.refusal in _STATUSES)
        _check("excludes", self.excludes, self.excludes in get_args(Excluded))
        _check("shift", self.shift, self.shift in range(-_HOURS, _HOURS + 1))
        _check("silent_days", self.silent_days, self.silent_days in get_args(SilentDays))
        _check("missing", self.missing, self.missing is None or self.missing in _ERRORS)

    def covered(self, first: dt.date, last: dt.date, cap: Cap) -> DateRange | None:
        """Return the days that are answered for; ``None``: none of them.

        Args:
            first: the first day that was asked for.
            last: the last one.
            cap: what the plan says.
        """
        if self.too_long == "cut_end":
            last = min(last, self._last(first, cap))
        elif self.too_long == "cut_start":
            first = max(first, self._first(last, cap))
        start = first.toordinal() + (self.excludes in {"start", "both"})
        end = last.toordinal() - (self.excludes in {"end", "both"})
        return DateRange(dt.date.fromordinal(start), dt.date.fromordinal(end)) if start <= end else None

    def refuses(self, first: dt.date, last: dt.date, cap: Cap) -> bool:
        """Return whether a range is refused because it is too long."""
        return self.too_long == "refuse" and last > self._last(first, cap)

    def cells(self, day: dt.date, cells_of: Callable[[dt.date], Cells]) -> Cells:
        """Return the 24 hours that version 3 has for a day.

        Args:
            day: the day.
            cells_of: returns those that version 2 has for any day.
        """
        if not self.shift:
            return cells_of(day)
        one = dt.timedelta(days=1)
        around = cells_of(day - one) + cells_of(day) + cells_of(day + one)
        return around[_HOURS - self.shift : 2 * _HOURS - self.shift]

    def _last(self, first: dt.date, cap: Cap) -> dt.date:
        """Return the last day of the longest range from a day on."""
        days = self._days(cap)
        if days is None:
            return _date(_same_day(first, 1) - 1)
        return _date(first.toordinal() + days - 1)

    def _first(self, last: dt.date, cap: Cap) -> dt.date:
        """Return the first day of the longest range up to a day."""
        days = self._days(cap)
        if days is None:
            return _date(_same_day(last, -1) + 1)
        return _date(last.toordinal() + 1 - days)

    def _days(self, cap: Cap) -> int | None:
        """Return how many days a range may have; ``None``: a calendar month."""
        cap = cap if self.cap is None else self.cap
        if isinstance(cap, int):
            return cap
        return None if self.month == "calendar" else int(self.month)


def _check(name: str, value: object, allowed: bool) -> None:  # noqa: FBT001 - the outcome of a comparison
    if not allowed:
        raise UsageError(f"RangeRules.{name} cannot be {value!r}")


def _same_day(day: dt.date, months: int) -> int:
    """Return the ordinal of the same day of another month, or of the last day of a month that is shorter.

    Beyond the ends of the calendar it is one that no date has.
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        return 0 if year < dt.MINYEAR else dt.date.max.toordinal() + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1])).toordinal()


def _date(ordinal: int) -> dt.date:
    """Return the date of an ordinal, or the first or the last date there is."""
    return dt.date.fromordinal(max(1, min(ordinal, dt.date.max.toordinal())))
