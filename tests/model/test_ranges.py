"""The days of each of several targets."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.ranges import as_first_days, days_from_first, days_of_each
from tests.model.strategies import FIRST, TARGETS, ranges

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Target

SINCE = st.dictionaries(
    st.sampled_from(TARGETS), st.integers(-3, 18).map(lambda days: FIRST + dt.timedelta(days=days))
)


@given(ranges(), SINCE)
def test_no_day_before_the_first_one(days: DateRange, since: dict[Any, dt.date]) -> None:
    """A target has the days of the range that are not before its first day, and is left out if none is."""
    found = days_of_each(TARGETS, days, since)
    for target in TARGETS:
        expected = [day for day in days if day >= since.get(target, day)]
        assert list(found.get(target, ())) == expected


@given(ranges(), SINCE)
def test_a_first_day_may_be_before_the_range(days: DateRange, since: dict[Any, dt.date]) -> None:
    """With `days_from_first`, a target has all days from its first one to the end of the range."""
    found = days_from_first(TARGETS, days, since)
    for target in TARGETS:
        first = since.get(target, days.start)
        assert found.get(target) == (DateRange(first, days.end) if first <= days.end else None)


def test_first_days_are_read() -> None:
    """They are dates or texts, by target."""
    assert as_first_days(None) == {}
    given: dict[Target, dt.date | str] = {TARGETS[0]: "2024-02-25", TARGETS[1]: FIRST}
    assert as_first_days(given) == dict.fromkeys(TARGETS[:2], FIRST)


@pytest.mark.parametrize(
    "wrong", [{"account": FIRST}, {TARGETS[0]: "soon"}, {TARGETS[0]: None}, [TARGETS[0]], "2024-01-01"]
)
def test_anything_else_is_a_mistake(wrong: Any) -> None:  # noqa: ANN401 - anything
    """A usage error says what is expected."""
    with pytest.raises(UsageError):
        as_first_days(wrong)
