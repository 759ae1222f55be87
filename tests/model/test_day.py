import copy
import datetime as dt
import pickle

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.day import DayClicks, HourClicks, HourStatus
from tests.model.strategies import FIRST, NOON, a_day, days

ZEROS = (0,) * 24


@given(days(st.dates()))
def test_a_day_iterates_as_its_24_hours(day: DayClicks) -> None:
    """The hours come in order, each with its own counts."""
    hours = list(day)
    assert list(range(24)) == [hour.hour for hour in hours]
    assert day.clicks == tuple(hour.clicks for hour in hours)
    assert day.unique_users == tuple(hour.unique_users for hour in hours)
    assert {day.date} == {hour.date for hour in hours}


@given(days(st.just(FIRST)))
def test_an_hour_of_a_day_was_reported_or_not(day: DayClicks) -> None:
    """A count and only a count is "reported"; of a fetched day no hour is "not fetched"."""
    for hour in day:
        expected = HourStatus.NOT_REPORTED if hour.clicks is None else HourStatus.REPORTED
        assert expected is hour.status


@given(days(st.just(FIRST)))
def test_a_day_sums_what_was_reported(day: DayClicks) -> None:
    """The total and the number of hours leave out hours that were not reported."""
    known = [hour.clicks for hour in day if hour.clicks is not None]
    assert sum(known) == day.total_clicks
    assert len(known) == day.reported_hours


def test_zero_is_a_figure() -> None:
    """A day of zeros has 24 reported hours, an empty one has none; both have no clicks."""
    zeros = DayClicks(FIRST, ZEROS, ZEROS, NOON, final=True)
    empty = DayClicks(FIRST, (None,) * 24, (None,) * 24, NOON, final=True)
    assert (zeros.reported_hours, zeros.total_clicks) == (24, 0)
    assert (empty.reported_hours, empty.total_clicks) == (0, 0)
    assert zeros != empty


def test_more_people_than_clicks_are_fine() -> None:
    """The vendor's own example has 198 unique users in 121 clicks."""
    day = DayClicks(FIRST, (121,) * 24, (198,) * 24, NOON, final=True)
    assert [(hour.clicks, hour.unique_users) for hour in day] == [(121, 198)] * 24


@pytest.mark.parametrize("hours", [0, 23, 25])
def test_a_day_has_24_hours(hours: int) -> None:
    """Neither column may be longer or shorter."""
    with pytest.raises(UsageError, match=f"not {hours} of clicks and 24 of unique users"):
        DayClicks(FIRST, (1,) * hours, ZEROS, NOON, final=True)
    with pytest.raises(UsageError, match=f"not 24 of clicks and {hours} of unique users"):
        DayClicks(FIRST, ZEROS, (1,) * hours, NOON, final=True)


def test_a_day_knows_when_it_was_fetched_in_any_zone() -> None:
    """The time of fetching has a zone, and any zone is accepted."""
    seoul = dt.timezone(dt.timedelta(hours=9))
    assert a_day(FIRST, at=NOON) == a_day(FIRST, at=NOON.astimezone(seoul))
    with pytest.raises(UsageError, match="fetched_at needs a time zone"):
        a_day(FIRST, at=NOON.replace(tzinfo=None))


def test_an_hour_can_be_not_fetched() -> None:
    """A status that is given is kept."""
    hour = HourClicks(FIRST, 5, None, None, HourStatus.NOT_FETCHED)
    assert hour.status is HourStatus.NOT_FETCHED
    assert hour != HourClicks(FIRST, 5, None, None)


def test_the_statuses_print_as_they_are_written() -> None:
    """They are strings, and can be exported."""
    assert [*HourStatus] == ["reported", "not_reported", "not_fetched"]


@given(days(st.dates()))
def test_days_and_hours_are_values(day: DayClicks) -> None:
    """They pickle, copy, hash and never change."""
    hour = next(iter(day))
    assert {day} == {day, copy.copy(day), pickle.loads(pickle.dumps(day))}  # noqa: S301 - our own bytes
    assert {hour} == {hour, copy.copy(hour), pickle.loads(pickle.dumps(hour))}  # noqa: S301 - our own bytes
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        day.final = True  # type: ignore[misc]  # the point of the test
