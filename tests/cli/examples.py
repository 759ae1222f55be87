"""Series to show: few days, with hours of every kind."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks import DateRange, DayClicks, Link
from hourlyclicks.model.series_builder import merge_days

if TYPE_CHECKING:
    from hourlyclicks import HourlySeries, Target

LINK = Link("kYdr", "https://vvd.bz")
LATER = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
RANGE = DateRange.of("2025-04-01", "2025-04-04")


def day(date: str, *clicks: int | None, final: bool = True) -> DayClicks:
    """Return a day whose first hours are given and whose others were not reported."""
    counts = (*clicks, *([None] * (24 - len(clicks))))
    return DayClicks(dt.date.fromisoformat(date), counts, counts, LATER, final)


def week_of_work(target: Target = LINK) -> HourlySeries:
    """Return a busy day, a missing one, an empty one, and a provisional one."""
    days = [
        day("2025-04-01", *(hour * 100 for hour in range(24))),
        day("2025-04-03"),
        day("2025-04-04", 0, 7, None, 1, final=False),
    ]
    return merge_days(RANGE, days, target=target)
