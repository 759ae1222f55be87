"""Days and series as hypothesis draws them."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.targets import Account, Group, Link

if TYPE_CHECKING:
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.targets import Target

TARGETS: tuple[Target, ...] = (Account(), Group(7), Link("kYdr", "https://vvd.bz"))
FIRST = dt.date(2024, 2, 25)  # a week that holds a leap day
NOON = dt.datetime(2024, 3, 10, 12, tzinfo=dt.UTC)

MOST = 2**63 - 1
FITTING = MOST // (8 * 24)
"""The most clicks of an hour of which a series as drawn here has a sum of 64 bits."""

_COUNTS = (0, 1, 2, 3, 121, 198)


@cache
def _table(part: int, most: int, *, gaps: bool) -> tuple[int | None, ...]:
    """Return what each byte of an hour stands for."""
    counts = (*_COUNTS, most)
    return tuple(None if gaps and byte % 4 == 0 else counts[byte // part % 7] for byte in range(256))


_DAY = st.binary(min_size=25, max_size=25)


def _day(date: dt.date, drawn: bytes, most: int = MOST) -> DayClicks:
    """Make a day of 25 bytes; few moments and small counts, so that ties are frequent.

    A day is drawn at once: a draw for each of its hours and properties would take most of the time of a test.
    """
    hours, rest = drawn[:24], drawn[24]
    gaps, final, seconds = bool(rest & 1), bool(rest & 2), rest // 4 % 3
    return DayClicks(
        date=date,
        clicks=tuple(map(_table(1, most, gaps=gaps).__getitem__, hours)),
        unique_users=tuple(map(_table(7, most, gaps=gaps).__getitem__, hours)),
        fetched_at=NOON + dt.timedelta(seconds=seconds),
        final=final,
    )


def days(dates: st.SearchStrategy[dt.date]) -> st.SearchStrategy[DayClicks]:
    """Draw a day."""
    return st.builds(_day, dates, _DAY)


@st.composite
def ranges(draw: st.DrawFn) -> DateRange:
    """Draw a range of one to eight days."""
    start = FIRST + dt.timedelta(days=draw(st.integers(0, 7)))
    return DateRange(start, start + dt.timedelta(days=draw(st.integers(0, 7))))


_ANSWERS = st.lists(st.binary(min_size=26, max_size=26), max_size=8)
"""Days, each with a byte for its place in a range before it."""


def days_of(span: DateRange, most: int = MOST) -> st.SearchStrategy[list[DayClicks]]:
    """Draw answers for some days of a range, several for some of them."""
    return _ANSWERS.map(lambda drawn: [_day(span[each[0] % len(span)], each[1:], most) for each in drawn])


@st.composite
def series(draw: st.DrawFn, target: Target = TARGETS[0], most: int = MOST) -> HourlySeries:
    """Draw a series of a target, of which no count is above `most`."""
    span = draw(ranges())
    return merge_days(span, draw(days_of(span, most)), target=target)


def a_day(date: dt.date, first: int | None = 1, *, final: bool = True, at: dt.datetime = NOON) -> DayClicks:
    """Return a day with one click at midnight, zeros to noon, and nothing reported after."""
    clicks = (first, *[0] * 11, *[None] * 12)
    return DayClicks(date, clicks, clicks, at, final)


def content(known: HourlySeries) -> list[DayClicks]:
    """Return all data of a series, the times of fetching included, which ``==`` leaves out."""
    return list(known.days())
