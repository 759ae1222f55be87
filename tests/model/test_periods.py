import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.periods import PERIODS, PeriodClicks, month_of, week_of
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.targets import Account
from tests.model.frames.sample import a_series
from tests.model.strategies import FIRST, NOON, a_day, series

EXTREMES = [dt.date.min, dt.date.max]


def by(known: HourlySeries, period: str) -> tuple[PeriodClicks, ...]:
    """Return the sums of one kind of period."""
    found: tuple[PeriodClicks, ...] = getattr(known, f"clicks_by_{period}")()
    return found


def a_full_day(clicks: int) -> DayClicks:
    """Return a final day with as many clicks in each hour."""
    counts = (clicks,) * 24
    return DayClicks(FIRST, counts, counts, NOON, final=True)


@pytest.mark.parametrize("period", PERIODS)
@given(series())
def test_a_sum_is_that_of_the_reported_hours(period: str, known: HourlySeries) -> None:
    """Sums and numbers of hours are those of the hours themselves, and `None` only without any."""
    for found in by(known, period):
        hours = [hour.clicks for hour in known if found.start <= hour.date <= found.end]
        reported = [clicks for clicks in hours if clicks is not None]
        assert found.clicks == (sum(reported) if reported else None)
        assert found.reported_hours == len(reported)
        days = [day for day in known.days() if found.start <= day.date <= found.end]
        assert found.final == (sum(day.final for day in days) * 24 == found.hours)


@pytest.mark.parametrize("period", PERIODS)
def test_periods_cover_the_range_in_order(period: str) -> None:
    """Each day of the range is in one period, and the totals agree."""
    known = a_series()
    found = by(known, period)
    assert sum(each.clicks or 0 for each in found) == known.total_clicks
    assert found[0].start <= known.range.start
    assert found[-1].end >= known.range.end
    for before, after in pairwise(found):
        assert after.start == before.end + dt.timedelta(days=1)


@given(st.dates() | st.sampled_from(EXTREMES))
def test_weeks_and_months_are_those_of_the_calendar(date: dt.date) -> None:
    """A week is that of ISO 8601, and a month has the days of its number."""
    week, month = week_of(date), month_of(date)
    for period in (week, month):
        assert date in period
    assert {day.isocalendar()[:2] for day in week} == {date.isocalendar()[:2]}
    assert {(day.year, day.month) for day in month} == {(date.year, date.month)}
    assert len(week) == 7 or {week.start, week.end} & set(EXTREMES)
    assert month.end == dt.date.max or (month.end + dt.timedelta(days=1)).day == 1


def test_a_week_that_begins_before_the_series_is_incomplete() -> None:
    """The hours outside of the range are missing in the sum, and so are those that were not reported."""
    known = merge_days(DateRange(FIRST, FIRST), [a_day(FIRST)], target=Account())
    assert by(known, "week") == (
        PeriodClicks(dt.date(2024, 2, 19), dt.date(2024, 2, 25), 1, 12, final=False, fetched_days=1),
    )
    [day] = by(known, "day")
    assert (day.hours, day.complete, day.final) == (24, False, True)
    [full] = by(merge_days(DateRange(FIRST, FIRST), [a_full_day(1)], target=Account()), "day")
    assert (full.clicks, full.complete) == (24, True)


def test_a_day_that_was_not_fetched_is_not_zero() -> None:
    """Its clicks are `None`, and zero is a report."""
    known = merge_days(DateRange(FIRST, FIRST + dt.timedelta(1)), [a_full_day(0)], target=Account())
    assert [(day.clicks, day.reported_hours, day.final) for day in by(known, "day")] == [
        (0, 24, True),
        (None, 0, False),
    ]
