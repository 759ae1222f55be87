"""The plan of ranges: as few as possible, and nothing that cannot be asked for."""

from __future__ import annotations

import datetime as dt
import functools
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.jobs.range_plan import halves, plan_ranges
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import MONTH, RangeCap
from hourlyclicks.model.zones import has_begun, last_begun
from hourlyclicks.pacing.plans import Plan, longest_range

TEN_YEARS = DateRange.of("2016-01-01", "2025-12-31")
EVER = DateRange(dt.date.min, dt.date.max)
FIRST = dt.date(2024, 1, 20)
DAY = dt.timedelta(days=1)

caps = st.one_of(st.just(MONTH), st.builds(RangeCap, st.integers(1, 12)))
some_days = st.sets(st.integers(0, 75).map(lambda number: FIRST + number * DAY), max_size=12)
within = st.tuples(st.integers(0, 20), st.integers(45, 75)).map(
    lambda ends: DateRange(FIRST + ends[0] * DAY, FIRST + ends[1] * DAY)
)


def fewest(wanted: tuple[dt.date, ...], cap: RangeCap) -> int:
    """Return the least number of ranges that cover some days, by trying all ranges."""

    @functools.cache
    def search(left: tuple[dt.date, ...]) -> int:
        if not left:
            return 0
        ends = {cap.last(left[0] - back * DAY) for back in range(31)}
        return 1 + min(search(tuple(day for day in left if day > end)) for end in ends if end >= left[0])

    return search(wanted)


@given(some_days, some_days, caps, within)
def test_the_ranges_are_the_fewest(
    needed: set[dt.date], optional: set[dt.date], cap: RangeCap, within: DateRange
) -> None:
    """They cover each needed day once, are as few as can be, and stay within the cap and the days."""
    ranges = plan_ranges(needed, cap, optional=optional, within=within)
    wanted = tuple(sorted(day for day in needed if day in within))
    covered = [day for days in ranges for day in days]
    assert len(ranges) == fewest(wanted, cap)
    assert covered == sorted(set(covered))
    assert set(wanted) <= set(covered)
    assert all(cap.allows(days) for days in ranges)
    assert all(day in within for day in covered)
    assert {end for days in ranges for end in (days.start, days.end)} <= needed | optional


@given(st.sets(st.integers(30, 40), min_size=1, max_size=4), some_days, caps)
def test_a_range_is_widened_as_far_as_it_can_be(
    numbers: set[int], optional: set[dt.date], cap: RangeCap
) -> None:
    """No other range over the same days has more of the days that may have changed."""
    needed = {FIRST + number * DAY for number in numbers}
    ranges = plan_ranges(needed, cap, optional=optional, within=EVER)
    if len(ranges) > 1:
        return
    starts = [FIRST + number * DAY for number in range(-5, 80)]
    most = max(
        sum(start <= day <= cap.last(start) for day in optional - needed)
        for start in starts
        if start <= min(needed) and cap.last(start) >= max(needed)
    )
    assert len((optional - needed) & set(ranges[0])) == most


def test_yesterday_and_today_bring_the_week_along() -> None:
    """A nightly run asks again for the provisional days of the week, in the one request that it needs."""
    today = dt.date(2025, 6, 8)
    week = DateRange(today - 6 * DAY, today)
    ranges = plan_ranges([today - DAY, today], RangeCap(7), optional=week, within=DateRange(FIRST, today))
    assert ranges == [week]


def test_widening_adds_no_request() -> None:
    """Days that may have changed and that no range reaches are left alone."""
    needed = [dt.date(2025, 6, 1), dt.date(2025, 6, 20)]
    optional = [dt.date(2025, 5, 1), dt.date(2025, 6, 5), dt.date(2025, 6, 10), dt.date(2025, 6, 13)]
    ranges = plan_ranges(needed, RangeCap(7), optional=optional, within=TEN_YEARS)
    assert ranges == [DateRange.of("2025-06-01", "2025-06-05"), DateRange(needed[1], needed[1])]


@pytest.mark.parametrize(
    ("plan", "requests"),
    [
        (Plan.PERSONAL, 522),
        (Plan.PREMIUM, 261),
        (Plan.BUSINESS, 120),
        (Plan.BUSINESS_PLUS, 120),
        (Plan.ENTERPRISE, 120),
    ],
)
def test_ten_years(plan: Plan, requests: int) -> None:
    """Ten years of a link in so many requests, by plan."""
    assert len(plan_ranges(TEN_YEARS, longest_range(plan), within=EVER)) == requests


def test_no_day_is_asked_for_that_cannot_be() -> None:
    """Not before the creation of a target, and not after the last day that has begun, needed or not."""
    june = DateRange.of("2025-06-01", "2025-06-30")
    within = DateRange.of("2025-06-05", "2025-06-20")
    assert plan_ranges(june, MONTH, optional=june, within=within) == [within]
    assert plan_ranges([within.end], MONTH, optional=june, within=within) == [within]
    assert plan_ranges([june.end], MONTH, optional=june, within=within) == []


@given(st.integers(1, 40), st.sets(st.integers(0, 39)), st.sets(st.integers(0, 39), max_size=2))
def test_halving_finds_the_refused_days(length: int, numbers: set[int], bad: set[int]) -> None:
    """A range is halved until each refused day stands alone; all other needed days are answered."""
    asked = DateRange(FIRST, FIRST + (length - 1) * DAY)
    needed = {FIRST + number * DAY for number in numbers} & set(asked)
    refused = {FIRST + number * DAY for number in bad}
    waiting, answered, alone, requests = [asked], set[dt.date](), set[dt.date](), 0
    while waiting:
        days = waiting.pop()
        requests += 1
        if refused.isdisjoint(days):
            answered.update(days)
            continue
        waiting += halves(days, needed)
        if days.start == days.end:
            alone.add(days.start)
    assert needed - refused <= answered
    assert (needed & refused) == alone & needed
    assert requests <= 1 + 2 * len(refused) * (length - 1).bit_length()


@given(
    st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC)),  # noqa: DTZ001 - bounds
    st.sampled_from([None, dt.UTC, ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York")]),
)
def test_the_last_day_that_has_begun(now: dt.datetime, zone: dt.tzinfo | None) -> None:
    """It has begun, in the zone or anywhere on Earth, and the next day has not."""
    day = last_begun(now, zone)
    assert has_begun(day, now, zone)
    assert not has_begun(day + DAY, now, zone)
