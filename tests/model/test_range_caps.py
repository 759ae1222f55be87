"""How many days one request may ask for, against the simulator's readings of a month."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import LADDER, MONTH, RangeCap
from hourlyclicks.simulator import RangeRules

DAY = dt.timedelta(days=1)
THREE_YEARS = DateRange.of("2023-12-01", "2026-11-30")
dates = st.dates(dt.date(2000, 1, 1), dt.date(2050, 1, 1))
caps = st.builds(RangeCap, st.one_of(st.none(), st.integers(1, 40)))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2025-01-01", "2025-01-31"),
        ("2025-01-15", "2025-02-14"),
        ("2025-01-28", "2025-02-27"),
        ("2025-01-31", "2025-02-27"),
        ("2024-01-31", "2024-02-28"),
        ("2025-02-01", "2025-02-28"),
        ("2025-12-05", "2026-01-04"),
        ("9999-12-05", "9999-12-31"),
    ],
)
def test_a_month_ends_before_the_same_day(first: str, last: str) -> None:
    """A month is 28 to 31 days, and the calendar ends some day."""
    assert MONTH.last(dt.date.fromisoformat(first)) == dt.date.fromisoformat(last)


@pytest.mark.parametrize("month", ["calendar", "31"])
def test_every_reading_allows_our_month(month: str) -> None:
    """A server that counts 31 days, or by the calendar, from either end, answers for all of our month."""
    for first in THREE_YEARS:
        last = MONTH.last(first)
        assert 28 <= (last - first).days + 1 <= 31
        for too_long in ("refuse", "cut_end", "cut_start"):
            rules = RangeRules(month=month, too_long=too_long)  # type: ignore[arg-type]  # of the lists above
            assert not rules.refuses(first, last, "month")
            assert rules.covered(first, last, "month") == DateRange(first, last)


@given(caps, dates)
def test_a_later_start_has_no_earlier_end(cap: RangeCap, first: dt.date) -> None:
    """Any part of a range that is allowed is allowed as well."""
    assert first <= cap.last(first) <= cap.last(first + DAY)
    assert cap.allows(DateRange(first, cap.last(first)))
    assert not cap.allows(DateRange(first, cap.last(first) + DAY))


@given(caps, dates)
def test_the_first_day_is_the_earliest(cap: RangeCap, last: dt.date) -> None:
    """From the first day on a range reaches the last one; from the day before it does not."""
    first = cap.first(last)
    assert cap.last(first) >= last > cap.last(first - DAY)


def test_the_ladder_leads_down() -> None:
    """Each cap has the next lower one, and a single day has none."""
    assert [cap.smaller() for cap in LADDER] == [*LADDER[1:], None]
    assert RangeCap(10).smaller() == RangeCap(7)
    assert [str(cap) for cap in LADDER] == ["a month", "14 days", "7 days", "1 day"]


def test_a_request_asks_for_a_day_at_least() -> None:
    """A cap of no days is an error; at the beginning of the calendar, so is nothing."""
    with pytest.raises(UsageError, match="at least one day"):
        RangeCap(0)
    assert RangeCap(9).first(dt.date.min) == dt.date.min
