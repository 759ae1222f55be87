"""Clicks of days, weeks and months, from those of hours.

There is no such sum of unique users: a person who clicks in two hours is counted in both.
"""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.columns import FINAL, MISSING
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import HOURS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hourlyclicks.model.columns import Columns

_WEEK = 7


@attrs.frozen
class PeriodClicks:
    """The clicks of a day, a week or a month.

    Args:
        start: the first day of the whole period, also if the series begins later.
        end: its last day, also if the series ends earlier.
        clicks: the sum of the hours that are reported; ``None``: no hour is.
        reported_hours: how many hours that are. An hour that is not reported, not fetched or outside of the
            series is not in the sum.
        final: whether the sum can no longer change: every day of the period was fetched, and is final.
        fetched_days: how many days of the period were fetched.
    """

    start: dt.date
    end: dt.date
    clicks: int | None
    reported_hours: int
    final: bool
    fetched_days: int

    @property
    def days(self) -> int:
        """How many days the whole period has."""
        return (self.end - self.start).days + 1

    @property
    def hours(self) -> int:
        """How many hours the whole period has, 24 a day."""
        return HOURS * self.days

    @property
    def complete(self) -> bool:
        """Whether every hour of the whole period is reported."""
        return self.reported_hours == self.hours


def day_of(date: dt.date) -> DateRange:
    """Return the day itself."""
    return DateRange(date, date)


def week_of(date: dt.date) -> DateRange:
    """Return the week of a day, from Monday to Sunday (ISO 8601), as far as the calendar has its days."""
    first = max(date.toordinal() - date.weekday(), dt.date.min.toordinal())
    last = min(date.toordinal() - date.weekday() + _WEEK - 1, dt.date.max.toordinal())
    return DateRange(dt.date.fromordinal(first), dt.date.fromordinal(last))


def month_of(date: dt.date) -> DateRange:
    """Return the calendar month of a day."""
    first = date.replace(day=1)
    if (date.year, date.month) == (dt.date.max.year, dt.date.max.month):
        return DateRange(first, dt.date.max)
    following = (first + dt.timedelta(days=31)).replace(day=1)
    return DateRange(first, following - dt.timedelta(days=1))


PERIODS: dict[str, Callable[[dt.date], DateRange]] = {"day": day_of, "week": week_of, "month": month_of}
"""The kinds of periods: each is a function that returns the period of a day."""


def clicks_by(
    period_of: Callable[[dt.date], DateRange], days: DateRange, columns: Columns
) -> tuple[PeriodClicks, ...]:
    """Return the clicks of the periods of which a range has days, in order.

    Args:
        period_of: returns the period of a day.
        days: the range.
        columns: its figures.
    """
    places = groupby(range(len(days)), key=lambda place: period_of(days[place]))
    return tuple([_sum(period, found, columns) for period, found in places])


def _sum(period: DateRange, places: Iterable[int], columns: Columns) -> PeriodClicks:
    found = list(places)
    hours = slice(found[0] * HOURS, (found[-1] + 1) * HOURS)
    reported = columns.reported[hours].count(1)
    states = columns.states[found[0] : found[-1] + 1]
    clicks = sum(columns.clicks[hours]) if reported else None
    return PeriodClicks(
        period.start,
        period.end,
        clicks,
        reported,
        final=states.count(FINAL) == len(period),
        fetched_days=len(states) - states.count(MISSING),
    )
