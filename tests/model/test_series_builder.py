from __future__ import annotations

import datetime as dt

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.series_builder import SeriesBuilder
from hourlyclicks.model.targets import Account
from tests.model.strategies import FIRST, a_day

DAY = dt.timedelta(days=1)
WEEK = DateRange(FIRST, FIRST + 6 * DAY)


def test_a_builder_builds_once() -> None:
    """Building passes the memory on; the builder cannot be used again."""
    builder = SeriesBuilder(Account(), WEEK)
    builder.add(a_day(FIRST))
    assert (builder.target, builder.range) == (Account(), WEEK)
    assert builder.build()[FIRST] == a_day(FIRST)
    for use in (builder.build, lambda: builder.add(a_day(FIRST))):
        with pytest.raises(UsageError, match="this builder is used up"):
            use()


@pytest.mark.parametrize("shift", [-1, 7])
def test_a_day_out_of_range_is_refused(shift: int) -> None:
    """The day before the range and the day after it are usage errors, and change nothing."""
    builder = SeriesBuilder(Account(), WEEK)
    with pytest.raises(UsageError, match=r"is not in the range 2024-02-25\.\.2024-03-02"):
        builder.add(a_day(FIRST + shift * DAY))
    assert list(WEEK) == list(builder.build().missing_days)
