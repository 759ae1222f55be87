"""Days and series as hypothesis draws them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.series import merge_days
from hourlyclicks.model.targets import Account, Group, Link

if TYPE_CHECKING:
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.targets import Target

TARGETS: tuple[Target, ...] = (Account(), Group(7), Link("kYdr", "https://vvd.bz"))
FIRST = dt.date(2024, 2, 25)  # a week that holds a leap day
NOON = dt.datetime(2024, 3, 10, 12, tzinfo=dt.UTC)

_COUNTS = (0, 1, 2, 3, 121, 198, 2**63 - 1)
_MOMENTS = st.integers(0, 2).map(lambda seconds: NOON + dt.timedelta(seconds=seconds))


@st.composite
def days(draw: st.DrawFn, dates: st.SearchStrategy[dt.date]) -> DayClicks:
    """Draw a day; few moments and small counts, so that ties are frequent."""
    hours = draw(st.binary(min_size=24, max_size=24))  # one draw and not 48, which would take a second
    gaps = draw(st.booleans())
    return DayClicks(
        date=draw(dates),
        clicks=tuple(None if gaps and hour % 4 == 0 else _COUNTS[hour % 7] for hour in hours),
        unique_users=tuple(None if gaps and hour % 4 == 0 else _COUNTS[hour // 7 % 7] for hour in hours),
        fetched_at=draw(_MOMENTS),
        final=draw(st.booleans()),
    )


@st.composite
def ranges(draw: st.DrawFn) -> DateRange:
    """Draw a range of one to eight days."""
    start = FIRST + dt.timedelta(days=draw(st.integers(0, 7)))
    return DateRange(start, start + dt.timedelta(days=draw(st.integers(0, 7))))


@st.composite
def days_of(draw: st.DrawFn, span: DateRange) -> list[DayClicks]:
    """Draw answers for some days of a range, several for some of them."""
    return draw(st.lists(days(st.sampled_from(list(span))), max_size=8))


@st.composite
def series(draw: st.DrawFn, target: Target = TARGETS[0]) -> HourlySeries:
    """Draw a series of a target."""
    span = draw(ranges())
    return merge_days(span, draw(days_of(span)), target=target)


def a_day(date: dt.date, first: int | None = 1, *, final: bool = True, at: dt.datetime = NOON) -> DayClicks:
    """Return a day with one click at midnight, zeros to noon, and nothing reported after."""
    clicks = (first, *[0] * 11, *[None] * 12)
    return DayClicks(date, clicks, clicks, at, final)


def content(known: HourlySeries) -> list[DayClicks]:
    """Return all data of a series, the times of fetching included, which ``==`` leaves out."""
    return list(known.days())
