"""One series that has everything: three states, gaps, a day in doubt, both changes of the clock, odd text."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.targets import Link

if TYPE_CHECKING:
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.targets import Target

BERLIN = "Europe/Berlin"
LINK = Link('한글,"=1+1"', "https://vvd.bz")
DAYS = DateRange.of("2025-03-28", "2025-10-27")
AT = dt.datetime(2025, 11, 1, 12, 0, 0, 123_456, tzinfo=dt.UTC)


def a_series(target: Target = LINK, days: DateRange = DAYS) -> HourlySeries:
    """Return a series in which every fifth day was not fetched, and half of the others have gaps."""
    return merge_days(days, [_day(date) for date in days if date.toordinal() % 5], target=target)


def _day(date: dt.date) -> DayClicks:
    number = date.toordinal()
    gaps = number % 2
    clicks = tuple(None if gaps and hour % 6 == 0 else number * hour % 1_000 for hour in range(24))
    users = tuple(None if count is None else count // 2 for count in clicks)
    return DayClicks(date, clicks, users, AT + dt.timedelta(minutes=number % 60), final=number % 7 != 0)
